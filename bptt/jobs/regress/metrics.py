"""Metrics of regression: R², errors, pinball loss and coverage, and a constant prediction as baseline."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.models.heads.number_output import NumberOutput, median, pinball
from bptt.notebook import ShownMetrics


@dataclass(frozen=True)
class NumberScores(ShownMetrics):
    """The metrics by name, each the mean over the targets.

    `by_target` has those of each target, if there are several. `beaten`: the errors are smaller than those of
    the constant prediction.
    """

    metrics: dict[str, float]
    by_target: dict[str, dict[str, float]]
    beaten: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a line for the user if the constant prediction is at least as good."""
        if self.beaten:
            return ()
        return ("the baseline is not beaten: always answering the training median or mean errs no more",)


def scores(
    values: Tensor,
    targets: Tensor,
    output: NumberOutput,
    names: tuple[str, ...],
    loss: float,
    intervals: bool = True,
) -> NumberScores:
    """Return the scores of values (N, M, Q) in the units of targets (N, M), float64, NaN where there is none.

    "r2" and the errors are defined as in scikit-learn; "r2" needs two examples. "baseline_mae" is the mean
    absolute error of the median of the training targets as a constant prediction, "baseline_rmse" the root
    mean squared error of their mean. "coverage" is the share of targets within their interval,
    "interval_width" the mean width, both only with `intervals`; "pinball" is the mean pinball loss over the
    quantiles.
    """
    # The values are on the CPU, whatever the device of the model.
    output = deepcopy(output).cpu()
    found = {name: _of_one(values[:, k], targets[:, k], output, k, intervals) for k, name in enumerate(names)}
    first = next(iter(found.values()))
    mean = {key: sum(each[key] for each in found.values()) / len(found) for key in first}
    metrics = {"loss": loss, **mean, "examples": len(targets)}
    beaten = mean["mae"] < mean["baseline_mae"] or mean["rmse"] < mean["baseline_rmse"]
    return NumberScores(metrics, found if len(found) > 1 else {}, beaten)


def _of_one(
    values: Tensor, targets: Tensor, output: NumberOutput, k: int, intervals: bool
) -> dict[str, float]:
    known = ~targets.isnan()
    values, targets = values[known], targets[known]
    options = output.options
    errors = values[:, options.point] - targets
    metrics = {} if len(targets) < 2 else {"r2": r2(errors, targets)}
    metrics |= {
        "mae": errors.abs().mean().item(),
        "rmse": errors.square().mean().sqrt().item(),
        "median_absolute_error": median(errors.abs()).item(),
        "baseline_mae": (targets - output.median[k]).abs().mean().item(),
        "baseline_rmse": (targets - _mean(output, k)).square().mean().sqrt().item(),
    }
    return metrics | _of_intervals(values, targets, output, k, intervals)


def _of_intervals(
    values: Tensor, targets: Tensor, output: NumberOutput, k: int, intervals: bool
) -> dict[str, float]:
    metrics, options = {}, output.options
    if options.levels:
        levels = torch.tensor(options.levels, dtype=values.dtype)
        metrics["pinball"] = pinball(values, targets[:, None], levels).mean().item()
    wide = values.new_zeros(len(values), output.targets, options.width)
    wide[:, k] = values
    ends = output.interval(wide) if intervals else None
    if ends is not None:
        low, high = (each[:, k] for each in ends)
        metrics["coverage"] = ((low <= targets) & (targets <= high)).double().mean().item()
        metrics["interval_width"] = (high - low).mean().item()
    return metrics


def _mean(output: NumberOutput, k: int) -> Tensor:
    # Without standardisation the stored mean is 0; then the median is the constant prediction.
    return output.mean[k] if output.options.standardise else output.median[k]


def r2(errors: Tensor, targets: Tensor) -> float:
    """Return 1 - Σ error² / Σ (target - mean)²; if all targets are equal, 1 without an error, else 0."""
    whole, left = (targets - targets.mean()).square().sum(), errors.square().sum()
    if whole == 0:
        return float(left == 0)
    return (1 - left / whole).item()
