"""Four ways down on a 3-4-2 network: gradient descent, L-BFGS, Gauss-Newton, Newton; and their picture.

python benchmarks/newton.py [--seeds 10] [--picture docs/images/newton.png]

The network is f(W2 f(W1 x + b1) + b2) with the logistic f, two layers of the cell `dense`, 26 weights. The
loss is the mean of the squares of its 120 errors, plus λ ‖w‖² / 2 with λ = 0.0003, on 60 points x of N(0, 1)
and the outputs of a network with weights from N(0, 4), with noise of 0.02. All methods begin at the same
weights, uniform in ±½, in float64; a method has arrived where the norm of the gradient is at most 1e-6.
Gradient descent takes the best of four fixed rates, for all seeds and rates at once in plain PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from bptt import nn as layers
from bptt.training.optimiser import build_optimiser
from bptt.training.options import SECOND_ORDER, TrainingOptions
from bptt.training.second_order import SecondOrder, gauss_newton, hessian

POINTS, NOISE, DECAY = 60, 0.02, 3e-4
ARRIVED = 1e-6
DESCENT, RATES, MOST_DESCENT = "gradient descent", (1.0, 3.0, 10.0, 30.0), 10_000
METHODS, MOST = {"L-BFGS": "lbfgs", "Gauss-Newton": "gauss-newton", "Newton": "newton"}, 200
# All methods end at the same loss.
DRAWN = 9
DTYPE = torch.float64


@dataclass(frozen=True)
class Way:
    """The losses and weights (26,) at the start and after each step, and the last norm of the gradient."""

    losses: list[float]
    weights: list[Tensor]
    norm: float

    def __str__(self) -> str:
        steps = f"{len(self.losses) - 1:,}"
        return steps if self.norm <= ARRIVED else f"> {steps}"


class Problem:
    """A network to fit: its weights, its residuals and its loss."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        teacher, self.network = _network(), _network()
        self.parameters = list(self.network.parameters())
        self.x = torch.randn(1, POINTS, 3, dtype=DTYPE)
        with torch.no_grad():
            for parameter in teacher.parameters():
                parameter.normal_(0, 2)
            for parameter in self.parameters:
                parameter.uniform_(-0.5, 0.5)
            self.y = _run(teacher, self.x) + NOISE * torch.randn(1, POINTS, 2, dtype=DTYPE)

    def residuals(self) -> Tensor:
        """Return numbers whose squares add up to the loss without decay."""
        return (_run(self.network, self.x) - self.y) / self.y.numel() ** 0.5

    def error(self, decay: float = 0.0) -> float:
        """Return the loss with this decay, and leave its gradient in the weights."""
        self.network.zero_grad()
        penalty = torch.stack([p.square().sum() for p in self.parameters]).sum()
        loss = self.residuals().square().sum() + decay / 2 * penalty
        loss.backward()
        return loss.item()

    def curvature(self, optimiser: str) -> Tensor:
        """Return the Hessian of the loss without decay, or that of Gauss and Newton."""
        if optimiser == "newton":
            return hessian([self.residuals().square().sum()], self.parameters)
        return gauss_newton([self.residuals()], self.parameters)

    def weights(self) -> Tensor:
        """Return the weights (26,)."""
        return torch.cat([p.detach().flatten() for p in self.parameters])


def _network() -> nn.ModuleList:
    sizes = ((3, 4), (4, 2))
    return nn.ModuleList(layers.Recurrent("dense", i, o, dtype=DTYPE) for i, o in sizes)


def _run(network: nn.ModuleList, x: Tensor) -> Tensor:
    for layer in network:
        x, _ = layer(x)
    return x


def go_down(seed: int, optimiser: str) -> Way:
    """Go down as `--optimiser` of this name does."""
    problem = Problem(seed)
    decay = DECAY if optimiser in SECOND_ORDER else 0.0
    method = build_optimiser(problem.parameters, TrainingOptions(optimiser=optimiser, weight_decay=decay))
    loss: Callable[[], float] = partial(problem.error, DECAY)
    losses, weights = [loss()], [problem.weights()]
    while (norm := _norm(problem)) > ARRIVED and len(losses) <= MOST:
        if isinstance(method, SecondOrder):
            method.step_by(problem.error, partial(problem.curvature, optimiser))
        else:
            method.step(loss)
        losses.append(loss())
        weights.append(problem.weights())
    return Way(losses, weights, norm)


def _norm(problem: Problem) -> float:
    return torch.cat([p.grad.flatten() for p in problem.parameters if p.grad is not None]).norm().item()


