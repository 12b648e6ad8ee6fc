"""How much each input of a model plays for each term of its loss: gradient x input, integrated gradients.

Both give a number for each loss term and step, (M, T), in the unit of the loss, nats as a rule. Positive:
what is read at this step raises the loss; negative: it lowers it, and so speaks for what came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.shapes import check_shape

# From inputs (T, R, I), a copy of the example in each row, and the loss term that each row is asked for, to
# these E_m (R,), differentiable: no row may depend on another's. In evaluation mode, where dropout is off.
Losses = Callable[[Tensor, Sequence[int]], Tensor]


@dataclass(frozen=True, eq=False)
class IntegratedGradients:
    """`scores` (M, T), and `errors` (M,) of the quadrature: |Σ_t score - (E_m(inputs) - E_m(baseline))|."""

    scores: Tensor
    errors: Tensor


@dataclass(frozen=True, eq=False)
class _Path:
    """The straight line from `start`, at 0, to `start + way`, at 1, each (T, 1, I)."""

    losses: Losses
    start: Tensor
    way: Tensor

    def at(self, places: Tensor) -> Tensor:
        """The inputs (T, R, I) at places (R,)."""
        return self.start + places.to(self.way)[:, None] * self.way

    def slopes(self, terms: Sequence[int], places: Tensor) -> Tensor:
        """How the loss of each row changes along the line, by what each step contributes to it, (R, T)."""
        inputs = self.at(places).requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(self.losses(inputs, terms).sum(), inputs)
        return (gradient * self.way).double().sum(-1).T

    def integral(self, terms: Sequence[int], places: Tensor, weights: Tensor, block: int) -> Tensor:
        """Σ_k weight_k slope(place_k) of each term, (M, T) in float64; `block` rows at a time."""
        rows = [(m, k) for m in range(len(terms)) for k in range(len(places))]
        result = self.way.new_zeros(len(terms), len(self.way), dtype=torch.float64)
        for first in range(0, len(rows), block):
            m, k = torch.tensor(rows[first : first + block], device=self.way.device).T
            slopes = self.slopes([terms[i] for i in m.tolist()], places[k])
            result.index_add_(0, m, weights[k, None] * slopes)
        return result

    def rise(self, terms: Sequence[int], block: int) -> Tensor:
        """E_m at the end less E_m at the start, (M,)."""
        found = []
        for first in range(0, len(terms), block):
            part = terms[first : first + block]
            ends = self.at(torch.tensor([0, 1]).repeat_interleave(len(part)))
            start, end = self.losses(ends, [*part, *part]).double().chunk(2)
            found.append(end - start)
        return torch.cat(found)


def gradient_x_input(losses: Losses, inputs: Tensor, terms: Sequence[int], block: int = 64) -> Tensor:
    """∂E_m/∂x_t · x_t for each of M loss terms and T inputs, (M, T) in float64.

    To first order, how much more the loss is than with a zero vector in the place of x_t (Shrikumar et al.,
    2016, arXiv:1605.01713). One backward pass of a batch finds `block` rows.

    Args:
        losses: what is explained, from copies of the inputs.
        inputs: (T, 1, I), what the model reads in place of tokens: their vectors.
        terms: the numbers m of the loss terms.
        block: so many copies at a time; what the memory holds.

    Raises:
        InputError: inputs of another shape, or no copy at a time.

    """
    _check(inputs, block)
    whole = torch.ones(1, dtype=torch.float64, device=inputs.device)
    path = _Path(losses, torch.zeros_like(inputs), inputs.detach())
    return path.integral(terms, whole, whole, block)


def integrated_gradients(
    losses: Losses,
    inputs: Tensor,
    terms: Sequence[int],
    baseline: Tensor | None = None,
    points: int = 32,
    block: int = 64,
) -> IntegratedGradients:
    """(x_t - x'_t) · ∫₀¹ ∂E_m/∂x_t at x' + α (x - x') dα, for each of M loss terms and T inputs.

    Sundararajan, Taly and Yan, 2017, arXiv:1703.01365. Complete: the scores of a term sum to the loss less
    that of the baseline x', and by how much they fall short is reported. The integral is taken by
    Gauss-Legendre quadrature, exact where E_m along the way is a polynomial of a degree up to 2 * `points`.

    Args:
        losses: what is explained, from copies of the inputs.
        inputs: (T, 1, I), what the model reads in place of tokens: their vectors.
        terms: the numbers m of the loss terms.
        baseline: (T, 1, I), what stands for no input. Zero vectors if None: they add nothing to any sum of
            the network, which then reads its biases and states only.
        points: how many gradients are taken for each term.
        block: so many copies at a time; what the memory holds.

    Raises:
        InputError: shapes that differ, no copy at a time, no point.

    """
    _check(inputs, block)
    if points < 1:
        raise InputError("integrated gradients", "points is at least 1", points)
    start = torch.zeros_like(inputs) if baseline is None else baseline.detach()
    check_shape("baseline", start.shape, " ".join(map(str, inputs.shape)))
    path = _Path(losses, start, inputs.detach() - start)
    places, weights = (t.to(inputs.device) for t in _gauss_legendre(points))
    scores = path.integral(terms, places, weights, block)
    with torch.no_grad():
        return IntegratedGradients(scores, (scores.sum(1) - path.rise(terms, block)).abs())


def _check(inputs: Tensor, block: int) -> None:
    check_shape("attribution", inputs.shape, "T 1 I")
    if block < 1:
        raise InputError("attribution", "block is at least 1", block)


def _gauss_legendre(points: int) -> tuple[Tensor, Tensor]:
    """Places and weights on [0, 1]: eigenvalues and eigenvectors of a matrix (Golub and Welsch, 1969)."""
    k = torch.arange(1, points, dtype=torch.float64)
    beside = torch.diag(k / (4 * k.square() - 1).sqrt(), 1)
    places, vectors = torch.linalg.eigh(beside + beside.T)
    return (places + 1) / 2, vectors[0].square()
