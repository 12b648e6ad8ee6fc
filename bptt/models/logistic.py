"""Multinomial logistic regression with an L2 penalty, on sparse bags or rows of numbers, to its optimum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import LBFGS

from bptt.models.ngrams import Bags, sum_bags

# Where scikit-learn stops too: the largest element of the gradient of the mean loss, and iterations.
_TOLERANCE = 1e-4
_ITERATIONS = 100


def fit_logistic(
    bags: Bags, targets: Tensor, importance: Tensor, ngrams: int, classes: int, strength: float
) -> tuple[Tensor, Tensor]:
    """Return the weights (V, K) and the bias (K,), float32, that minimise C Σ_i s_i loss_i + ½ ‖W‖².

    The loss is the cross-entropy of `targets` (B,) int64; C is the `strength`, s the `importance` (B,).
    Deterministic: each sum is in a fixed order, in float64.
    """
    rows, columns = bags._replace(values=bags.values.double()), _transposed(bags, ngrams)
    return _fit(
        lambda weight: sum_bags(rows, weight),
        lambda off: sum_bags(columns, off),
        (ngrams, classes),
        targets,
        importance,
        strength,
    )


def fit_logistic_rows(
    vectors: Tensor, targets: Tensor, classes: int, strength: float
) -> tuple[Tensor, Tensor]:
    """Return the weights (D, K) and the bias (K,), float32, that `fit_logistic` finds for rows of numbers
    (B, D) of the same importance.
    """
    rows = vectors.double()
    if len(rows) >= rows.shape[1]:
        return _fit_rows(rows, targets, classes, strength)
    # The optimum is a sum of the rows: fewer numbers, in which lengths are the same, have the same one.
    basis, upper = torch.linalg.qr(rows.T)  # (D, B), (B, B)
    weight, bias = _fit_rows(upper.T, targets, classes, strength)
    return (basis @ weight.double()).float(), bias


def _fit_rows(rows: Tensor, targets: Tensor, classes: int, strength: float) -> tuple[Tensor, Tensor]:
    return _fit(
        rows.matmul, rows.T.matmul, (rows.shape[1], classes), targets, torch.ones(len(rows)), strength
    )


def _fit(
    product: Callable[[Tensor], Tensor],
    transposed: Callable[[Tensor], Tensor],
    shape: tuple[int, int],
    targets: Tensor,
    importance: Tensor,
    strength: float,
) -> tuple[Tensor, Tensor]:
    """Return the weights and the bias of `fit_logistic`; `product` multiplies inputs by weights (V, K),
    `transposed` those of the inputs by numbers (B, K).
    """
    share = importance.double() / importance.double().sum()
    penalty = 1 / (strength * float(importance.sum()))
    weight = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(shape[1], dtype=torch.float64, requires_grad=True)
    wanted = functional.one_hot(targets, shape[1])

    @torch.no_grad()
    def objective() -> Tensor:
        """Set the gradients; return the objective, divided by C Σ s."""
        log_p = (product(weight) + bias).log_softmax(1)  # (B, K)
        off = share[:, None] * (log_p.exp() - wanted)
        weight.grad = transposed(off) + penalty * weight
        bias.grad = off.sum(0)
        return penalty / 2 * weight.square().sum() - (share * log_p[wanted.bool()]).sum()

    optimiser = LBFGS(
        [weight, bias],
        max_iter=_ITERATIONS,
        max_eval=2 * _ITERATIONS,
        tolerance_grad=_TOLERANCE,
        line_search_fn="strong_wolfe",
    )
    optimiser.step(objective)  # type: ignore[no-untyped-call]
    return weight.detach().float(), bias.detach().float()


def _transposed(bags: Bags, ngrams: int) -> Bags:
    """Return for each n-gram the inputs that have it, so that the gradient is a sum over bags as the
    product is.
    """
    sizes = torch.diff(bags.starts, append=torch.tensor([len(bags.numbers)]))
    inputs = torch.repeat_interleave(torch.arange(len(sizes)), sizes)  # (N,)
    order = torch.argsort(bags.numbers, stable=True)
    counts = torch.bincount(bags.numbers, minlength=ngrams)
    return Bags(inputs[order], bags.values[order].double(), counts.cumsum(0) - counts)
