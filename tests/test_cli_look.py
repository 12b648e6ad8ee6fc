"""`bptt look` on small models of several jobs, which hardly learned anything."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest
import torch
from conftest import Command
from job_files import SMALL, write_file

import bptt
from bptt.cli.tables import shades
from bptt.probe import values

TEXT = "the cats was full"
OWN = """
from bptt import Cell

EQUATIONS = (
    "keep = sigmoid(W_keep @ x + R_keep @ h_prev)",
    "new = tanh(W_new @ x)",
    "h = keep * h_prev + (1 - keep) * new",
)
CELL = Cell.define("own", chr(10).join(EQUATIONS), states="h")
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    more = {"lm": ("--level", "word", "--cell", "gru", "--layers", "2"), "tag": ("--cell", "lstm")}
    for job in ("lm", "tag", "classify", "translate"):
        options = [word.removeprefix("--").replace("-", "_") for word in (*SMALL[job], *more.get(job, ()))]
        given = dict(zip(options[::2], options[1::2], strict=True))
        given = {name: int(value) if value.isdigit() else value for name, value in given.items()}
        bptt.train(job, write_file(job, folder), folder / job, **given)
    return folder


def table(out: str) -> tuple[list[str], list[list[str]]]:
    head, *rows = [line.split("\t") for line in out.splitlines()]
    assert all(len(row) == len(head) for row in rows)
    return head, rows


def test_a_row_for_each_token_with_gates_states_and_the_scores(runs: Path, command: Command) -> None:
    ended = command("look", runs / "lm", TEXT, "--unit", 2, "--layer", 1, "--top", 2)
    assert (ended.code, ended.err) == (0, "layer 1, unit 2 of 4\n")
    head, rows = table(ended.out)
    assert head == ["step", "token", "r", "z", "n", "h", "next", "P", "1.", "P 1", "2.", "P 2"]
    assert [row[1] for row in rows] == ["<eos>", *TEXT.split()]
    assert [row[6] for row in rows] == [*TEXT.split(), "<eos>"]
    lm = bptt.load(runs / "lm")
    read = torch.tensor([1, *lm.vocabulary.encode(TEXT).tolist()])
    with torch.no_grad():
        seen = values(lm.model.recurrent, lm.model.embed(read[:, None]))[0].values
    (score,) = lm.score([TEXT])
    for step, (row, ln) in enumerate(zip(rows, score.log_probabilities, strict=True)):
        found = {value.name: value.tensor[step, 0, 2].item() for value in seen}
        for name, cell in zip(head[2:6], row[2:6], strict=True):
            assert float(cell) == pytest.approx(found[name], rel=1e-5)
        assert float(row[7]) == pytest.approx(exp(ln), abs=1e-6)
        assert (row[8] == row[6]) == (row[9] == row[7])


def test_the_unit_is_chosen_and_the_choice_said(runs: Path, command: Command) -> None:
    usual = command("look", runs / "lm", TEXT)
    assert usual.err.startswith("layer 2, unit ")
    assert "its h moves most over the text; --unit and --property choose another\n" in usual.err
    followed = command("look", runs / "lm", TEXT, "--property", "cats?")
    assert "its h follows cats? best in the held-out text, area under the curve" in followed.err
    first = command("look", runs / "lm", TEXT, "--property", "cats?", "--layer", 1)
    assert first.err.startswith("layer 1, unit ")
    counted = command("look", runs / "lm", TEXT, "--property", "line-position").err
    assert "follows line-position best in the held-out text, correlation of ranks" in counted
    # In the text itself, where the held-out one has nothing of the kind.
    assert "best in the text, " in command("look", runs / "lm", "full <full", "--property", "<").err


def test_other_jobs_have_their_answers(runs: Path, command: Command) -> None:
    head, rows = table(command("look", runs / "tag", "Ada to 北京", "--layer", 1, "--reverse").out)
    assert head[2:10] == ["i", "f", "g", "o", "c", "h", "tag", "P"]
    assert [row[1] for row in rows] == ["Ada", "to", "北京"]
    head, rows = table(command("look", runs / "classify", "fine film").out)
    assert head[-6:] == ["label", "P", "1.", "P 1", "2.", "P 2"]
    assert [bool(row[-1]) for row in rows] == [*[False] * (len(rows) - 1), True]
    head, rows = table(command("look", runs / "translate", "go home").out)
    assert rows[0][1] == "<start>"
    head, rows = table(command("look", runs / "translate", "go home", "--part", "encoder").out)
    assert "P" not in head


