"""What is compared: which remedy suits which cell, at which sizes, and what a file is for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bptt import nn
from bptt.cells import get
from bptt.comparison.problem_subjects import AddingSubject, CopySubject
from bptt.comparison.variants import Variant, hidden_for, plan_variants, stack_weights
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.language.compared import TextSubject
from bptt.jobs.registry import compared_jobs
from bptt.jobs.subject import Shared, Subject
from bptt.jobs.tag.compared import TaggedSubject
from bptt.jobs.tag.task import TagTask

POEM = "春眠不覺曉。\n處處聞啼鳥。\n夜來風雨聲。\n花落知多少。\n"
TAGGED = "".join(f"the\tDET\ncat{n}\tNOUN\n\n" for n in range(40))
FILES = {
    "lm": POEM * 60,
    "tag": TAGGED,
    "classify": "text\tlabel\n" + "".join(f"film {n}\t{'good' if n % 2 else 'bad'}\n" for n in range(40)),
}


def detect_job(path: Path) -> str:
    return next(name for name, each in compared_jobs().items() if each.suits(path))


def read_subject(path: Path, job: str, level: LevelName, length: int, shared: Shared) -> Subject:
    return compared_jobs()[job].read(path, level, length, shared)


def names(cells: str, remedies: str) -> list[str]:
    return [variant.name for variant in plan_variants(cells.split(","), remedies.split(","))]


def test_a_remedy_is_given_to_the_cells_that_it_suits() -> None:
    # The gate of a minLSTM has no bias of its own.
    assert names("minlstm,sru", "forget-bias") == ["minlstm", "sru", "sru+forget-bias"]
    found = names("rnn,lstm", "orthogonal,forget-bias,relu+identity,gru")
    assert found == ["rnn", "lstm", "rnn+orthogonal", "lstm+orthogonal", "lstm+forget-bias",
                     "rnn+relu+identity", "rnn+gru"]  # fmt: skip


def test_a_variant_differs_in_nothing_else() -> None:
    plain, orthogonal, irnn, gru, longer = plan_variants(
        ["rnn"], ["orthogonal", "relu+identity", "gru", "length"]
    )
    assert plain == Variant("rnn", get("elman-tanh"))
    assert replace(orthogonal, name="rnn", recurrent_init="default") == plain
    assert irnn == Variant("rnn+relu+identity", get("elman-relu"), recurrent_init="identity")
    assert replace(gru, name="rnn", cell=plain.cell) == plain and gru.cell == get("gru")
    assert replace(longer, name="rnn", longer=1) == plain and longer.longer > 1


def test_only_those_with_clipping_are_clipped_if_it_is_a_remedy() -> None:
    assert [variant.clipped for variant in plan_variants(["rnn", "lstm"], ["orthogonal"])] == [True] * 4
    found = {variant.name: variant.clipped for variant in plan_variants(["rnn"], ["clip", "orthogonal"])}
    assert found == {"rnn": False, "rnn+clip": True, "rnn+orthogonal": False}


@pytest.mark.parametrize(
    ("cells", "remedies", "message"),
    [
        ([], [], "cells: names one cell or more"),
        (["rnn"], ["magic"], "remedies: are among clip, orthogonal, identity"),
        (["rnn"], ["forget-bias"], "remedies: forget-bias suits one of the cells, got rnn"),
        (["none"], [], "expected a name of the catalogue"),
        (
            ["lstm-projection"],
            [],
            "cells: carry a state, or are dense, a standard network; and have no projection",
        ),
    ],
)
def test_what_cannot_be_compared(cells: list[str], remedies: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_variants(cells, remedies)


@pytest.mark.parametrize("layers", [1, 3])
def test_weights_are_those_of_a_stack_and_fit_into_the_budget(layers: int) -> None:
    for cell in ("elman-tanh", "lstm", "gru"):
        hidden = hidden_for(get(cell), 5, layers, 3000)
        counts = [
            sum(p.numel() for p in nn.Recurrent(cell, 5, size, layers).parameters())
            for size in (hidden, hidden + 1)
        ]
        assert counts[0] == stack_weights(get(cell), 5, hidden, layers)
        assert counts[0] <= 3000 < counts[1]


def test_all_variants_see_the_same_batches_and_begin_alike() -> None:
    subject = AddingSubject(6, 40, Shared(batch_size=8, seed=3))
    tasks = []
    for variant in plan_variants(["rnn"], ["orthogonal"]):
        torch.manual_seed(0)
        tasks.append(subject.task(variant, 4))
    plain, other = (dict(task.model.named_parameters()) for task in tasks)
    differing = {name for name, p in plain.items() if not torch.equal(p, other[name])}
    assert differing == {"body.encoder.recurrent.R_l0"}
    with torch.no_grad():
        for name in differing:
            other[name].copy_(plain[name])
    for index in range(tasks[0].steps(1)):
        assert torch.equal(*(task.step(1, index, ()).loss for task in tasks))


def test_the_baseline_of_copying_is_the_loss_of_even_letters() -> None:
    """Of lag + 2 K words K are letters, each with -ln 1/8."""
    subject = CopySubject(4, 2, 60, Shared())
    assert subject.baseline == pytest.approx(2 * math.log(8) / (4 + 2 * 2))
    # The first letter is read at step 0 and wanted at step 6.
    task = subject.task(plan_variants(["gru"], [])[0], 4)
    assert subject.lag == 6 and isinstance(task, TagTask)


def test_length_is_for_a_text(tmp_path: Path) -> None:
    (longer,) = (v for v in plan_variants(["rnn"], ["length"]) if v.longer > 1)
    with pytest.raises(InputError, match="length is for a text"):
        AddingSubject(6, 40, Shared()).check(longer)
    path = tmp_path / "poem.txt"
    path.write_text(POEM * 60, encoding="utf-8")
    subject = read_subject(path, "lm", "character", 10, Shared(batch_size=2))
    short, long = (subject.task(v, 4).steps(0) for v in plan_variants(["rnn"], ["length"]))
    assert isinstance(subject, TextSubject) and short > 3 * long


@pytest.mark.parametrize("job", FILES)
def test_what_a_file_is_for_is_told_from_its_content(tmp_path: Path, job: str) -> None:
    path = tmp_path / "data"
    path.write_text(FILES[job], encoding="utf-8")
    assert detect_job(path) == job
    subject = read_subject(path, detect_job(path), "character", 10, Shared(batch_size=4))
    loss = subject.task(plan_variants(["gru"], [])[0], 4).step(0, 0, ()).loss
    assert loss.isfinite()


def test_the_user_may_say_what_a_file_is_for(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text(TAGGED, encoding="utf-8")
    assert isinstance(read_subject(path, "lm", "character", 10, Shared()), TextSubject)
    assert isinstance(read_subject(path, "tag", "character", 10, Shared()), TaggedSubject)


def test_rows_of_numbers_are_no_sequences(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,label\n" + "1,2,x\n3,4,y\n" * 5, encoding="utf-8")
    with pytest.raises(InputError, match="what is compared are sequences"):
        read_subject(path, "classify", "character", 10, Shared())
