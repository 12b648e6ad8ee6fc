"""Training as `bptt.probe` sees it: the gradient through time of every N-th update, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import Module

from bptt.probe import Watched, find_non_finite, watch
from bptt.probe.flow import NET
from bptt.training.observer import LagCurve, Seen


class Watching:
    """An observer of the loop: looks at the updates whose number is a multiple of `every`, 0 for none.

    Raises InputError if `model` has no recurrent layers to look at.
    """

    def __init__(self, model: Module, every: int) -> None:
        self._model = model
        self._watch = watch(model, every) if every else None
        self._last: Watched | None = None

    def begin(self, step: int) -> None:
        """An update begins."""
        if self._watch is not None:
            self._watch.begin(step)

    def finish(self) -> Seen | None:
        """The norms with the digits that are kept."""
        found = self._watch.finish() if self._watch is not None else None
        if found is None:
            return None
        self._last = found
        curves = (
            LagCurve(c.layer, c.quantity, c.tenth, _rounded(c.factor), tuple(map(_rounded, c.median)))
            for c in found.flow.curves
        )
        return Seen(found.flow.losses, tuple(curves))

    def diagnose(self, loss: Callable[[], Tensor]) -> str | None:
        """The first NaN or infinity, with all that is known of it."""
        found = find_non_finite(self._model, loss)
        return None if found is None else f"first of all {found}"

    @property
    def lines(self) -> list[str]:
        """What the last look saw, a line for each layer; none if there was no look."""
        if self._last is None:
            return []
        nets = (curve for curve in self._last.flow.curves if curve.quantity == NET)
        return [f"gradient at step {self._last.step}, {curve.sentence}" for curve in nets]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
