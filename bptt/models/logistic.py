"""Multinomial logistic regression with an L2 penalty on sparse bags, to its optimum."""

from __future__ import annotations

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
    share = importance.double() / importance.double().sum()
    penalty = 1 / (strength * float(importance.sum()))
    weight = torch.zeros(ngrams, classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    wanted = functional.one_hot(targets, classes)

    @torch.no_grad()
    def objective() -> Tensor:
        """Set the gradients; return the objective, divided by C Σ s."""
        log_p = (sum_bags(rows, weight) + bias).log_softmax(1)  # (B, K)
        off = share[:, None] * (log_p.exp() - wanted)
        weight.grad = sum_bags(columns, off) + penalty * weight
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
