"""Curvature against torch's own; Newton's steps on functions whose minimum is known; what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import Command
from tiny_task import Quiet, TinyTask
from torch import Tensor, nn

from bptt import nn as layers
from bptt.errors import InputError
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.second_order import (
    MOST_WEIGHTS,
    SecondOrder,
    gauss_newton,
    hessian,
    region_step,
)

DTYPE = torch.float64


def network(*cells: str) -> tuple[nn.ModuleList, Callable[..., Tensor]]:
    """Return layers, and their output as a function of the weights."""
    torch.manual_seed(3)
    sizes = (3, 4, 2)
    stack = nn.ModuleList(
        layers.Recurrent(cell, i, o, dtype=DTYPE)
        for cell, i, o in zip(cells, sizes[:-1], sizes[1:], strict=True)
    )
    x = torch.randn(5, 6, 3, dtype=DTYPE)
    names = [name for name, _ in stack.named_parameters()]

    def run(*weights: Tensor) -> Tensor:
        found, given = x, dict(zip(names, weights, strict=True))
        for k, layer in enumerate(stack):
            own = {name.partition(".")[2]: w for name, w in given.items() if name.startswith(f"{k}.")}
            found, _ = torch.func.functional_call(layer, own, (found,))
        return found

    return stack, run


def as_matrix(blocks: Sequence[Sequence[Tensor]], weights: Sequence[Tensor]) -> Tensor:
    rows = [
        torch.cat([each.reshape(w.numel(), v.numel()) for each, v in zip(row, weights, strict=True)], dim=1)
        for row, w in zip(blocks, weights, strict=True)
    ]
    return torch.cat(rows)


@pytest.mark.parametrize("cells", [("dense", "dense"), ("lstm", "gru")])
def test_the_hessian_is_that_of_torch(cells: tuple[str, str]) -> None:
    stack, run = network(*cells)
    weights = list(stack.parameters())
    loss = lambda *w: run(*w).square().mean()  # noqa: E731
    expected = torch.autograd.functional.hessian(loss, tuple(w.detach() for w in weights))
    halves = [run(*weights)[:2].square().sum() / 60, run(*weights)[2:].square().sum() / 60]
    torch.testing.assert_close(hessian(halves, weights), as_matrix(expected, weights), rtol=0, atol=1e-10)


def test_the_matrix_of_gauss_and_newton_is_twice_that_of_the_jacobian() -> None:
    stack, run = network("lstm", "dense")
    weights = list(stack.parameters())
    blocks = torch.autograd.functional.jacobian(run, tuple(w.detach() for w in weights))
    jacobian = torch.cat([each.reshape(60, -1) for each in blocks], dim=1)
    found = gauss_newton([run(*weights)[:2], run(*weights)[2:]], weights)
    torch.testing.assert_close(found, 2 * jacobian.T @ jacobian, rtol=0, atol=1e-10)


def minimise(
    start: Sequence[float], function: Callable[[Tensor], Tensor], steps: int, decay: float = 0.0
) -> Tensor:
    """Return the place after this number of Newton's steps."""
    w = nn.Parameter(torch.tensor(start, dtype=DTYPE))
    method = SecondOrder([w], decay)

    def evaluate() -> float:
        w.grad = None
        loss = function(w)
        loss.backward()
        return loss.item()

    for _ in range(steps):
        method.step_by(evaluate, lambda: hessian([function(w)], [w]))
    return w.detach()


MATRIX = torch.tensor([[4.0, 1, 0], [1, 3, -1], [0, -1, 0.5]], dtype=DTYPE)


def bowl(w: Tensor) -> Tensor:
    return (w @ MATRIX @ w) / 2 - w.sum()


def test_a_quadratic_whose_minimum_is_in_the_region_takes_one_step() -> None:
    best = torch.linalg.solve(MATRIX, torch.ones(3, dtype=DTYPE))
    found = minimise((best + torch.tensor([0.4, -0.5, 0.6])).tolist(), bowl, 1)
    torch.testing.assert_close(found, best, rtol=0, atol=1e-13)


def test_a_far_minimum_takes_steps_of_doubling_length() -> None:
    best = torch.linalg.solve(MATRIX, torch.ones(3, dtype=DTYPE))
    # 1 + 2 + 4 + 8 reach further than 12.
    found = minimise((best + torch.tensor([0, 0, 12.0])).tolist(), bowl, 4)
    torch.testing.assert_close(found, best, rtol=0, atol=1e-12)


def test_weight_decay_adds_to_loss_and_curvature() -> None:
    best = torch.linalg.solve(MATRIX + 0.7 * torch.eye(3, dtype=DTYPE), torch.ones(3, dtype=DTYPE))
    found = minimise((best + 0.3).tolist(), bowl, 1, decay=0.7)
    torch.testing.assert_close(found, best, rtol=0, atol=1e-13)