def descend(seeds: Sequence[int]) -> list[Way]:
    """Go down from each seed by gradient descent, at the rate that arrives first or ends lowest."""
    problems = [Problem(seed) for seed in seeds]
    x = torch.stack([problem.x for problem in problems])  # (S, 1, 60, 3)
    y = torch.stack([problem.y for problem in problems])
    rates = torch.tensor(RATES, dtype=DTYPE)[:, None]
    start = torch.stack([problem.weights() for problem in problems])[:, None]
    weights = start.expand(-1, len(RATES), -1).clone().requires_grad_()  # (S, rates, 26)
    ways, losses, norms = [], [], []
    for _ in range(MOST_DESCENT + 1):
        found = plain_loss(weights, x, y)  # (S, rates)
        (gradient,) = torch.autograd.grad(found.sum(), weights)
        ways.append(weights.detach().clone())
        losses.append(found.detach())
        norms.append(gradient.norm(dim=2))
        with torch.no_grad():
            weights -= rates * gradient
    if not torch.allclose(losses[0][:, 0], torch.tensor([p.error(DECAY) for p in problems]).to(DTYPE)):
        raise AssertionError("plain PyTorch and the layers differ")
    whole = [torch.stack(each) for each in (ways, losses, norms)]
    return [
        min(
            (_cut(*(each[:, s, r] for each in whole)) for r in range(len(RATES))),
            key=lambda way: (len(way.losses), way.losses[-1]),
        )
        for s in range(len(problems))
    ]


def plain_loss(weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the losses of many networks: weights (..., 26), x (..., 60, 3), y (..., 60, 2)."""
    first, offset, second, last = weights.split((12, 4, 8, 2), dim=-1)
    hidden = torch.sigmoid(x @ first.unflatten(-1, (4, 3)).mT + offset[..., None, :])
    found = torch.sigmoid(hidden @ second.unflatten(-1, (2, 4)).mT + last[..., None, :])
    return (found - y).square().mean((-2, -1)) + DECAY / 2 * weights.square().sum(-1)


def _cut(weights: Tensor, losses: Tensor, norms: Tensor) -> Way:
    """Return the way until the first arrival."""
    arrived = (norms <= ARRIVED).nonzero()
    end = int(arrived[0]) if len(arrived) else len(norms) - 1
    return Way(losses[: end + 1].tolist(), list(weights[: end + 1]), norms[end].item())


def draw(problem: Problem, ways: dict[str, Way], path: Path) -> None:
    """Draw the losses by step, and the ways in the plane of the start, Newton's end and descent's step 50."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    origin, end = ways["Newton"].weights[0], ways["Newton"].weights[-1]
    descent = ways[DESCENT].weights
    plane, _ = torch.linalg.qr(
        torch.stack([end - origin, descent[min(50, len(descent) - 1)] - origin], dim=1)
    )
    plane *= torch.sign((end - origin) @ plane[:, 0])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), constrained_layout=True)
    shadows = {name: (torch.stack(way.weights) - end) @ plane for name, way in ways.items()}
    reach = torch.cat(list(shadows.values()))
    margin = 0.15 * (reach.amax(0) - reach.amin(0))
    sides = [
        torch.linspace(float(a), float(b), 100, dtype=DTYPE)
        for a, b in zip(reach.amin(0) - margin, reach.amax(0) + margin, strict=True)
    ]
    grid = torch.cartesian_prod(*sides)
    surface = plain_loss(end + grid @ plane.T, problem.x, problem.y).reshape(100, 100).T
    right.contourf(*sides, surface.log10(), 30, cmap="Greys", alpha=0.6)
    for (name, way), line in zip(ways.items(), ("-", "--", "-.", "-"), strict=True):
        above = [max(loss - way.losses[-1], 1e-17) for loss in way.losses[1:-1]]
        left.loglog(range(1, len(above) + 1), above, line, label=f"{name}: {way} steps")
        right.plot(*shadows[name].T, line, marker="." if len(above) < MOST else None, label=name)
    left.set(xlabel="step", ylabel="loss above that at its end", title="squared error of a 3-4-2 network")
    left.legend()
    right.plot(*shadows["Newton"][0], "ks", label="start")
    right.plot(*shadows["Newton"][-1], "k*", markersize=12, label="Newton's end")
    right.set(
        xlabel="towards Newton's end", ylabel="across", title="ways, projected onto a plane of the loss"
    )
    right.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print the steps of each method from each seed, and draw those of one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    print("seed", DESCENT, *METHODS, "loss of each", sep="\t")
    for seed, descent in enumerate(descend(range(given.seeds))):
        ways = {DESCENT: descent} | {name: go_down(seed, method) for name, method in METHODS.items()}
        ends = " ".join(f"{way.losses[-1]:.6f}" for way in ways.values())
        print(seed, *ways.values(), ends, sep="\t", flush=True)
        if seed == DRAWN and given.picture:
            draw(Problem(seed), ways, given.picture)


if __name__ == "__main__":
    main()
