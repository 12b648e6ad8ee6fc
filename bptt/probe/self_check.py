"""The derivation of a cell, proved on this machine: worst errors of every gradient against three truths."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import sub
from typing import Any

import mpmath
import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA
from bptt.derive.arithmetic import DIGITS
from bptt.derive.evaluate import Backward, Point, Vector, backward, forward
from bptt.derive.exact import exact_gradients
from bptt.errors import InputError
from bptt.nn.recurrent import Recurrent
from bptt.notebook import table_html
from bptt.runtime.operators import recurrence, unrolled

DECIMALS = 50
# All different, so that a transposed dimension cannot pass; a letter of the user's own gets OTHER_SIZE.
EXACT_SIZES: Mapping[str, int] = {"I": 3, "H": 2, "P": 4}
SIZES: Mapping[str, int] = {"I": 3, "H": 5, "P": 2}
OTHER_SIZE = 7
STEPS, BATCH = 6, 4
DIFFERENCE = 1e-6

# Rounding: 50 digits leave 10 for a step's few thousand operations. float64 has eps = 2.2e-16, a gradient
# here sums up to about 1e4 products of order one. A central difference errs by DIFFERENCE² and by
# eps/DIFFERENCE relative to the loss, about 1e-9, with the same factor.
LIMITS = {"exact": 1e-40, "autograd": 1e-11, "differences": 1e-5}


@dataclass(frozen=True)
class ArgumentCheck:
    """The worst errors of one argument's gradient, relative to the largest entry of the truth.

    Where the truth is zero, as for a bias whose mean is subtracted, they are relative to the largest entry of
    all arguments' truths.
    """

    argument: str
    shape: tuple[int, ...]
    exact: float
    autograd: float
    differences: float

    @property
    def passed(self) -> bool:
        """Whether every error is within its limit; NaN is not."""
        return all(getattr(self, name) <= limit for name, limit in LIMITS.items())

    @property
    def errors(self) -> tuple[str, ...]:
        """The errors as texts, in the order of `LIMITS`."""
        return tuple(f"{getattr(self, name):.1e}" for name in LIMITS)


class GradientChecks(list[ArgumentCheck]):
    """The checks of all arguments of a cell, with a table for a notebook."""

    def _repr_html_(self) -> str:
        """Return the errors, argument by argument, above their limits."""
        rows = [(c.argument, str(c.shape), *c.errors, "" if c.passed else "FAILED") for c in self]
        limits = ("limit", "", *(f"{limit:.0e}" for limit in LIMITS.values()), "")
        return table_html(("gradient of", "shape", *LIMITS, ""), [*rows, limits])


def self_check(cell: Cell, seed: int = 0) -> GradientChecks:
    """Compare the derived gradients of a cell with three truths, argument by argument.

    Exact: one step in 50-digit arithmetic against SymPy's total derivative. Autograd: a batch of sequences in
    float64 against torch's differentiation of the unrolled loop. Differences: the same against central
    finite differences of every single number.
    """
    positive = _needs_positive(cell, seed)
    exact = _exact_errors(cell, _sizes(cell, EXACT_SIZES), seed, positive)
    tensors = _tensors(cell, _sizes(cell, SIZES), seed, positive)
    derived = _gradients(cell, tensors, recurrence)
    traced = _gradients(cell, tensors, unrolled)
    by_trace = _errors(derived, traced, LIMITS["autograd"])
    by_difference = _errors(derived, _differences(cell, tensors), LIMITS["differences"])
    return GradientChecks(
        ArgumentCheck(name, tuple(tensor.shape), exact[name], by_trace[name], by_difference[name])
        for name, tensor in tensors.items()
    )


def check_module(cell: Cell) -> None:
    """Make a module of the cell and run it, forward and backward. Raises InputError as the module does.

    It has two layers, unless the output of one cannot be the input of another.
    """
    letter = cell.width(cell.inputs[0])
    with torch.random.fork_rng(devices=[]):
        module = Recurrent(
            cell,
            SIZES.get(letter, OTHER_SIZE),
            SIZES["H"],
            num_layers=2 if letter in ("I", cell.width(cell.output)) else 1,
            proj_size=SIZES["P"] if "P" in cell.letters else 0,
            dtype=torch.float64,
        )
        x = torch.randn(STEPS, BATCH, module.input_size, dtype=torch.float64)
        _, final = module(x.requires_grad_())
        output, _ = module(x, final)
        output.sum().backward()


def _needs_positive(cell: Cell, seed: int) -> bool:
    """Return whether random arguments must be positive for the cell to have a value, as with a logarithm."""
    for positive in (False, True):
        x, *rest = _tensors(cell, _sizes(cell, SIZES), seed, positive).values()
        count = len(cell.states)
        if all(o.isfinite().all() for o in unrolled(cell, x, rest[:count], rest[count:])):
            return positive
    rule = "a cell that is checked has finite values at random arguments, or at positive ones"
    raise InputError(f"cell {cell.name!r}", rule, "NaN or infinity", "Look at its logarithms and quotients")


def _sizes(cell: Cell, sizes: Mapping[str, int]) -> dict[str, int]:
    return {letter: sizes.get(letter, OTHER_SIZE) for letter in cell.letters}


def _errors(found: Mapping[str, Tensor], truth: Mapping[str, Tensor], limit: float) -> dict[str, float]:
    sizes = {name: float(t.abs().max()) for name, t in truth.items()}
    worst = {name: float((found[name] - t).abs().max()) for name, t in truth.items()}
    return _relative(worst, sizes, limit)


def _relative(worst: Mapping[str, Any], sizes: Mapping[str, Any], limit: float) -> dict[str, float]:
    """Compute errors relative to the `sizes` of the true values; below `limit` of the largest counts as
    zero.
    """
    largest = max(sizes.values()) or 1
    return {
        name: float(error / (size if (size := sizes[name]) > limit * largest else largest))
        for name, error in worst.items()
    }


# ---- one step, exact


def _exact_errors(cell: Cell, sizes: Mapping[str, int], seed: int, positive: bool) -> dict[str, float]:
    """Return errors by argument; the members of a family count as one."""
    source = random.Random(seed)

    def draw(count: int) -> Vector:
        numbers = [mpmath.mpf(source.gauss(0, 1)) for _ in range(count)]
        return [abs(n) for n in numbers] if positive else numbers

    with mpmath.workdps(DECIMALS):
        point = _point(cell, sizes, draw)
        named = (*cell.states, cell.output) if cell.states else (cell.output,)
        losses = {
            s: [mpmath.mpf(source.gauss(0, 1)) for _ in range(sizes[cell.width(s)])]
            for s in dict.fromkeys(named)
        }
        trajectory = forward(cell, point, DIGITS)
        found = _flatten(cell, backward(cell, point, trajectory, [losses], DIGITS))
        truth = exact_gradients(cell, point, losses)
        worst = {name: max(map(abs, map(sub, found[name], truth[name]))) for name in truth}
        errors = _relative(worst, {name: max(map(abs, t)) for name, t in truth.items()}, LIMITS["exact"])
    families = {member: family.name for family in cell.families for member in family.members}
    by_family: dict[str, float] = {}
    for name, error in errors.items():
        key = families.get(name, name)
        by_family[key] = max(by_family.get(key, 0.0), error)
    return by_family


def _point(cell: Cell, sizes: Mapping[str, int], draw: Callable[[int], Vector]) -> Point:
    return Point(
        sequence=[{name: draw(sizes[cell.width(name)]) for name in cell.inputs}],
        initial={state: draw(sizes[cell.width(state)]) for state in cell.states},
        matrices={m: [draw(sizes[b]) for _ in range(sizes[a])] for m, (a, b) in cell.matrices.items()},
        vectors={vector: draw(sizes[letter]) for vector, letter in cell.vectors.items()},
    )


def _flatten(cell: Cell, found: Backward) -> dict[str, Vector]:
    flat = {m: [number for row in rows for number in row] for m, rows in found.matrices.items()}
    inputs = {name: list(found.deltas[0][DELTA + name]) for name in cell.inputs}
    states = {state + PREVIOUS: list(value) for state, value in found.initial.items()}
    return {**inputs, **states, **flat, **{v: list(value) for v, value in found.vectors.items()}}


# ---- a batch of sequences, in float64


def _tensors(cell: Cell, sizes: Mapping[str, int], seed: int, positive: bool) -> dict[str, Tensor]:
    """Draw random arguments by name: the input, the initial states, the stacked parameters."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        return drawn.abs() if positive else drawn

    states = {s + PREVIOUS: draw(BATCH, sizes[cell.width(s)]) for s in cell.states}
    parameters = {f.name: 0.5 * draw(*f.shape(sizes)) for f in cell.families}
    return {cell.inputs[0]: draw(STEPS, BATCH, sizes[cell.width(cell.inputs[0])]), **states, **parameters}


