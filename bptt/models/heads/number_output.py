"""The output layer for numbers: linear, standardised, with the loss of a point or of quantiles."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.errors import InputError
from bptt.models.heads.number_options import NumberOptions


class NumberOutput(nn.Module):
    """Numbers (..., M, Q) for vectors (..., width): M targets, and Q quantiles of each or one point.

    `mean`, `deviation` and `median` (M,) are those of the training targets; `margin` (M,) is added to both
    ends of an interval, once `calibrated`, the number of examples that it was found on, is above 0.
    """

    mean: Tensor
    deviation: Tensor
    median: Tensor
    margin: Tensor
    calibrated: Tensor

    def __init__(self, width: int, targets: int, options: NumberOptions) -> None:
        super().__init__()
        self.options, self.targets = options, targets
        self.linear = nn.Linear(width, targets * options.width)
        for name in ("mean", "median", "margin"):
            self.register_buffer(name, torch.zeros(targets, dtype=torch.float64))
        self.register_buffer("deviation", torch.ones(targets, dtype=torch.float64))
        self.register_buffer("calibrated", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def fit(self, targets: Tensor, *, may_be_constant: bool = False) -> None:
        """Take mean, deviation and median of training targets (N, M), NaN where there is none.

        A target that never changes keeps its unit if it `may_be_constant`; else raises InputError.
        """
        for k, column in enumerate(targets.double().unbind(1)):
            known = column[~column.isnan()]
            is_constant = not len(known) or bool(known.min() == known.max())
            if is_constant and not (may_be_constant and len(known)):
                came = f"{known[0].item():g} in all {len(known):,}" if len(known) else "none"
                raise InputError("targets", "must differ, for there to be something to learn", came)
            self.median[k] = median(known)
            if self.options.standardise:
                self.mean[k] = known.mean()
                self.deviation[k] = 1.0 if is_constant else known.std(correction=0)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the standardised numbers (..., M, Q)."""
        found: Tensor = self.linear(vectors)
        return found.view(*found.shape[:-1], self.targets, self.options.width)

    def loss(self, found: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return the loss of standardised numbers (..., M, Q) for targets (..., M) in their own units.

        A target of NaN does not count. Returns the mean, or with the reduction "none" a value for each
        target, (..., M).
        """
        wanted, known = self._standardised(found, targets)
        whole = bool(known.all())
        losses = number_losses(found, wanted, self.options)  # (..., M)
        losses = losses if whole else torch.where(known, losses, 0.0)
        if reduction == "none":
            return losses
        return losses.mean() if whole else losses.sum() / known.sum().clamp(min=1)

    def residuals(self, found: Tensor, targets: Tensor) -> Tensor:
        """Return numbers (..., M) whose squares add up to the mean of a squared loss.

        Arguments are those of `loss`.
        """
        wanted, known = self._standardised(found, targets)
        errors = torch.where(known, found[..., 0] - wanted, 0.0)
        return errors / known.sum().clamp(min=1).sqrt()

    def _standardised(self, found: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the targets (..., M) as the network learns them, 0 where unknown, and which are known."""
        wanted = ((targets.to(self.mean) - self.mean) / self.deviation).to(found)
        known = ~wanted.isnan()
        return wanted if bool(known.all()) else torch.where(known, wanted, 0.0), known

    def read(self, found: Tensor) -> Tensor:
        """Return the numbers (..., M, Q) in the units of the targets, float64, the quantiles in rising order.

        Quantiles that cross are sorted, which never makes them worse (Chernozhukov et al. 2010).
        """
        values = found.to(self.deviation) * self.deviation[:, None] + self.mean[:, None]
        return values.sort(-1).values

    @torch.no_grad()
    def calibrate(self, values: Tensor, targets: Tensor) -> None:
        """Find the margins by held-out values (N, M, Q) as `read` gives them, and their targets (N, M).

        The interval [low - margin, high + margin] then holds a new target with the probability `interval`,
        if it is drawn as these were: split conformal prediction (Vovk et al. 2005), and for quantiles that of
        Romano et al. 2019.
        """
        low, high = self.options.ends
        counts = []
        for k in range(self.targets):
            known = ~targets[:, k].isnan()
            wanted = targets[known, k]
            outside = torch.maximum(values[known, k, low] - wanted, wanted - values[known, k, high])
            counts.append(len(outside))
            if len(outside):
                self.margin[k] = conformal_quantile(outside, self.options.interval)
        self.calibrated.fill_(min(counts))

    def interval(self, values: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the ends (..., M) of the intervals of values (..., M, Q); None if their width is unknown."""
        if not int(self.calibrated) and not self.options.levels:
            return None
        low, high = (values[..., k] for k in self.options.ends)
        # A negative margin makes an interval narrower; its ends never pass each other.
        middle, margin = (low + high) / 2, self.margin.to(low.device)
        return torch.minimum(low - margin, middle), torch.maximum(high + margin, middle)


def median(values: Tensor) -> Tensor:
    """Return the median of values (N,), of an even number the mean of the two in the middle.

    `Tensor.quantile` refuses more than 2^24 values, `Tensor.median` returns the lower of the two.
    """
    low, high = values.median(), -(-values).median()
    return high - (high - low) * 0.5


def conformal_quantile(scores: Tensor, share: float) -> Tensor:
    """Return the ⌈(N + 1) share⌉-th smallest of scores (N,), the largest if there are too few."""
    rank = min(len(scores), -int(-(len(scores) + 1) * share // 1))
    return scores.sort().values[rank - 1]


def number_losses(found: Tensor, wanted: Tensor, options: NumberOptions) -> Tensor:
    """Return the loss of each target (..., M) for numbers (..., M, Q); of quantiles the mean over Q."""
    if options.loss == "quantile":
        levels = torch.tensor(options.levels, dtype=found.dtype, device=found.device)
        return pinball(found, wanted[..., None], levels).mean(-1)
    point = found[..., 0]
    if options.loss == "absolute":
        return functional.l1_loss(point, wanted, reduction="none")
    if options.loss == "huber":
        return functional.huber_loss(point, wanted, reduction="none", delta=options.delta)
    return functional.mse_loss(point, wanted, reduction="none")


def pinball(found: Tensor, wanted: Tensor, levels: Tensor) -> Tensor:
    """Return the pinball loss max(τ (y - q), (τ - 1)(y - q)) of quantiles (..., Q) of the levels τ (Q,).

    Source: Koenker & Bassett 1978.
    """
    above = wanted - found
    return torch.maximum(levels * above, (levels - 1) * above)
