"""The state of a run: what the loop counts, beside the weights and the optimiser."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any

from torch import Tensor

from bptt.training.update import Update


@dataclass(frozen=True)
class State:
    """The position of a run and its sums; a new one after each step, so that none is half-way.

    `epoch` (from 0) and `index` name the next batch, `step` counts the updates done, `carry` holds
    the states handed from batch to batch. `loss_sum` and `units` have gathered since the last
    record; `first_loss` is that of the first update, before it. The evaluation after `best_step`
    updates had the best score, the larger the better, or of equal ones the smallest loss. `misses`
    evaluations in a row brought no new best, `reductions` in all. `records` is the size of
    `metrics.jsonl` in bytes.
    """

    epoch: int = 0
    index: int = 0
    step: int = 0
    carry: tuple[Tensor, ...] = ()
    loss_sum: float = 0.0
    units: int = 0
    first_loss: float = inf
    best_score: float = -inf
    best_loss: float = inf
    best_step: int = 0
    misses: int = 0
    reductions: int = 0
    seconds: float = 0.0
    records: int = 0

    @property
    def epochs_begun(self) -> int:
        """The number, from 1, of the epoch of the last update."""
        return self.epoch + (self.index > 0)

    def after(self, update: Update, steps: int) -> State:
        """Return the state after `update`, in an epoch of `steps` updates."""
        last = self.index + 1 == steps
        return replace(
            self,
            epoch=self.epoch + last,
            index=0 if last else self.index + 1,
            step=self.step + 1,
            carry=() if last else update.carry,
            first_loss=update.loss if self.step == 0 else self.first_loss,
            loss_sum=self.loss_sum + update.loss * update.units,
            units=self.units + update.units,
        )

    def after_record(self) -> State:
        """Return the state after the sums were recorded."""
        return replace(self, loss_sum=0.0, units=0)

    def after_evaluation(self, score: float, loss: float, waiting: bool = False) -> State:
        """Return the state after an evaluation with this score and this held-out loss.

        While a model is `waiting` to begin to answer, no new best is no miss.
        """
        if (score, -loss) > (self.best_score, -self.best_loss):
            return replace(self, best_score=score, best_loss=loss, best_step=self.step, misses=0)
        if waiting:
            return self
        return replace(self, misses=self.misses + 1, reductions=self.reductions + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name; the tensors are not copied."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
