"""Norms of a gradient by lag: how it decays or grows on its way back through time (R6 in
docs/equations.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from statistics import median_low
from typing import TypeAlias

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.languages.phrase import phrase
from bptt.probe.maps import GradientMap

# Of one loss: the norms of δ by lag, and those of each state.
_Row: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
# By layer, where each loss (M,) enters it; None for a loss that does not depend on it.
Anchors: TypeAlias = Mapping[str, Sequence[int | None]]

TENTH = 0.1
# How δ, the gradient of all sums of a step together, is shown beside the names of states.
NET = "δ"


@dataclass(frozen=True)
class LagCurve:
    """A norm by lag in one layer and direction: of δ = ∂E/∂net, from lag 0, or of ∂E/∂s of a state s that is
    carried, from lag 1, since the last step hands on to the one before it.

    Entry k belongs to lag `first` + k. The norm is over the units, the quartiles are over the losses. Not the
    mean: norms that lie orders of magnitude apart have the mean of the few largest.
    """

    layer: str
    quantity: str
    lower_quartile: tuple[float, ...]
    median: tuple[float, ...]
    upper_quartile: tuple[float, ...]

    @property
    def first(self) -> int:
        """The lag of the first entry."""
        return 0 if self.quantity == NET else 1

    @property
    def start(self) -> float:
        """The norm that all others are compared with: the first that is not zero; 0 if all are."""
        return self.median[self._begun]

    @property
    def tenth(self) -> int | None:
        """The effective memory: the first lag with at most a tenth of `start`, if there is one."""
        begun, limit = self._begun, TENTH * self.start
        found = (lag for lag, value in enumerate(self.median[begun:], begun + self.first) if value <= limit)
        return next(found, None) if limit else None

    @property
    def factor(self) -> float:
        """Decay (below 1) or growth per step: the geometric mean over the lags that the gradient reaches."""
        begun, reached = self._begun, self._reached
        if not self.start or reached == begun < len(self.median) - 1:
            return 0.0
        return float((self.median[reached] / self.start) ** (1 / max(1, reached - begun)))

    @property
    def _begun(self) -> int:
        """The first entry that is not zero: a gate that is shut at the loss itself lets nothing in there."""
        return min((k for k, norm in enumerate(self.median) if norm), default=0)

    @property
    def _reached(self) -> int:
        """The last entry that is not zero: after it all is wiped out, or below what float32 holds."""
        return max((k for k, norm in enumerate(self.median) if norm), default=0)

    @property
    def undefined(self) -> int | None:
        """The first lag at which the norm is NaN, if there is one."""
        return next((lag for lag, norm in enumerate(self.median, self.first) if isnan(norm)), None)

    def named(self, name: str) -> LagCurve:
        """Return the curve of a layer in the part `name` of a model."""
        return replace(self, layer=phrase("{} {}", phrase(name), self.layer) if name else self.layer)

    @property
    def sentence(self) -> str:
        """One line in numbers, as "layer 1 h: down to a tenth at lag 7, ×0.931 a step over 100 lags"."""
        name = phrase("{} {}", self.layer, self.quantity)
        if self.undefined is not None:
            return phrase("{}: NaN at lag {}", name, str(self.undefined))
        if not self.start:
            return phrase("{}: no gradient", name)
        if len(self.median) == 1:
            return phrase("{}: too few steps to judge", name)
        reach = phrase("never down to a tenth")
        if self.tenth:
            reach = phrase("down to a tenth at lag {}", str(self.tenth))
        last = len(self.median) - 1
        end = phrase(" over {} lags", str(last + self.first))
        if self._reached < last:
            end = phrase(", nothing from lag {} on", str(self._reached + 1 + self.first))
        return phrase("{}: {}, ×{} a step{}", name, reach, f"{self.factor:.3g}", end)


@dataclass(frozen=True)
class Flow:
    """Curves for every layer, δ first, then its states, measured on `losses` losses."""

    losses: int
    curves: tuple[LagCurve, ...]


def curve(layer: str, quantity: str, norms: Tensor) -> LagCurve:
    """Return the quartiles over the losses of norms (lags, losses)."""
    shares = torch.tensor([0.25, 0.5, 0.75], dtype=norms.dtype, device=norms.device)
    lower, median, upper = torch.quantile(norms, shares, dim=1).tolist()
    return LagCurve(layer, quantity, tuple(lower), tuple(median), tuple(upper))


def flow(examples: Sequence[Sequence[GradientMap]], anchors: Sequence[Anchors], lags: int) -> Flow:
    """Compute the gradient by lag from the T x T pictures of one or more examples.

    Args:
        examples: of each example the maps of its layers.
        anchors: of each example, by layer, the step at which each loss (M,) enters the layer: lag 0. For a
            loss on a layer's own output at step m that is m; for the loss of a class the last step read.
            None for a loss that does not depend on the layer (one that a mask leaves out): it is not counted.
        lags: the largest lag, at least 1, or as many as half of the losses have before them. Losses with
            fewer are left out, so that every lag is seen by the same ones.

    """
    check_lags(lags)
    layers = list(dict.fromkeys(found.layer for maps in examples for found in maps))
    curves, count = [], 0
    for layer in layers:
        rows = list(_rows(examples, anchors, layer)) or [_no_gradient(examples, layer)]
        reach = min(lags, median_low(len(net) for net, _ in rows) - 1)
        long = [row for row in rows if len(row[0]) > reach]
        count = max(count, len(long))
        curves.append(curve(layer, NET, torch.stack([net[: reach + 1] for net, _ in long], 1)))
        for state in long[0][1] if reach else ():
            curves.append(
                curve(layer, state, torch.stack([carried[state][:reach] for _, carried in long], 1))
            )
    return Flow(count, tuple(curves))


def check_lags(lags: int) -> None:
    """Raise InputError unless there is a lag to look at."""
    if lags < 1:
        raise InputError("gradient flow", "lags is at least 1", lags)


def _rows(
    examples: Sequence[Sequence[GradientMap]], anchors: Sequence[Anchors], layer: str
) -> Iterator[_Row]:
    """Yield for every loss that depends on the layer the norms of δ by lag, and those of the states."""
    for maps, places in zip(examples, anchors, strict=True):
        for found in maps:
            if found.layer == layer:
                yield from (_by_lag(found, m, at) for m, at in enumerate(places[layer]) if at is not None)


def _no_gradient(examples: Sequence[Sequence[GradientMap]], layer: str) -> _Row:
    """Return the row of a layer that no loss depends on: zero at lags 0 and 1."""
    states = next(found.carried for maps in examples for found in maps if found.layer == layer)
    return torch.zeros(2), {state: torch.zeros(2) for state in states}


def _by_lag(found: GradientMap, m: int, place: int) -> _Row:
    steps = slice(place, None) if found.reverse else slice(0, place + 1)

    def back(norms: Tensor) -> Tensor:
        return norms[m, steps] if found.reverse else norms[m, steps].flip(0)

    return back(found.net), {state: back(norms) for state, norms in found.carried.items()}
