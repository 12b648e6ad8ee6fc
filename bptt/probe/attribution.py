"""How much each input of a model plays for each term of its loss: gradient x input, integrated gradients.

Both give a number for each loss term and step, (M, T), in the unit of the loss, nats as a rule. Positive:
what is read at this step raises the loss; negative: it lowers it, and so speaks for what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.float64 import doubles
from bptt.shapes import check_shape

# From inputs (T, R, I), a copy of the example in each row, and the loss term that each row is asked for, to
# these E_m (R,), differentiable: no row may depend on another's. In evaluation mode, where dropout is off.
Losses = Callable[[Tensor, Sequence[int]], Tensor]


# Of the rule on each piece.
POINTS = 8
# No piece of the way is halved further.
NARROWEST = 2.0**-10


@dataclass(frozen=True, eq=False)
class IntegratedGradients:
    """`scores` (M, T), and `errors` (M,) of the quadrature: |Σ_t score - (E_m(inputs) - E_m(baseline))|."""

    scores: Tensor
    errors: Tensor


@dataclass(frozen=True)
class _Piece:
    """The loss term of the number `row` among those asked for, on the way from `start` on."""

    row: int
    start: float
    width: float

    @property
    def halves(self) -> tuple[_Piece, _Piece]:
        half = self.width / 2
        return replace(self, width=half), replace(self, start=self.start + half, width=half)


@dataclass(frozen=True, eq=False)
class _Way:
    """The straight line from the inputs `start`, at 0, to `start + change`, at 1, each (T, 1, I)."""

    losses: Losses
    start: Tensor
    change: Tensor

    def losses_at(self, places: Tensor, terms: Sequence[int]) -> Tensor:
        """Return the loss of each row at its place, (R,)."""
        return doubles(self.losses(self._inputs(places), terms).detach())

    def slopes_at(self, places: Tensor, terms: Sequence[int]) -> Tensor:
        """Return how fast the loss of each row changes with its place (R,), and by which step's input: (R,
        T).
        """
        inputs = self._inputs(places).requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(self.losses(inputs, terms).sum(), inputs)
        return doubles(gradient * self.change).sum(-1).T

    def _inputs(self, places: Tensor) -> Tensor:
        return self.start + places.to(self.change)[:, None] * self.change  # (T, R, I)


def gradient_x_input(losses: Losses, inputs: Tensor, terms: Sequence[int], block: int = 64) -> Tensor:
    """Compute ∂E_m/∂x_t · x_t for each of M loss terms and T inputs, (M, T) in float64.

    To first order, how much more the loss is than with a zero vector in the place of x_t (Shrikumar et al.,
    2016, arXiv:1605.01713). One backward pass of a batch finds `block` rows.

    Args:         losses: the losses to explain, computed from copies of the inputs.         inputs: (T, 1,
    I), the vectors that the model reads in place of tokens.         terms: the numbers m of the loss terms.
    block: the number of copies at a time, limited by the memory.

    Raises:
        InputError: inputs of another shape, no loss term, no copy at a time.

    """
    _check(inputs, terms, block)
    way = _Way(losses, torch.zeros_like(inputs), inputs.detach())
    parts = [terms[first : first + block] for first in range(0, len(terms), block)]
    return torch.cat([way.slopes_at(torch.ones(len(part)), part) for part in parts])


def integrated_gradients(
    losses: Losses,
    inputs: Tensor,
    terms: Sequence[int],
    baseline: Tensor | None = None,
    tolerance: float = 0.05,
    block: int = 64,
) -> IntegratedGradients:
    """Compute (x_t - x'_t) · ∫₀¹ ∂E_m/∂x_t at x' + α (x - x') dα, for each of M loss terms and T inputs.

    Sundararajan, Taly and Yan, 2017, arXiv:1703.01365. Complete: the scores of a term sum to the loss less
    that of the baseline x'. So on each piece of the way the error is known: it is halved until the sum is
    right there, or the piece is a thousandth of the way. On a piece the rule is that of Gauss and Legendre,
    with 8 points. Even steps find too little where the loss of a recurrent network changes all at once.

    Args:
        losses: the losses to explain, computed from copies of the inputs.
        inputs: (T, 1, I), the vectors that the model reads in place of tokens.
        terms: the numbers m of the loss terms.
        baseline: (T, 1, I), the input that counts as none. Zero vectors if None: they add nothing to any sum
            of the network, which then reads its biases and states only.
        tolerance: the largest error of the sum of a term's scores, in the unit of the loss.
        block: the number of copies at a time, at least 8, limited by the memory.

    Raises:
        InputError: shapes that differ, no loss term, no copy at a time, a negative tolerance.

    """
    _check(inputs, terms, block)
    if not tolerance >= 0:
        raise InputError("integrated gradients", "tolerance is at least 0", tolerance)
    start = torch.zeros_like(inputs) if baseline is None else baseline.detach()
    check_shape("baseline", start.shape, " ".join(map(str, inputs.shape)))
    way = _Way(losses, start, inputs.detach() - start)
    scores = torch.zeros(len(terms), len(inputs), dtype=torch.float64)
    errors = torch.zeros(len(terms), dtype=torch.float64)
    pieces = [_Piece(row, 0.0, 1.0) for row in range(len(terms))]
    while pieces:
        halved: list[_Piece] = []
        for piece, integral, error in _integrate(way, terms, pieces, max(1, block // POINTS)):
            if abs(error) > tolerance * piece.width and piece.width > NARROWEST:
                halved += piece.halves
            else:
                scores[piece.row] += integral
                errors[piece.row] += error
        pieces = halved
    return IntegratedGradients(scores, errors.abs())


def _check(inputs: Tensor, terms: Sequence[int], block: int) -> None:
    check_shape("attribution", inputs.shape, "T 1 I")
    if not terms:
        raise InputError("attribution", "expected one loss term or more", "none")
    if block < 1:
        raise InputError("attribution", "block is at least 1", block)


def _integrate(
    way: _Way, terms: Sequence[int], pieces: Sequence[_Piece], count: int
) -> Iterator[tuple[_Piece, Tensor, float]]:
    """Return the change by each step's input on each piece, (T,), and the error of their sum; `count` at a
    time.
    """
    points, weights = _gauss_legendre(POINTS)
    for first in range(0, len(pieces), count):
        part = pieces[first : first + count]
        start, width = torch.tensor([(p.start, p.width) for p in part], dtype=torch.float64).T
        asked = [terms[p.row] for p in part]
        places = start[:, None] + width[:, None] * points  # (P, POINTS)
        slopes = way.slopes_at(places.flatten(), [m for m in asked for _ in points]).cpu()
        integrals = width[:, None] * (weights[:, None] * slopes.reshape(len(part), POINTS, -1)).sum(1)
        with torch.no_grad():
            rise = way.losses_at(start + width, asked).cpu() - way.losses_at(start, asked).cpu()
        yield from zip(part, integrals, (integrals.sum(1) - rise).tolist(), strict=True)


def _gauss_legendre(points: int) -> tuple[Tensor, Tensor]:
    """Return places and weights on [0, 1]: eigenvalues and eigenvectors of a matrix (Golub and Welsch,
    1969).
    """
    k = torch.arange(1, points, dtype=torch.float64)
    beside = torch.diag(k / (4 * k.square() - 1).sqrt(), 1)
    places, vectors = torch.linalg.eigh(beside + beside.T)
    return (places + 1) / 2, vectors[0].square()
