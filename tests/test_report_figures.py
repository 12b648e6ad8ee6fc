"""Pictures and lines from run folders written by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bptt.data.levels import LEVELS
from bptt.errors import InputError, MachineError
from bptt.jobs.older import LEVELS as OLDER_LEVELS
from bptt.jobs.older import older_names
from bptt.report import draw_training, read_training
from bptt.report.run_records import read_title

PNG = b"\x89PNG\r\n\x1a\n"
CONFIG = {
    "format": 1,
    "task": "language-model",
    "cell": {"name": "lstm"},
    "model": {"num_layers": 2, "hidden_size": 256},
    "vocabulary": {"level": "bpe"},
    "source": {"names": ["语料$1$.txt"]},
}
RECORDS = [
    {"kind": "train", "step": 10, "epoch": 1, "loss": 3.0, "seconds": 1.0},
    {"kind": "held-out", "step": 20, "epoch": 1, "loss": 2.0, "seconds": 2.0},
    {"kind": "train", "step": 20, "epoch": 1, "loss": 2.5, "seconds": 2.0},
    {"kind": "held-out", "step": 40, "epoch": 2, "loss": 1.5, "seconds": 3.0},
    {"kind": "held-out", "step": 60, "epoch": 3, "loss": 1.75, "seconds": 4.0},
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    (tmp_path / "metrics.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Axes]]:
    """The axes of every figure that is saved."""
    found: list[Axes] = []
    save = Figure.savefig

    def spy(figure: Figure, path: Path, **options: Any) -> None:
        found.extend(figure.axes)
        save(figure, path, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    yield found


def test_training_curve_shows_the_records(run: Path, drawn: list[Axes]) -> None:
    training = read_training(run, older_names)
    draw_training(training, run / "training.png")
    assert (run / "training.png").read_bytes().startswith(PNG)
    train, held_out, best = (line.get_xydata().tolist() for line in drawn[0].lines)
    assert train == [[10, 3.0], [20, 2.5]]
    assert held_out == [[20, 2.0], [40, 1.5], [60, 1.75]]
    assert best == [[40, 1.5]]
    assert training.title == "lstm 2×256 on 语料$1$.txt, by token"
    assert training.best == (40, 1.5)
    assert f"{math.exp(1.5):.4g}) at step 40 of 60" in training.summary


def look(step: int, *norms: float, layer: str = "layer 2") -> str:
    """A record of what the watch saw: δ in two layers, and a state, which is not drawn."""
    seen = {"layer 1": [9.0, 9.0], layer: norms}
    curves = [{"layer": at, "quantity": "δ", "tenth": None, "median": m} for at, m in seen.items()]
    curves.append({"layer": layer, "quantity": "h", "tenth": None, "median": [7.0, 7.0]})
    return json.dumps({"kind": "gradient", "step": step, "epoch": 1, "losses": 8, "curves": curves}) + "\n"


def test_a_watched_run_shows_how_far_back_the_gradient_reached(run: Path, drawn: list[Axes]) -> None:
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(look(20, 2.0, 0.2, 0.002) + look(40, 1.0, 1.0, 50.0, 0.0) + look(60, 1.0, math.inf, 0.5))
    draw_training(read_training(run, older_names), run / "training.png")
    above, below = drawn[:2]
    assert below.get_title(loc="left") == "How far back the gradient reaches, layer 2"
    assert below.get_shared_x_axes().joined(above, below) and not above.get_xlabel()
    (mesh,) = below.collections
    lags, updates = mesh.get_coordinates()[:, 0, 1].tolist(), mesh.get_coordinates()[0, :, 0].tolist()
    assert lags == [0.5, 1.5, 2.5, 3.5] and updates == [10, 30, 50, 70]
    # By lag and update, the power of ten at the lower edge of the band, which has its upper edge but not its
    # lower one; beyond the last lag there is none.
    bands = np.floor(mesh.get_array()).filled(math.nan)
    assert np.array_equal(bands[:2], [[-2, -1, 308], [-4, 1, -1]])
    assert math.isnan(bands[2][0]) and bands[2][1] < -6 and math.isnan(bands[2][2])
    colours = mesh.to_rgba(mesh.get_array())[..., :3]
    assert (colours[0, 0] < colours[1, 0])[:2].all()  # the deeper blue, the nearer
    assert colours[1, 1][0] > colours[1, 1][2] and colours[0, 2][0] > colours[0, 2][2]  # what grew is orange


@pytest.mark.parametrize("norms", [(1.0, 1.0, 1.0), (0.0, 0.0)])
def test_a_single_look_is_drawn(run: Path, drawn: list[Axes], norms: tuple[float, ...]) -> None:
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(look(50, *norms, layer="编码器 layer $2$"))
    draw_training(read_training(run, older_names), run / "training.png")
    (mesh,) = drawn[1].collections
    assert mesh.get_coordinates()[0, :, 0].tolist() == [25, 75]


def test_a_line_cut_off_by_a_crash_does_not_count(run: Path) -> None:
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "held-out", "step": 80, "loss": 1.')
    assert read_training(run, older_names).best == (40, 1.5)


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("metrics.jsonl", None, "metrics.jsonl: no such file"),
        ("metrics.jsonl", "{}\n", "expected records with step and loss"),
        ("metrics.jsonl", "3\n", "expected records with step and loss"),
        ("metrics.jsonl", '{"kind": "gradient", "step": 1}\n', "expected records with step and loss"),
        ("metrics.jsonl", "\n{", "metrics.jsonl:1: expected a JSON object"),
        ("metrics.jsonl", json.dumps(RECORDS[0]) + "\n", "expected a held-out loss"),
        ("config.json", None, "config.json: no such file"),
        ("config.json", "{}", r"config.json: expected what `bptt train` writes"),
        ("config.json", "[]", "config.json: expected a JSON object, got list"),
    ],
)
def test_a_damaged_run_is_named(run: Path, name: str, content: str | None, rule: str) -> None:
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=rule):
        read_training(run, older_names)


def test_a_picture_that_cannot_be_written_is_the_machines_fault(run: Path) -> None:
    with pytest.raises(MachineError, match="must be writable"):
        draw_training(read_training(run, older_names), run / "missing" / "training.png")


def test_json_nested_beyond_reason_is_refused(run: Path) -> None:
    for name in ("config.json", "metrics.jsonl"):
        (run / name).write_text("[" * 100_000 + "\n", encoding="utf-8")
        with pytest.raises(InputError, match=rf"{name}.*: expected a JSON object"):
            read_training(run, older_names)


@pytest.mark.parametrize(("task", "unit"), [("classify", "example"), ("tag", "word"), ("translate", "token")])
def test_other_jobs_have_a_curve_too(run: Path, drawn: list[Axes], task: str, unit: str) -> None:
    config = {"task": task, "cell": {"name": "gru"}, "source": {}}
    config["encoder" if task == "translate" else "model"] = {"num_layers": 1, "hidden_size": 8}
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    training = read_training(run, older_names)
    assert training.title == f"gru 1×8, by {unit}"
    draw_training(training, run / "training.png")
    # A perplexity is one of tokens.
    assert len(drawn[0].child_axes) == (task != "classify")


def test_what_a_loss_is_per_is_known_of_every_level_and_job() -> None:
    assert set(OLDER_LEVELS) == set(LEVELS)


def test_a_run_that_names_its_model_and_unit_is_believed(run: Path) -> None:
    config = CONFIG | {"task": "chess", "title": "player", "unit": "move", "source": {}}
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def older(config: Mapping[str, Any]) -> tuple[str, str]:
        raise AssertionError("not an older run")

    assert read_training(run, older).title == "lstm 2×256, by move"
    assert read_title(run, older) == f"{run.name}: player, lstm 2×256"


@pytest.mark.parametrize(
    ("task", "title"), [("classify", "classifier"), ("tag", "tagger"), ("translate", "translator")]
)
def test_an_older_run_has_a_title_too(run: Path, task: str, title: str) -> None:
    config = {"task": task, "cell": {"name": "gru"}, "model": {"num_layers": 1, "hidden_size": 8}}
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert read_title(run, older_names) == f"{run.name}: {title}, gru 1×8"
