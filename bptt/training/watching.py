"""Training as `bptt.probe` sees it: the gradient through time of every N-th update, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import Module

from bptt.jobs.task import Task
from bptt.probe import Watched, find_non_finite, watch
from bptt.probe.flow import NET
from bptt.training.observer import GradientRecord, RecordedCurve

# This number of rows of a batch is enough for quartiles.
_ROWS = 32


class Watching:
    """An observer of the loop: looks at the updates whose number is a multiple of `every`, 0 for none.

    Raises InputError if `model` has no recurrent layers to look at.
    """

    def __init__(self, model: Module, every: int) -> None:
        self._model = model
        self._watch = watch(model, every) if every else None
        self._last: Watched | None = None

    def begin(self, step: int) -> None:
        """Begin an update."""
        if self._watch is not None:
            self._watch.begin(step)

    def finish(self) -> GradientRecord | None:
        """Return the norms with the digits that are kept."""
        found = self._watch.finish() if self._watch is not None else None
        if found is None:
            return None
        self._last = found
        return _seen(found)

    def diagnose(self, loss: Callable[[], Tensor]) -> str | None:
        """Describe the first NaN or infinity, with all that is known of it."""
        found = find_non_finite(self._model, loss)
        return None if found is None else f"first of all {found}"

    @property
    def lines(self) -> list[str]:
        """The last look, a line for each layer; none if there was no look."""
        if self._last is None:
            return []
        nets = (curve for curve in self._last.flow.curves if curve.quantity == NET)
        return [f"gradient at step {self._last.step}, {_short(curve.sentence)}" for curve in nets]


def look_at(task: Task, lags: int) -> GradientRecord:
    """Measure the gradient in the first batch of a task, at most `lags` steps back from the last loss of each
    row.

    Weights and random states are as before; gradients are gone.
    """
    with torch.random.fork_rng(), watch(task.model, rows=_ROWS, lags=lags) as watching:
        task.model.train()
        watching.begin(0)
        task.step(0, 0, ()).loss.backward()  # type: ignore[no-untyped-call]
        found = watching.finish()
    task.model.zero_grad()
    return GradientRecord(0, ()) if found is None else _seen(found)


def _seen(found: Watched) -> GradientRecord:
    curves = (
        RecordedCurve(
            _short(c.layer), c.quantity, c.tenth, _rounded(c.factor), tuple(map(_rounded, c.median))
        )
        for c in found.flow.curves
    )
    return GradientRecord(found.flow.losses, tuple(curves))


def _short(text: str) -> str:
    """Remove the name that the stack has in each part of our models: "encoder layer 1"."""
    return text.replace(".recurrent ", " ")


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