def _loss(cell: Cell, tensors: Mapping[str, Tensor], run: Callable[..., tuple[Tensor, ...]]) -> Tensor:
    """Compute a loss that weighs every unit of every state at every step differently."""
    x, *rest = tensors.values()
    count = len(cell.states)
    outputs = run(cell, x, rest[:count], rest[count:])
    weights = [torch.linspace(-1, 2, o.numel(), dtype=o.dtype).reshape(o.shape).sin() for o in outputs]
    return torch.stack([(w * o).sum() for w, o in zip(weights, outputs, strict=True)]).sum()


def _gradients(
    cell: Cell, tensors: Mapping[str, Tensor], run: Callable[..., tuple[Tensor, ...]]
) -> dict[str, Tensor]:
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in tensors.items()}
    # With zero times every argument, so that a loss that depends on none can be differentiated too.
    loss = _loss(cell, leaves, run) + torch.stack([0 * leaf.sum() for leaf in leaves.values()]).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def _differences(cell: Cell, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Compute central differences of the loss, one number moved at a time, all of them as one batch."""
    return {name: _slopes(cell, tensors, name) for name in tensors}


def _slopes(cell: Cell, tensors: Mapping[str, Tensor], name: str) -> Tensor:
    def loss(moved: Tensor) -> Tensor:
        return _loss(cell, {**tensors, name: moved}, unrolled)

    centre = tensors[name]
    moves = DIFFERENCE * torch.eye(centre.numel(), dtype=centre.dtype).reshape(-1, *centre.shape)
    losses = torch.func.vmap(loss)
    slopes: Tensor = (losses(centre + moves) - losses(centre - moves)) / (2 * DIFFERENCE)
    return slopes.reshape(centre.shape)