def test_gates_have_the_names_and_the_sense_of_the_texts(runs: Path, command: Command) -> None:
    options = "--unit", 2, "--top", 1
    ours = table(command("look", runs / "lm", TEXT, *options).out)
    theirs = table(command("look", runs / "lm", TEXT, *options, "--notation", "texts").out)
    assert "its c moves most" in command("look", runs / "lm", TEXT, "--notation", "texts").err
    assert ours[0][2:6] == ["r", "z", "n", "h"]
    assert theirs[0][2:6] == ["Γ_r", "Γ_u", "c̃", "c"]
    for one, other in zip(ours[1], theirs[1], strict=True):
        # Γ_u is 1 where the state is written, z where it is kept.
        assert float(one[3]) + float(other[3]) == pytest.approx(1, abs=1e-5)
        assert [*one[:3], *one[4:]] == [*other[:3], *other[4:]]


def test_a_cell_that_the_texts_lack_has_no_names_there(tmp_path: Path, command: Command) -> None:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    text = write_file("lm", tmp_path)
    bptt.train("lm", text, tmp_path / "own", cell=f"{tmp_path}/own.py:CELL", hidden_size=3, epochs=1)
    head, _ = table(command("look", tmp_path / "own", "the cat", "--top", 1).out)
    assert head[2:5] == ["keep", "new", "h"]
    ended = command("look", tmp_path / "own", "the cat", "--notation", "texts")
    assert ended.code == 2
    assert "is for the cells of the catalogue" in ended.err


def test_a_picture_is_drawn(runs: Path, command: Command, tmp_path: Path) -> None:
    ended = command("look", runs / "lm", TEXT, "--unit", 0, "--figures", tmp_path / "figures")
    assert ended.code == 0
    for form, begin in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        path = tmp_path / "figures" / f"layer_2_unit_0.{form}"
        assert path.read_bytes().startswith(begin)
        assert f"picture: {path}" in ended.err


def test_a_line_of_a_file_and_no_more_steps_than_asked(runs: Path, command: Command, tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text(f"the\n{TEXT}\n", encoding="utf-8")
    options = "--unit", 0, "--top", 1
    assert command("look", runs / "lm", tmp_path / "two.txt", "--number", 1, *options).out == (
        command("look", runs / "lm", TEXT, *options).out
    )
    (tmp_path / "utf16.txt").write_bytes(TEXT.encode("utf-16"))
    other = command("look", runs / "lm", tmp_path / "utf16.txt", "--encoding", "utf-16", *options)
    assert other.out == command("look", runs / "lm", TEXT, *options).out
    short = command("look", runs / "lm", TEXT, "--limit", 2, *options)
    assert len(short.out.splitlines()) == 3
    assert "the first 2 steps; --limit shows more" in short.err


def test_a_word_is_shown_as_the_model_reads_it(runs: Path, command: Command) -> None:
    lm = bptt.load(runs / "lm")
    ended = command("look", runs / "lm", "--word", "cat zebra")
    head, (cat, zebra) = table(ended.out)
    assert head == ["token", "number", "vocabulary", "one-hot", "embedding"]
    (number, _) = lm.vocabulary.encode("cat zebra").tolist()
    ones = ["1" if k == number else "0" for k in range(lm.vocabulary.size)]
    assert cat[:4] == ["cat", str(number), str(lm.vocabulary.size), f"({', '.join(ones)})"]
    assert cat[4] == f"({' '.join(f'{x:.3f}' for x in lm.model.embedding[number].tolist())})"
    assert zebra[0] == "<unk>"
    assert "word: 1 of its 2 tokens are <unk>" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "takes a text, or --word"),
        (["a", "--word", "b"], "takes a text, or --word"),
        ([" "], "must hold something to look at"),
        (["--word", ""], "must hold a token"),
        (["cat", "--unit", 4], "unit: is from 0 to 3 in layer 2"),
        (["cat", "--layer", 3], "layer: is from 1 to 2"),
        (["cat", "--reverse"], "both directions"),
        (["cat", "--part", "encoder"], "part"),
        (["cat", "--property", "("], "regular expression"),
        (["cat", "--property", "zebra"], "must differ between steps"),
        (["cat", "--number", 1], "number"),
        (["cat", "--top", 0], "top"),
        (["cat", "--encoding", "none"], "encoding"),
        (["cat.txt"], "no such file"),
        (["\udcff"], "must be UTF-8"),
    ],
)
def test_bad_input_ends_with_2(runs: Path, command: Command, arguments: list[object], message: str) -> None:
    ended = command("look", runs / "lm", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_no_run_and_no_text_end_with_2(runs: Path, command: Command, tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)))
    assert command("look", tmp_path / "none", "a").code == 2
    assert command("look", runs / "lm", tmp_path / "binary.txt").code == 2
    assert command("look", runs / "classify", "--word", "film").code == 2


def test_colours_tell_high_from_low_about_the_middle() -> None:
    assert shades([0.5, 1.0, 0.0], gate=True)[0] == "black on rgb(255,255,255)"
    low, middle, high = shades([-2.0, 0.0, 2.0], gate=False)
    assert middle == "black on rgb(255,255,255)"
    assert len({low, middle, high}) == 3
    assert shades([0.0], gate=False) == ["black on rgb(255,255,255)"]
