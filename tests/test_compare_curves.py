"""Comparisons over shares of the data and levels of tokens, and with a standard network."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import isclose
from pathlib import Path

import pytest
import torch
from conftest import Command
from torch.nn import functional

from bptt.cells import get
from bptt.comparison.options import CompareOptions
from bptt.comparison.variants import plan_variants
from bptt.data.split import some_indices
from bptt.errors import InputError
from bptt.jobs.registry import compared_jobs
from bptt.jobs.subject import Shared, Subject, Variant

FILMS = "text\tlabel\n" + "".join(f"a fine film {n}\tgood\na dull film {n}\tbad\n" for n in range(30))
BOOK = "the cat was full\nthe cats were full\nthe cat sat\n" * 60
QUICK = "--hidden", "4", "--epochs", "1", "--batch-size", "10"


def films(folder: Path) -> Subject:
    path = folder / "films.tsv"
    path.write_text(FILMS, encoding="utf-8")
    return compared_jobs()["classify"].read(path, "character", 50, Shared(batch_size=10))


def dense() -> Variant:
    (found,) = plan_variants(["dense"], [])
    return found


def test_every_variant_on_every_level_and_share() -> None:
    found = plan_variants(["lstm", "gru"], [], ["character", "word"], [0.1, 1])
    assert [variant.name for variant in found[:4]] == [
        "lstm character 10%",
        "lstm character 100%",
        "lstm word 10%",
        "lstm word 100%",
    ]
    assert {(v.plain, v.level, v.share) for v in found[4:6]} == {
        ("gru", "character", 0.1),
        ("gru", "character", 1),
    }


@pytest.mark.parametrize("shares", ["0", "0.1,2", "half", "nan", "0.5,-1"])
def test_what_is_no_share(shares: str) -> None:
    with pytest.raises(InputError, match="shares: are numbers above 0 and at most 1"):
        CompareOptions(shares=shares)


def test_a_larger_share_holds_a_smaller_one_and_every_label() -> None:
    labels = ["rare"] * 3 + ["often"] * 97
    keys = [f"{n % 50}" for n in range(100)]
    shares = [set(some_indices(keys, labels, share, 0)) for share in (0.01, 0.1, 0.3, 1.0)]
    assert all(small <= large for small, large in pairwise(shares))
    assert shares[-1] == set(range(100))
    # Equal inputs come together: a group of two in the place of one is as near as groups allow.
    assert abs(len(shares[2]) - 30) <= 2
    assert all({labels[n] for n in share} == {"rare", "often"} for share in shares)
    assert all(Counter(keys[n] for n in share).values() for share in shares)


def test_all_shares_are_tested_on_the_same_examples(tmp_path: Path) -> None:
    subject = films(tmp_path)
    tasks = [subject.task(Variant("gru", get("gru"), share=share), 2) for share in (0.2, 1.0)]
    held_out = [{row.place for row in task._held_out.rows} for task in tasks]  # type: ignore[attr-defined]
    learned = [{row.place for row in task._learned.rows} for task in tasks]  # type: ignore[attr-defined]
    assert held_out[0] == held_out[1]
    assert learned[0] < learned[1]
    assert not learned[1] & held_out[1]


def test_a_standard_network_reads_the_steps_side_by_side(tmp_path: Path) -> None:
    """The same by hand: embeddings, zeros where steps are missing, two matrices."""
    task = films(tmp_path).task(dense(), 3)
    model = task.model.eval()
    part, inner, output = model.body.part, model.body.feed_forward[1], model.output  # type: ignore[union-attr]
    lengths = torch.tensor([2, 12])
    tokens = torch.randint(2, 10, (12, 2))
    found = model(type(task.batch([(tokens[:, 0],)]))((tokens,), lengths))  # type: ignore[attr-defined]
    positions = inner.in_features // part.output_size
    assert positions == max(len(text.split("\t")[0]) for text in FILMS.splitlines()[1:])
    for row, length in enumerate(lengths.tolist()):
        wide = torch.zeros(positions, part.output_size)
        wide[:length] = functional.embedding(tokens[:length, row], part.embedding)
        hidden = torch.sigmoid(inner.weight @ wide.flatten() + inner.bias)
        torch.testing.assert_close(found[row], output.weight @ hidden + output.bias)


def test_a_standard_network_knows_nothing_at_another_position(tmp_path: Path) -> None:
    """A gradient of the weights at the first position says nothing of those at the second."""
    task = films(tmp_path).task(dense(), 3)
    model = task.model.eval()
    weight = model.body.feed_forward[1].weight  # type: ignore[union-attr,index]
    model(task.batch([(torch.tensor([3]),)])).sum().backward()  # type: ignore[attr-defined]
    width = model.body.part.output_size  # type: ignore[union-attr]
    assert weight.grad[:, :width].abs().sum() > 0  # type: ignore[index,union-attr]
    assert weight.grad[:, width:].abs().sum() == 0  # type: ignore[index,union-attr]


def test_a_standard_network_and_a_curve_on_the_command_line(tmp_path: Path, command: Command) -> None:
    films(tmp_path)
    given = "--cells", "dense,gru", "--shares", "0.5,1"
    ended = command("compare", tmp_path / "films.tsv", *given, *QUICK, "-o", tmp_path / "c")
    assert ended.code == 0, ended.err
    assert [line.split("\t")[0] for line in ended.out.splitlines()[1:5]] == [
        "dense 50%",
        "dense 100%",
        "gru 50%",
        "gru 100%",
    ]
    goal = "the loss that dense has on all of the data"
    assert re.search(rf"gru (needs (0\.5|1) of the data to reach|does not reach) {goal}", ended.out)
    assert "steps side by side" in ended.err
    weights = [int(line.split("\t")[3]) for line in ended.out.splitlines()[1:5]]
    assert abs(weights[1] - weights[3]) < 0.15 * weights[3]
    assert command("predict", tmp_path / "c" / "dense_100_", "a fine film").code == 0
    assert (tmp_path / "c" / "comparison.png").stat().st_size > 10_000


def test_levels_are_compared_in_characters(tmp_path: Path, command: Command) -> None:
    (tmp_path / "book.txt").write_text(BOOK, encoding="utf-8")
    given = "--task", "lm", "--cells", "gru", "--levels", "character,word", "--length", "10"
    ended = command("compare", tmp_path / "book.txt", *given, *QUICK, "-o", tmp_path / "levels")
    assert ended.code == 0, ended.err
    head, *rows = [line.split("\t") for line in ended.out.splitlines()[:3]]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["variant"] for row in found] == ["gru character", "gru word"]
    held_out = (tmp_path / "levels" / "gru_word" / "held_out.txt").read_text(encoding="utf-8")
    # A line has so many characters with its end, and a word or its end is a token.
    tokens = len(held_out.split()) + held_out.count("\n")
    assert float(found[0]["characters per token"]) == 1
    assert isclose(float(found[1]["characters per token"]), len(held_out) / tokens, rel_tol=0.01)
    evaluated = command("evaluate", tmp_path / "levels" / "gru_word").out
    (bits,) = [
        line.split("\t")[1] for line in evaluated.splitlines() if line.startswith("bits_per_character")
    ]
    assert isclose(float(found[1]["bits per character"]), float(bits), abs_tol=1e-4)
    assert "gradients go back over 10 characters" in ended.out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--levels", "syllable"), "--levels: "),
        (("--levels", "word"), "--levels: are for a text"),
        (("--cells", "dense"), "--cells: hold one that carries a state"),
    ],
)
def test_what_cannot_be_compared(
    given: tuple[str, ...], message: str, tmp_path: Path, command: Command
) -> None:
    films(tmp_path)
    ended = command("compare", tmp_path / "films.tsv", *given, *QUICK, "-o", tmp_path / "c")
    assert ended.code == 2
    assert message in ended.err


def test_a_standard_network_is_for_labels(tmp_path: Path, command: Command) -> None:
    ended = command("compare", "adding", "--cells", "dense,gru", "--lag", "5", *QUICK, "-o", tmp_path / "c")
    assert ended.code == 2
    assert "is for examples with a label" in ended.err
