"""The Jacobian through time: singular values of J_t = ∂s_t/∂s_{t-1}, and Lyapunov exponents of its products.

The gradient that comes from lag k is multiplied by J_t ⋯ J_{t-k+1} (equation R3 in docs/equations.md). A
singular value says what one step does to it, an exponent λ what many do: on the average a direction grows or
shrinks by exp(λ) a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.nn.float64 import doubles
from bptt.nn.stack import Stack
from bptt.probe.layer_values import Direction
from bptt.probe.stack_layers import LayerInput, layer_inputs, stack_of
from bptt.probe.undisturbed import undisturbed
from bptt.runtime.linearised import JacobianMap, jacobians

# The share of the steps before anything counts: states leave their start, directions turn to where they grow.
WARM_UP = 0.2
# The means of this many stretches of time give the standard error of the mean over all.
BLOCKS = 10


@dataclass(frozen=True)
class LayerSpectrum:
    """Singular values and Lyapunov exponents of a layer, counted from 1, in one direction, on one sequence.

    `name` is how it is shown: "layer 2", or "layer 2 ←" in a bidirectional stack. s is all states of the
    layer side by side, `size` numbers. `singular_values` holds those of J_t, largest first, for each t of
    `steps`. `exponents` are in nats a step, largest first, over the run but its first `warm_up` steps;
    `errors` are their standard errors. An exponent is -inf, with the error NaN, where a step wiped the
    direction out, as a dead ReLU does.
    """

    layer: int
    direction: Direction
    name: str
    size: int
    steps: tuple[int, ...]
    singular_values: tuple[tuple[float, ...], ...]
    warm_up: int
    exponents: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def gain(self) -> float:
        """Return the factor of a gradient per step in the long run: exp of the largest exponent."""
        return math.exp(self.exponents[0])

    @property
    def median(self) -> tuple[float, ...]:
        """The median over the steps of each singular value, the largest first."""
        return tuple(torch.tensor(self.singular_values, dtype=torch.float64).quantile(0.5, dim=0).tolist())

    @property
    def maximum(self) -> tuple[float, ...]:
        """The maximum over the steps of each singular value, the largest first."""
        return tuple(map(max, zip(*self.singular_values, strict=True)))

    @property
    def bound(self) -> float:
        """max_t σ_max(J_t): no k of these steps multiply a gradient by more than its k-th power."""
        return self.maximum[0]

    @property
    def kaplan_yorke(self) -> float | None:
        """The Kaplan-Yorke dimension of what the states fill in the long run, between 0 and `size`.

        It is j + (λ_1 + ... + λ_j) / |λ_{j+1}| for the largest j whose sum is not negative. None if that sum
        takes more exponents than were measured. Source: Kaplan & Yorke 1979.
        """
        total = 0.0
        for count, exponent in enumerate(self.exponents):
            if total + exponent < 0:
                return count - total / exponent
            total += exponent
        return float(self.size) if len(self.exponents) == self.size else None


def spectrum(
    module: nn.Module,
    inputs: Tensor,
    hx: Tensor | Sequence[Tensor] | None = None,
    *,
    count: int | None = 16,
    samples: int = 16,
) -> tuple[LayerSpectrum, ...]:
    """Measure singular values and Lyapunov exponents of every layer and direction, in torch's order.

    Among layers of other cells, one whose cell carries no state is left out.

    The Jacobians are those of the derived linearised step, at the states that the stack takes on this
    sequence in evaluation mode. Exponents are found by QR iteration: Benettin, Galgani, Giorgilli & Strelcyn
    1980; Eckmann & Ruelle 1985, Ergodic theory of chaos and strange attractors, V. On a short sequence they
    are those of that stretch, as their errors show. Products are in the dtype of the parameters,
    decompositions in float64. The stack and torch's random state are left as they were.

    Args:
        module: the recurrent layers, of any cell that carries states; of torch.nn too.
        inputs: one sequence, (T, I), (T, 1, I), or (1, T, I) with batch_first, of at least 2 steps.
        hx: the initial states, as the stack takes them.
        count: how many exponents, the largest ones; None for all.
        samples: at how many steps singular values are taken, evenly chosen, the first and last among them.

    Raises:
        InputError: a cell without states, more than one sequence, too few steps or counts below 1, and where
            a Jacobian has NaN or infinity in it.

    """
    for name, number in (("count", count), ("samples", samples)):
        if number is not None and number < 1:
            raise InputError("spectrum", f"{name} is at least 1", number)
    stack = stack_of(module)
    with undisturbed(stack), torch.no_grad():
        carries = any(cell.states for cell in stack.cells)
        return tuple(
            _measure(stack, given, count, samples)
            for given in layer_inputs(stack, inputs, hx)
            if given.layer.cell.states or not carries
        )


def _measure(stack: Stack, given: LayerInput, count: int | None, samples: int) -> LayerSpectrum:
    steps, size = len(given.x), sum(given.layer.widths)
    if steps < 2:
        raise InputError("spectrum", "a sequence has at least 2 steps", steps)
    chosen = torch.linspace(0, steps - 1, min(samples, steps)).round().int().tolist()
    unit = torch.eye(size, dtype=given.x.dtype, device=given.x.device)
    directions = _directions(min(count or size, size), size).to(given.x)
    singular: dict[int, tuple[float, ...]] = {}
    logs = []
    for t, jacobian in _jacobians(stack, given):
        if t in chosen:
            singular[t] = tuple(torch.linalg.svdvals(doubles(jacobian(unit))).tolist())
        directions, grown = _stretch(jacobian(directions))
        logs.append(grown)
    warm_up = int(WARM_UP * steps)
    exponents, errors = _mean(torch.stack(logs[warm_up:]))
    return LayerSpectrum(
        layer=given.number,
        direction="backward" if given.layer.reverse else "forward",
        name=given.name,
        size=size,
        steps=tuple(chosen),
        singular_values=tuple(singular[t] for t in chosen),
        warm_up=warm_up,
        exponents=exponents,
        errors=errors,
    )


def _jacobians(stack: Stack, given: LayerInput) -> Iterator[tuple[int, JacobianMap]]:
    """Yield the steps t of the input in the order in which time runs, each with its J_t."""
    layer, order = given.layer, range(len(given.x))
    maps = jacobians(layer.cell, given.x, given.initial, layer.families(stack), reverse=layer.reverse)
    for t, jacobian in zip(reversed(order) if layer.reverse else order, maps, strict=True):
        yield t, partial(_finite, f"spectrum of {given.name}, step {t}", jacobian)


def _finite(where: str, jacobian: JacobianMap, changes: Tensor) -> Tensor:
    moved = jacobian(changes)
    if not moved.isfinite().all():
        raise InputError(where, "the Jacobian of a step is finite", "NaN or infinity")
    return moved


def _directions(count: int, size: int) -> Tensor:
    """Draw orthonormal rows (count, size): random ones, lest one be an axis that the cell never leaves."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(size, count, generator=generator, dtype=torch.float64)
    columns: Tensor = torch.linalg.qr(drawn)[0]
    return columns.T


def _stretch(moved: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormalise rows (K, N), and return the logarithms of each one's part orthogonal to those before
    it.
    """
    q, r = torch.linalg.qr(doubles(moved).T)
    lengths = r.diagonal().abs()
    # Shorter than the rounding of the longest, which is summed over N terms, is what rounding left of zero.
    noise = torch.finfo(moved.dtype).eps * math.sqrt(moved.shape[1]) * lengths.max()
    return q.T, lengths.where(lengths > noise, 0.0).log()


def _mean(logs: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the means over the steps of logs (T, K), the largest first, and their standard errors."""
    means, order = logs.mean(0).sort(descending=True, stable=True)
    blocks = torch.stack([block.mean(0) for block in logs.tensor_split(min(BLOCKS, len(logs)))])
    errors = (blocks.std(0) / math.sqrt(len(blocks)))[order]
    return tuple(means.tolist()), tuple(errors.tolist())
