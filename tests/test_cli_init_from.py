"""`--init-from RUN`: a new run begins with the weights, the vocabulary and the model options of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from job_files import CONTENTS, JOBS, SMALL, write_file
from safetensors.torch import load_file
from tiny_task import everything, records, same
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.jobs.loading import load
from bptt.runs.origin import take_weights
from bptt.runs.run_folder import read_config
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE

# What the file of each job lacks: a word, a label, a tag, characters.
OTHERS = {
    "lm": "the dog sat\nthe dog was full\n" * 10,
    "classify": "text\tlabel\n" + "".join(f"odd film {n}\todd\nfine book {n}\tgood\n" for n in range(20)),
    "tag": "".join(f"Bob\tB-PER\nin\tO\n巴黎\tB-ORG\n{n}\tO\n\n" for n in range(20)),
    "translate": "".join(f"go far {n}\t走 {n}\n" for n in range(20)),
}


@pytest.fixture(scope="module", params=JOBS)
def job(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def first(job: str, command: Command, tmp_path: Path) -> Path:
    """A trained run, of an unusual size."""
    data = write_file(job, tmp_path)
    level = () if job == "tag" else ("--level", "word", "--min-count", 1)
    ended = command("train", job, data, "-o", tmp_path / "first", *SMALL[job], "--cell", "gru", *level)
    assert ended.code == 0, ended.err
    return tmp_path / "first"


@pytest.fixture
def other(job: str, tmp_path: Path) -> Path:
    path = tmp_path / f"other-{CONTENTS[job][0]}"
    path.write_text(OTHERS[job], encoding="utf-8")
    return path


def beginning(run: Path) -> dict[str, Tensor]:
    """The weights with which a run began: it is interrupted before the first step that changes them."""
    return nested_tensors.load(run / FILE)["weights"]


def keys_of(trained: Any) -> dict[str, tuple[str, ...]]:
    """What the rows of each tensor with rows of its own stand for, from the files of the run alone."""
    found: dict[str, tuple[str, ...]] = {}
    if hasattr(trained, "codec"):
        found |= {f"part.{name}": rows for name, rows in trained.codec.rows().items()}
    if hasattr(trained, "vocabulary"):
        found |= dict.fromkeys(("embedding", "output.weight", "output.bias"), trained.vocabulary.tokens)
    labels = getattr(trained, "labels", None) or getattr(getattr(trained, "tags", None), "tags", None)
    if labels:
        found |= dict.fromkeys(("output.weight", "output.bias"), tuple(labels))
    return found


def rows_by_key(trained: Any, weights: dict[str, Tensor]) -> dict[tuple[str, str], Tensor]:
    keys, found = keys_of(trained), {}
    for name, tensor in weights.items():
        for end, rows in keys.items():
            if name == end or (end.startswith("part.") and name.endswith(f".{end}")):
                found |= {(name, key): tensor[place] for place, key in enumerate(rows)}
    return found


def test_weights_are_taken_by_name_and_rows_by_what_they_stand_for(
    job: str, first: Path, other: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A learning rate of almost nothing leaves the weights as they began.
    still = "--epochs", 1, "--lr", 1e-30
    ended = command("train", job, other, "--init-from", first, "-o", tmp_path / "run", *still)
    assert ended.code == 0, ended.err
    assert "weights of first: " in ended.err and "rows taken, the others are new" in ended.err
    assert "options of that run: " in ended.err
    old, new = load(first), load(tmp_path / "run")
    before, after = (load_file(run / "model.safetensors") for run in (first, tmp_path / "run"))
    old_rows, new_rows = rows_by_key(old, before), rows_by_key(new, after)
    common = old_rows.keys() & new_rows.keys()
    assert common and new_rows.keys() - old_rows.keys()
    for key in common:
        torch.testing.assert_close(new_rows[key], old_rows[key], rtol=0, atol=1e-7)
    with_rows = {name for name, _ in new_rows}
    for name in after.keys() - with_rows:
        if before[name].is_floating_point() and not name.startswith(("crf", "ngrams")):
            torch.testing.assert_close(after[name], before[name], rtol=0, atol=1e-7)
    assert read_config(tmp_path / "run")["training"]["init_from"] == "first"
    assert read_config(tmp_path / "run")["cell"] == read_config(first)["cell"]


def test_a_grown_vocabulary_holds_the_old_one_under_the_same_numbers(
    job: str, first: Path, other: Path, command: Command, tmp_path: Path
) -> None:
    for name, options in (("grown", ()), ("kept", ("--keep-vocabulary",))):
        run = tmp_path / name
        ended = command("train", job, other, "--init-from", first, "-o", run, "--epochs", 1, *options)
        assert ended.code == 0, ended.err
        before, after = keys_of(load(first)), keys_of(load(run))
        for end in before.keys() - {"output.weight", "output.bias"}:
            assert after[end][: len(before[end])] == before[end]
            if name == "kept":
                assert after[end] == before[end]
        if name == "grown":
            assert any(len(after[end]) > len(before[end]) for end in before)


def test_a_run_that_began_from_another_is_resumed_alone(
    job: str, first: Path, other: Path, command: Command, tmp_path: Path
) -> None:
    """The run that it began from may be gone then."""
    options = "train", job, other, "--init-from", first, "--schedule", "constant"
    assert command(*options, "-o", tmp_path / "whole", "--epochs", 3).code == 0
    assert command(*options, "-o", tmp_path / "run", "--epochs", 2).code == 0
    first.rename(tmp_path / "gone")
    ended = command("train", job, other, "-o", tmp_path / "run", "--resume", "--epochs", 3)
    assert ended.code == 0, ended.err
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))
    assert read_config(tmp_path / "run")["training"]["init_from"] == "first"


def test_what_does_not_fit_is_named_and_nothing_is_written(
    job: str, first: Path, other: Path, command: Command, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    begun = "train", job, other, "--init-from", first, "-o", run
    sized = command(*begun, "--hidden", 9)
    assert sized.code == 2 and "first: " in sized.err and "to begin from it, got (" in sized.err
    stranger = "tag" if job != "tag" else "lm"
    mixed = command("train", stranger, write_file(stranger, tmp_path), "--init-from", first, "-o", run)
    assert mixed.code == 2 and "must be a run of the same job to begin from" in mixed.err
    itself = command("train", job, other, "--init-from", first, "-o", first, "--overwrite")
    assert itself.code == 2 and "must be another folder than --output" in itself.err
    alone = command("train", job, other, "-o", run, "--keep-vocabulary")
    assert alone.code == 2 and "Give --init-from" in alone.err
    nowhere = command("train", job, other, "--init-from", tmp_path / "nowhere", "-o", run)
    assert nowhere.code == 2 and "the run folder must exist" in nowhere.err
    assert not run.exists() and (first / "model.safetensors").exists()


def test_fine_tuning_begins_where_the_other_run_ended(command: Command, tmp_path: Path) -> None:
    """On the text that was learned, whose batches are others, the first loss is near the last one."""
    book = write_file("lm", tmp_path)
    small = *SMALL["lm"][2:], "--hidden", 16, "--epochs", 20
    assert command("train", "lm", book, "-o", tmp_path / "first", *small).code == 0
    options = "--init-from", tmp_path / "first", "--epochs", 1, "--log-every", 1
    assert command("train", "lm", book, "-o", tmp_path / "run", *options).code == 0
    losses = [
        [r["loss"] for r in records(tmp_path / name) if r["kind"] == "train"] for name in ("first", "run")
    ]
    assert losses[1][0] == pytest.approx(losses[0][-1], abs=0.1)
    assert losses[1][0] < losses[0][0] - 0.2


@pytest.mark.parametrize("level", ["bpe", "character", "whitespace"])
def test_a_language_model_of_every_level_goes_on(level: str, command: Command, tmp_path: Path) -> None:
    book, small = write_file("lm", tmp_path), SMALL["lm"]
    assert command("train", "lm", book, "-o", tmp_path / "first", *small, "--level", level).code == 0
    (tmp_path / "new.txt").write_text("die Ämter 猫 猫 <unk>\n" * 20, encoding="utf-8")
    options = "--init-from", tmp_path / "first", "--epochs", 1
    ended = command("train", "lm", tmp_path / "new.txt", "-o", tmp_path / "run", *options)
    assert ended.code == 0, ended.err
    old, new = (load(tmp_path / name).vocabulary for name in ("first", "run"))
    assert new.tokens[: old.size] == old.tokens
    assert (new.size == old.size) == (level == "bpe")
    assert len(set(new.tokens)) == new.size
    text = "die Ämter 猫\n"
    assert new.decode(new.encode(text).tolist()) == text
    assert command("score", tmp_path / "run", "-", stdin=text.encode()).code == 0


def test_one_hot_input_cannot_grow(command: Command, tmp_path: Path) -> None:
    book = write_file("lm", tmp_path)
    small = SMALL["lm"][: SMALL["lm"].index("--embedding")]
    assert command("train", "lm", book, "-o", tmp_path / "first", *small, "--one-hot").code == 0
    (tmp_path / "new.txt").write_text("猫 the cat\n" * 20, encoding="utf-8")
    options = "train", "lm", tmp_path / "new.txt", "--init-from", tmp_path / "first", "-o", tmp_path / "run"
    ended = command(*options)
    assert ended.code == 2 and "must have an embedding if its vocabulary is to grow" in ended.err
    assert command(*options, "--keep-vocabulary", "--epochs", 1).code == 0


def test_another_way_to_cut_a_text_is_refused(command: Command, tmp_path: Path) -> None:
    book = write_file("lm", tmp_path)
    assert command("train", "lm", book, "-o", tmp_path / "first", *SMALL["lm"]).code == 0
    options = "train", "lm", book, "--init-from", tmp_path / "first", "-o", tmp_path / "run"
    for option in ("--level=word", "--lower", "--no-digits"):
        ended = command(*options, option)
        assert ended.code == 2 and "must cut a text as the run does" in ended.err


def test_entries_with_two_numbered_axes_are_taken_pair_by_pair() -> None:
    """By hand: rows and columns b and c of a 2 x 2 matrix go to where c, a, b are."""
    here, there = nn.Module(), nn.Module()
    here.matrix = nn.Parameter(torch.zeros(3, 3))
    there.matrix = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    here.new, there.old = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    pairs = {"matrix": (("c", "a", "b"),) * 2}, {"matrix": (("b", "c"),) * 2}
    lines = take_weights(here, pairs[0], there, pairs[1], "run")
    assert here.matrix.tolist() == [[4.0, 0.0, 3.0], [0.0, 0.0, 0.0], [2.0, 0.0, 1.0]]
    assert lines == [
        "weights of run: 0 of 2 tensors taken whole",
        "matrix: 2 of 3 rows taken, the others are new",
        "new: new",
        "left out: old",
    ]
    there.new = nn.Parameter(torch.ones(3))
    with pytest.raises(InputError, match=r"run: new must be \(2,\) to begin from it, got \(3,\)"):
        take_weights(here, pairs[0], there, pairs[1], "run")


def test_the_scheme_of_new_tags_is_found_in_them(command: Command, tmp_path: Path) -> None:
    """What is allowed after what belongs to the tags, not to the run."""
    assert (
        command("train", "tag", write_file("tag", tmp_path), "-o", tmp_path / "first", *SMALL["tag"]).code
        == 0
    )
    (tmp_path / "pos.conll").write_text("Ada\tNN\nto\tIN\n\n北京\tNN\nruns\tVB\n\n" * 20, encoding="utf-8")
    options = "--init-from", tmp_path / "first", "--epochs", 1, "--scheme", "none", "--held-out", 0
    ended = command("train", "tag", tmp_path / "pos.conll", "-o", tmp_path / "run", *options)
    assert ended.code == 0, ended.err
    assert (
        json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))["tags"]["scheme"] is None
    )
