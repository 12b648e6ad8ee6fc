"""Schedules and clipping against values by hand; L-BFGS against known optima."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_task import Quiet, records
from torch import Tensor, nn

from bptt.jobs.task import Step, Task
from bptt.runs.run_folder import write_config
from bptt.training.loop import train
from bptt.training.optimiser import clip_gradient, learning_rate
from bptt.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("schedule", "decay", "rates"),
    [
        ("constant", None, [1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", None, [1.0, 0.875, 0.75, 0.5, 0.25]),
        # (1 + cos(pi k / 8)) / 2
        ("cosine", None, [1.0, 0.9619397662556434, 0.8535533905932737, 0.5, 0.14644660940672627]),
        ("exponential", 0.5, [1.0, 1.0, 0.5, 0.25, 0.125]),
        ("plateau", 0.5, [0.125] * 5),
    ],
)
def test_schedules_over_four_epochs(schedule: str, decay: float | None, rates: list[float]) -> None:
    options = TrainingOptions(epochs=4, learning_rate=1.0, schedule=schedule, decay=decay)
    found = [learning_rate(options, 0, done, reductions=3) for done in (0, 0.5, 1, 2, 3)]
    assert found == pytest.approx(rates, rel=1e-15)


def test_warm_up_is_linear_and_ends_at_the_schedule() -> None:
    options = TrainingOptions(epochs=1, learning_rate=8.0, schedule="linear", warmup=4)
    assert [learning_rate(options, step, 0.0, 0) for step in range(5)] == [2, 4, 6, 8, 8]
    assert learning_rate(options, 1, 0.5, 0) == 2.0


def parameters_with_gradients(*gradients: list[float]) -> list[nn.Parameter]:
    parameters = [nn.Parameter(torch.zeros(len(g), dtype=torch.float64)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    return parameters


def test_clipping_the_norm_keeps_the_direction() -> None:
    parameters = parameters_with_gradients([2.0, -6.0], [3.0])
    norm = clip_gradient(parameters, TrainingOptions(clip_norm=3.5))
    assert norm == pytest.approx(7.0, rel=1e-15)
    # torch divides by norm + 1e-6
    half = 3.5 / (7.0 + 1e-6)
    for parameter, gradient in zip(parameters, ([2.0, -6.0], [3.0]), strict=True):
        assert parameter.grad is not None
        assert parameter.grad.tolist() == pytest.approx([half * g for g in gradient], rel=1e-15)


def test_clipping_by_value_bounds_each_element_and_reports_the_norm_before() -> None:
    parameters = parameters_with_gradients([2.0, -6.0], [3.0])
    norm = clip_gradient(parameters, TrainingOptions(clip_value=2.5))
    assert norm == pytest.approx(7.0, rel=1e-15)
    assert [p.grad.tolist() for p in parameters if p.grad is not None] == [[2.0, -2.5], [2.5]]


def test_no_clipping() -> None:
    parameters = parameters_with_gradients([2.0e8, -6.0e8], [3.0e8])
    norm = clip_gradient(parameters, TrainingOptions(clip_norm=0.0))
    assert norm == pytest.approx(7.0e8, rel=1e-15)
    assert [p.grad.tolist() for p in parameters if p.grad is not None] == [[2e8, -6e8], [3e8]]


class LogisticRegression(Task):
    """Ridge-regularised logistic regression on overlapping classes, in batches of unequal size."""

    unit = "samples"

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.x = torch.randn(40, 3, dtype=torch.float64, generator=generator)
        noise = torch.randn(40, dtype=torch.float64, generator=generator)
        self.y = (self.x @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + noise > 0).double()
        self.model = nn.Linear(3, 1, bias=False, dtype=torch.float64)
        nn.init.zeros_(self.model.weight)
        self.batches = ((0, 25), (25, 37), (37, 40))

    def steps(self, epoch: int) -> int:
        return len(self.batches)

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...]) -> Step:
        start, end = self.batches[index]
        return Step(self.loss(start, end), end - start, ())

    def loss(self, start: int, end: int) -> Tensor:
        logits = self.model(self.x[start:end]).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, self.y[start:end])
        return loss + 0.05 * self.model.weight.square().sum()

    def evaluate(self) -> dict[str, float]:
        with torch.no_grad():
            return {"loss": float(self.loss(0, 40))}

    def save(self, folder: Path) -> None:
        write_config(folder, {"task": "logistic regression"})

    def describe(self) -> list[str]:
        return []


def newton(task: LogisticRegression) -> Tensor:
    """The optimum by Newton's method on the whole set, gradient and Hessian written out."""
    w = torch.zeros(3, dtype=torch.float64)
    for _ in range(20):
        p = torch.sigmoid(task.x @ w)
        gradient = task.x.T @ (p - task.y) / 40 + 0.1 * w
        hessian = task.x.T @ (task.x * (p * (1 - p)).unsqueeze(1)) / 40 + 0.1 * torch.eye(3)
        w = w - torch.linalg.solve(hessian, gradient)
    return w


