"""Updates of rows against torch's dense and sparse optimisers, clipping, and exact resume."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from language_models import TEXT, make_task
from tiny_task import Quiet, goes_on_exactly
from torch import Tensor
from torch.nn import Parameter, functional

from bptt.jobs.language.model import LanguageModelTask
from bptt.jobs.language.options import ModelOptions
from bptt.training import row_updates
from bptt.training.loop import train
from bptt.training.optimiser import build_optimiser, clip_gradient
from bptt.training.options import TrainingOptions

V, D, RATE = 9, 4, 0.1
DOUBLE = torch.float64
# Rows that come again, and twice at a time.
READ = [torch.tensor(rows) for rows in ([1, 3, 3], [3], [0, 1], [8, 3, 1])]
# A step is a few dozen roundings of numbers near 1.
CLOSE = 1e-13


def pair() -> tuple[Parameter, Parameter, Tensor]:
    torch.manual_seed(0)
    table = torch.randn(V, D, dtype=DOUBLE)
    return Parameter(table.clone()), Parameter(table.clone()), torch.randn(3, D, dtype=DOUBLE)


def leave_gradient(table: Parameter, rows: Tensor, goal: Tensor, sparse: bool) -> None:
    table.grad = None
    read = functional.embedding(rows, table, sparse=sparse)
    (read - goal[: len(rows)]).square().sum().backward()


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("sgd", lambda p: torch.optim.SGD([p], RATE)),
        ("adagrad", lambda p: torch.optim.Adagrad([p], RATE)),
        ("adam", lambda p: torch.optim.SparseAdam([p], RATE)),
    ],
)
def test_steps_are_those_of_torch(name: str, peer: object) -> None:
    """SGD and Adagrad: those of the dense gradient. Adam: those of torch's SparseAdam."""
    ours, theirs, goal = pair()
    optimiser = build_optimiser([ours], TrainingOptions(optimiser=name, learning_rate=RATE))
    other = peer(theirs)
    if name == "adam":
        # SparseAdam adds it to another term, of the size of what it divides by.
        for each in (optimiser, other):
            each.param_groups[0]["eps"] = 1e-300
    for rows in READ:
        leave_gradient(ours, rows, goal, sparse=True)
        leave_gradient(theirs, rows, goal, sparse=name == "adam")
        before = ours.detach().clone()
        row_updates.step(optimiser)
        other.step()
        torch.testing.assert_close(ours, theirs, rtol=CLOSE, atol=CLOSE)
        others = [row for row in range(V) if row not in rows]
        assert torch.equal(ours[others], before[others])


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_rows_read_at_every_step_are_updated_as_by_the_dense_optimiser(name: str) -> None:
    ours, theirs, goal = pair()
    options = TrainingOptions(optimiser=name, learning_rate=RATE, weight_decay=0.1)
    optimisers = [build_optimiser([each], options) for each in (ours, theirs)]
    rows = torch.tensor([2, 7])
    for _ in range(4):
        leave_gradient(ours, rows, goal, sparse=True)
        leave_gradient(theirs, rows, goal, sparse=False)
        row_updates.step(optimisers[0])
        optimisers[1].step()
    torch.testing.assert_close(ours[rows], theirs[rows], rtol=CLOSE, atol=CLOSE)


def test_momentum_of_a_row_rests_while_it_is_not_read() -> None:
    ours, _, goal = pair()
    options = TrainingOptions(optimiser="sgd", learning_rate=RATE, momentum=0.5)
    optimiser = build_optimiser([ours], options)
    weights, buffers = ours.detach().clone(), torch.zeros(V, D, dtype=DOUBLE)
    for rows in READ:
        leave_gradient(ours, rows, goal, sparse=True)
        assert ours.grad is not None
        gradient, read = ours.grad.to_dense(), rows.unique()
        row_updates.step(optimiser)
        buffers[read] = 0.5 * buffers[read] + gradient[read]
        weights[read] -= RATE * buffers[read]
        torch.testing.assert_close(ours.detach(), weights, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("limits", [{"clip_norm": 0.7}, {"clip_value": 0.2}, {"clip_norm": 0.0}])
def test_clipping_is_that_of_the_dense_gradient(limits: dict[str, float]) -> None:
    ours, theirs, goal = pair()
    rest = [Parameter(torch.ones(3, dtype=DOUBLE)) for _ in range(2)]
    for table, other, sparse in ((ours, rest[0], True), (theirs, rest[1], False)):
        leave_gradient(table, READ[0], goal, sparse)
        other.grad = torch.full((3,), 2.0, dtype=DOUBLE)
    found, wanted = (
        clip_gradient(each, TrainingOptions(**limits)) for each in ([ours, rest[0]], [theirs, rest[1]])
    )
    assert found == pytest.approx(wanted, rel=CLOSE)
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad.to_dense(), theirs.grad, rtol=CLOSE, atol=CLOSE)
    torch.testing.assert_close(rest[0].grad, rest[1].grad, rtol=CLOSE, atol=CLOSE)


def large_task() -> LanguageModelTask:
    options = ModelOptions(
        hidden_size=7,
        embedding_size=5,
        output_layer="adaptive",
        cutoffs=(6, 11),
        row_sparse=True,
        dropout=0.2,
    )
    return make_task(TEXT, model=options, dtype=torch.float32)


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "adagrad", "sgd"])
def test_a_run_with_row_sparse_gradients_goes_on_exactly(optimiser: str, tmp_path: Path) -> None:
    options = TrainingOptions(epochs=2, optimiser=optimiser, learning_rate=0.02, schedule="constant")
    if optimiser == "sgd":
        options = TrainingOptions(
            epochs=2, optimiser="sgd", learning_rate=0.1, momentum=0.5, schedule="constant"
        )
    assert goes_on_exactly(large_task, options, tmp_path)


def test_lbfgs_takes_row_sparse_gradients_as_they_are(tmp_path: Path) -> None:
    train(large_task(), TrainingOptions(epochs=1, optimiser="lbfgs"), tmp_path / "run", Quiet())