def test_where_the_hessian_is_indefinite_the_steps_leave_the_saddle() -> None:
    """At (0.1, 0.3) the undamped step leads to the saddle at 0; the minima are (0, 1) and (0, -1)."""
    double_well = lambda w: w[0] ** 2 + (w[1] ** 2 - 1) ** 2  # noqa: E731
    found = minimise([0.1, 0.3], double_well, 8)
    torch.testing.assert_close(found, torch.tensor([0.0, 1.0], dtype=DTYPE), rtol=0, atol=1e-12)
    # On the saddle itself the gradient is 0, and only the curvature shows a way.
    assert minimise([0.0, 0.0], double_well, 10).abs().tolist() == pytest.approx([0, 1], abs=1e-12)


@pytest.mark.parametrize("least", [-2.0, 0.0, 0.5])
@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_no_place_in_the_region_is_lower(least: float, slope: float) -> None:
    torch.manual_seed(0)
    values = torch.tensor([least, 1.0, 3.0], dtype=DTYPE)
    gradient = torch.tensor([slope, 1.0, -2.0], dtype=DTYPE)
    model = lambda p: p @ gradient + (p**2) @ values / 2  # noqa: E731
    step, _ = region_step(values, gradient, 0.8)
    others = torch.randn(100_000, 3, dtype=DTYPE)
    others *= 0.8 * torch.rand(100_000, 1, dtype=DTYPE) ** (1 / 3) / others.norm(dim=1, keepdim=True)
    assert step.norm() <= 0.8 + 1e-12
    assert float(model(step)) <= float(model(others).min()) + 1e-12


def test_where_loss_and_curvature_are_flat_nothing_moves() -> None:
    """As in a network whose units are all dead."""
    w = nn.Parameter(torch.tensor([0.5, -0.2], dtype=DTYPE))
    method = SecondOrder([w])

    def evaluate() -> float:
        w.grad = torch.zeros_like(w)
        return 1.0

    method.step_by(evaluate, lambda: torch.zeros(2, 2, dtype=DTYPE))
    assert w.tolist() == [0.5, -0.2]
    assert method.state[w]["radius"] == 1


def test_a_step_that_raises_the_loss_is_taken_back() -> None:
    """A model of the wrong sign promises what no step keeps."""
    w = nn.Parameter(torch.tensor([0.5], dtype=DTYPE))

    def evaluate() -> float:
        w.grad = -2 * w.detach()
        return float(w.detach().square())

    SecondOrder([w]).step_by(evaluate, lambda: torch.tensor([[2.0]], dtype=DTYPE))
    # At last the step is so short that rounding hides what it does: 10 epsilon / |gradient|.
    assert w.item() == pytest.approx(0.5, rel=0, abs=10 * torch.finfo(DTYPE).eps)


def test_a_loss_that_is_no_mean_of_squares_has_no_gauss_newton(tmp_path: Path) -> None:
    options = TrainingOptions(optimiser="gauss-newton")
    with pytest.raises(InputError, match="needs a loss that is a mean of squares, got that of a model"):
        train(TinyTask(), options, tmp_path / "run", Quiet())
    assert not (tmp_path / "run").exists()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A table of three columns and a target that a small network can learn."""
    torch.manual_seed(1)
    x = torch.randn(60, 3, dtype=DTYPE)
    y = torch.tanh(x[:, 0] + x[:, 1] * 0.5) - x[:, 2]
    lines = [",".join(f"{value:.4f}" for value in (*row, goal)) for row, goal in zip(x, y, strict=True)]
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c,y\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("optimiser", ["newton", "gauss-newton"])
def test_a_network_is_trained_and_goes_on(
    command: Command, rows: Path, tmp_path: Path, optimiser: str
) -> None:
    go = partial(command, "train", "regress", rows, "--feed-forward", 4, "--optimiser", optimiser)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert go("--epochs", 12, "-o", whole).code == 0
    assert go("--epochs", 5, "-o", parts).code == 0
    ended = go("--epochs", 12, "-o", parts, "--resume")
    assert ended.code == 0 and "goes on from step 5" in ended.err
    files = [(run / "model.safetensors").read_bytes() for run in (whole, parts)]
    assert files[0] == files[1]
    (line,) = [line for line in ended.out.splitlines() if line.startswith("held-out R²")]
    assert float(line.split()[2].rstrip(",")) > 0.9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--feed-forward", 300), f"takes at most {MOST_WEIGHTS:,} weights"),
        (("--loss", "absolute"), "needs a loss that is a mean of squares"),
        (("--lr", 0.1), "takes no learning rate"),
        (("--warmup", 3), "takes no warm-up"),
        (("--schedule", "cosine"), "takes no schedule"),
        (("--clip", 1), "takes no clipping"),
        (("--watch", 2), "looks at updates on single batches"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_cure(
    command: Command, rows: Path, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    small = () if "--feed-forward" in arguments else ("--feed-forward", 4)
    given = (*small, *arguments, "--optimiser", "gauss-newton", "-o", tmp_path / "run")
    ended = command("train", "regress", rows, *given)
    assert ended.code == 2 and said in ended.err and "got " in ended.err
    assert "Traceback" not in ended.err and not (tmp_path / "run").exists()