def test_lbfgs_on_the_whole_set_finds_the_optimum(tmp_path: Path) -> None:
    task = LogisticRegression()
    options = TrainingOptions(epochs=15, optimiser="lbfgs")
    outcome = train(task, options, tmp_path / "run", Quiet())
    # torch stops where no element of the gradient is above 1e-7; the Hessian is at least 0.1.
    torch.testing.assert_close(task.model.weight[0], newton(task), rtol=0, atol=2e-6)
    assert outcome.step == 15


def test_lbfgs_sees_the_mean_over_all_units(tmp_path: Path) -> None:
    task, quiet = LogisticRegression(), Quiet()
    whole = task.loss(0, 40)
    (gradient,) = torch.autograd.grad(whole, task.model.weight)
    train(task, TrainingOptions(epochs=1, optimiser="lbfgs"), tmp_path / "run", quiet)
    assert quiet.progress[0].loss == pytest.approx(whole.item(), rel=1e-14)
    assert quiet.progress[0].units == 40
    assert records(tmp_path / "run")[0]["gradient_norm"] == pytest.approx(gradient.norm().item(), rel=1e-14)


class Rosenbrock(Task):
    """(1 - x)^2 + 100 (y - x^2)^2 from (-1.2, 1), with a draw noted: its valley needs a line search."""

    unit = "points"

    def __init__(self) -> None:
        self.model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
        with torch.no_grad():
            self.model.weight.copy_(torch.tensor([[-1.2, 1.0]]))
        self.draws: list[list[float]] = []

    def steps(self, epoch: int) -> int:
        return 1

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...]) -> Step:
        if len(self.draws) == epoch:
            self.draws.append([])
        self.draws[epoch].append(torch.rand(()).item())
        x, y = self.model.weight[0]
        return Step((1 - x) ** 2 + 100 * (y - x**2) ** 2, 1, ())

    def evaluate(self) -> dict[str, float]:
        return {"loss": 1.0}

    def save(self, folder: Path) -> None:
        write_config(folder, {"task": "rosenbrock"})

    def describe(self) -> list[str]:
        return []


def test_lbfgs_searches_along_a_line_of_one_function(tmp_path: Path) -> None:
    task, quiet = Rosenbrock(), Quiet()
    train(task, TrainingOptions(epochs=40, optimiser="lbfgs"), tmp_path / "run", quiet)
    losses = [progress.loss for progress in quiet.progress]
    assert losses == sorted(losses, reverse=True)
    # The smallest eigenvalue of the Hessian at (1, 1) is 0.399, the gradient's elements below 1e-7.
    assert task.model.weight[0].tolist() == pytest.approx([1.0, 1.0], abs=4e-7)
    assert max(map(len, task.draws)) > 2
    assert all(len(set(draws)) == 1 for draws in task.draws)
    assert len({draws[0] for draws in task.draws}) == 40


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_first_order_methods_come_near_the_optimum(tmp_path: Path, optimiser: str) -> None:
    task = LogisticRegression()
    options = TrainingOptions(
        epochs=60, optimiser=optimiser, learning_rate=0.3, schedule="cosine", log_every=1000
    )
    train(task, options, tmp_path / "run", Quiet())
    assert (task.model.weight[0] - newton(task)).norm() < 0.2 * newton(task).norm()
