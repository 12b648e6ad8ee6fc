"""`bptt next` on a small model, which nobody trained."""

from __future__ import annotations

import re
from math import exp
from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import make_task

from bptt.cli.tables import TableColumn, numbers, print_table, token_name
from bptt.explain.plain import columns
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

TEXT = "the cat 是"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    task = make_task("the cat was full 是的.\nthe cats were full 是的.\n" * 20, dtype=torch.float32, spread=3)
    task.save(folder)
    write_weights(task.model, folder / WEIGHTS, task.metadata)
    return folder


def test_a_row_for_each_step_with_the_probabilities_of_score(
    run: Path, command: Command, tmp_path: Path
) -> None:
    ended = command("next", run, TEXT, "--top", 2)
    head, *rows = [line.split("\t") for line in ended.out.splitlines()]
    assert head == ["step", "read", "next", "P", "rank", "1.", "P 1", "2.", "P 2"]
    assert [row[1] for row in rows] == ["<eos>", *(token_name(letter) for letter in TEXT)]
    assert [row[2] for row in rows] == [*(token_name(letter) for letter in TEXT), ""]
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    scored = command("score", run, tmp_path / "text", "--tokens").out.splitlines()
    for row, line in zip(rows[:-1], scored, strict=False):
        # Six digits of P here, six decimals of ln P there.
        assert float(row[3]) == pytest.approx(exp(float(line.split("\t")[2])), rel=6e-6)
        assert (row[4] == "1") == (row[2] == row[5])
    last = command("next", run, TEXT, "--top", 2, "--last").out.splitlines()
    assert last == [ended.out.splitlines()[0], ended.out.splitlines()[-1]]


def test_all_tokens_fall_and_sum_to_one(run: Path, command: Command) -> None:
    rows = [line.split("\t") for line in command("next", run, TEXT, "--all").out.splitlines()]
    shares = [float(share) for share, _ in rows]
    assert shares == sorted(shares, reverse=True)
    # Six digits each.
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert {"<unk>", "<eos>", "␣", "是"} < {token for _, token in rows}


def test_unknown_tokens_are_counted(run: Path, command: Command) -> None:
    assert "text: 1 of its 2 characters are <unk>" in command("next", run, "tà").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--top", 0], "top"),
        (["a.txt"], "must be a text, got what looks like a file"),
        (["\udcff"], "must be UTF-8"),
    ],
)
def test_bad_input_ends_with_2(run: Path, command: Command, arguments: list[object], message: str) -> None:
    ended = command("next", run, *arguments)
    assert ended.code == 2
    assert message in ended.err


def test_no_run_ends_with_2(command: Command, tmp_path: Path) -> None:
    assert command("next", tmp_path / "none", "a").code == 2


class Terminal:
    """What is printed on a terminal of this width."""

    encoding = "utf-8"

    def __init__(self, written: list[str]) -> None:
        self.written = written

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)

    def flush(self) -> None:
        pass


def test_a_terminal_has_aligned_columns_as_many_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    table = [
        TableColumn("token", ["是的", "a"]),
        numbers("h", [0.5, -0.25]),
        TableColumn("1.", ["was", "床前"]),
        numbers("P 1", [1.0, None]),
    ]
    for width, count in ((80, 4), (16, 2)):
        written: list[str] = []
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr("sys.stdout", Terminal(written))
        print_table(table, pairs=1)
        monkeypatch.undo()
        lines = re.sub("\x1b[^m]*m", "", "".join(written)).splitlines()
        assert len(lines) == 3
        # Chinese characters take two places: 0.500 and -0.250 end at the same one.
        assert columns(lines[1].partition("0.500")[0]) + 5 == columns(lines[2].partition("-0.250")[0]) + 6
        assert ("P 1" in lines[0]) == (count == 4)
