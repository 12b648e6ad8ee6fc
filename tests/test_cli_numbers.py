"""`bptt train regress` and `bptt train forecast` from the command line: all commands, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Command

import bptt
from bptt.training.python import train

TABLE = "rain,sun,yield\n" + "".join(f"{n % 7},{n % 5},{2 * (n % 7) - n % 5 + 0.5}\n" for n in range(60))
SALES = "month,sales\n" + "".join(
    f"{2000 + n // 12}-{n % 12 + 1:02d},{100 + n + 20 * (n % 12)}\n" for n in range(72)
)
SMALL = ("--hidden", "4", "--epochs", "2")


def files(folder: Path) -> None:
    (folder / "yield.csv").write_text(TABLE, encoding="utf-8")
    (folder / "sales.csv").write_text(SALES, encoding="utf-8")


def test_a_regressor_is_trained_asked_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    files(tmp_path)
    ended = command("train", "regress", "yield.csv", "-o", "run", "--epochs", "40", "--lr", "0.02")
    assert ended.code == 0, ended.err
    assert "target yield: " in ended.out + ended.err
    assert "always answering the median" in ended.out
    assert "nats" not in ended.out + ended.err
    ended = command("evaluate", "run", "yield.csv", "--figures", "pictures")
    assert "baseline_mae" in ended.out
    assert (tmp_path / "pictures" / "numbers.png").exists()
    ended = command("predict", "run", "yield.csv", "--json")
    first = json.loads(ended.out.splitlines()[0])
    assert first["given"] == {"yield": 0.5}
    assert first["low"]["yield"] <= first["numbers"]["yield"] <= first["high"]["yield"]
    assert len(command("predict", "run", "yield.csv").out.splitlines()) == 60
    trained = bptt.load("run")
    assert trained.predict([np.array([1.0, 2], np.float32)])[0].values.shape == (1,)


def test_series_are_looked_into_and_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{','.join(map(str, range(n % 5 + 2)))}:{n % 5}.5" for n in range(30)]
    (tmp_path / "walk.ts").write_text("@targetLabel true\n@data\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert command("train", "regress", "walk.ts", "-o", "run", *SMALL).code == 0
    ended = command("inspect", "run", "--data", "walk.ts", "--examples", "2", "-o", "page.html")
    assert ended.code == 0, ended.err
    assert command("derive", "run").code == 0
    again = command("train", "regress", "walk.ts", "-o", "next", "--init-from", "run", "--epochs", "1")
    assert "tensors taken whole" in again.out + again.err
    ended = command("train", "regress", "walk.ts", "-o", "folds", "--folds", "3", *SMALL)
    assert ended.code == 0, ended.err
    assert "r2\t" in ended.out
    assert "coverage" not in ended.out


def test_a_forecaster_is_trained_asked_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    files(tmp_path)
    (tmp_path / "past.csv").write_text("".join(SALES.splitlines(keepends=True)[:61]), encoding="utf-8")
    ended = command("train", "forecast", "past.csv", "-o", "run", *SMALL)
    assert ended.code == 0, ended.err
    said = ended.out + ended.err
    assert "season: 12 steps" in said
    assert "seasonal naive\t" in said
    ended = command("evaluate", "run", "sales.csv", "--figures", "pictures")
    assert "mase\t" in ended.out
    assert "drift\t" in ended.out
    assert (tmp_path / "pictures" / "forecast.png").exists()
    ended = command("predict", "run", "sales.csv", "--figure", "next.png")
    lines = ended.out.splitlines()
    assert lines[0].split("\t")[2:] == ["time", "forecast", "low", "high"]
    assert [line.split("\t")[2] for line in lines[1:]] == [f"2006-{month:02d}" for month in range(1, 13)]
    assert (tmp_path / "next.png").exists()
    found = json.loads(command("predict", "run", "sales.csv", "--json").out)
    assert found["forecasts"][0]["column"] == "sales"
    assert command("inspect", "run", "--data", "sales.csv", "-o", "page.html").code == 0
    resumed = command("train", "forecast", "past.csv", "-o", "run", "--resume", "--epochs", "3")
    assert resumed.code == 0, resumed.err


def test_python_trains_the_same(tmp_path: Path) -> None:
    files(tmp_path)
    trained = train("regress", tmp_path / "yield.csv", tmp_path / "run", epochs=1, progress=False)
    assert trained.config.source.targets == ("yield",)
    forecaster = train(
        "forecast", tmp_path / "sales.csv", tmp_path / "next", epochs=1, horizon=3, progress=False
    )
    assert forecaster.config.series.horizon == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("regress", "constant.csv"), "targets: must differ"),
        (("regress", "text.csv"), "text.csv:3: the target yield must be a number, got 'much'"),
        (("regress", "missing.csv"), "missing.csv:3: must have a number as its target yield"),
        (("regress", "yield.csv", "--target-column", "snow"), "must have a column snow"),
        (("regress", "yield.csv", "--loss", "quantile", "--quantile", "0.9", "--quantile", "0.1"), "rising"),
        (("forecast", "sales.csv", "--horizon", "60"), "need 87 steps, got 72. Give a longer past"),
        (("forecast", "twice.csv"), "twice.csv:3: a series has one row for each time"),
        (("forecast", "sales.csv", "--value-column", "profit"), "must have a column profit"),
    ],
)
def test_what_cannot_be_learned_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files(tmp_path)
    contents = {
        "constant.csv": "rain,yield\n" + "".join(f"{n},3\n" for n in range(20)),
        "text.csv": "rain,yield\n1,2\n2,much\n3,4\n4,5\n",
        "missing.csv": "rain,yield\n1,2\n2,\n3,4\n4,5\n",
        "twice.csv": "month,sales\n2000-01,1\n2000-01,2\n2000-02,3\n",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    ended = command("train", *words, "-o", "run")
    assert ended.code == 2
    assert said in ended.err
