"""Units that follow a property of the tokens, as one that is on within quotes (Karpathy et al., 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.nn.float64 import doubles
from bptt.probe.layer_values import LayerValues, Value
from bptt.shapes import check_shape

WHERE = "units that follow a property"
# From this number of steps on a text is cut in two: one half to choose units on, one to measure them on.
HELD_OUT_FROM = 200
# The number of values that are ranked at a time: bounds the memory.
BLOCK = 2**21


@dataclass(frozen=True)
class UnitScore:
    """A score for how well unit `unit`, from 0, of a layer's value predicts a property.

    Of a property that steps have or not: the area under the ROC curve, the probability that the unit is
    higher at a step that has it than at one that has not; 1 and 0 are perfect, 0.5 is chance. Of a number:
    Spearman's correlation, from -1 to 1; 0 is chance. `chance` says which of the two it is.
    """

    layer: str
    value: str
    unit: int
    score: float
    chance: float = 0.5

    @property
    def inverse(self) -> bool:
        """Whether the unit falls where the property holds or grows."""
        return self.score < self.chance

    @property
    def strength(self) -> float:
        """The score of the unit, or of its negative where it is inverse: from `chance` to 1."""
        return self.chance + abs(self.score - self.chance)


@dataclass(frozen=True)
class Ranking:
    """The units that follow a property, best first.

    If `held_out`, they were chosen, and put in order, by the first half of the steps, and `score` was
    measured on the second: the best of thousands of units is good by chance, but not twice. If not, as the
    text is short or the property does not vary in both halves, all steps served for both, and scores flatter.
    """

    units: tuple[UnitScore, ...]
    held_out: bool


@dataclass(frozen=True, eq=False)
class _Numbers:
    """A value of a layer, (T, units)."""

    layer: str
    value: str
    tensor: Tensor


def varies(wanted: Tensor) -> bool:
    """Return whether a property (T,) differs between steps, so that a unit can follow it."""
    return bool((wanted != wanted[:1]).any())


def rank_units(
    layers: Sequence[LayerValues], properties: Sequence[Tensor], count: int = 10
) -> tuple[Ranking, ...]:
    """Find the `count` units that follow each property best, rising or falling with it.

    Both scores look at the order of a unit's numbers only, since gates and states are squashed: a unit that
    counts grows with the count, but not in proportion to it. The area under the curve is found from the sum
    of ranks (Mann and Whitney 1947; Hanley and McNeil 1982), where a tie counts half; the correlation is
    that of the ranks (Spearman 1904). Units are ranked once for all properties; that takes nearly all time.

    Args:
        layers: what `bptt.probe.layer_values` found for one text of T steps, B = 1.
        properties: (T,) each: bool where a step has it or not, else numbers.
        count: the most units that are wanted for each.

    Raises:
        InputError: shapes that differ in T, a number that is not finite, a property that does not vary.

    """
    steps = _check_properties(properties)
    found = [_numbers(layer, value, steps) for layer in layers for value in layer.values]
    half = (steps + 1) // 2
    ends = [half if _can_hold_out(p, half) else steps for p in properties]
    scores = {end: _score_all(found, [p[:end] for p in properties]) for end in set(ends)}
    units = [(numbers, unit) for numbers in found for unit in range(numbers.tensor.shape[1])]
    return tuple(
        _ranking(units, scores[end][:, k], wanted, 0 if end == steps else half, count)
        for k, (wanted, end) in enumerate(zip(properties, ends, strict=True))
    )


def _check_properties(properties: Sequence[Tensor]) -> int:
    """Return T, their number of steps."""
    sizes: dict[str, int] = {}
    for wanted in properties:
        sizes = check_shape(WHERE, wanted.shape, "T", sizes=sizes)
        if not varies(wanted):
            raise InputError(WHERE, "a property varies", f"{wanted[:1].tolist()} at all {sizes['T']} steps")
    return sizes.get("T", 0)


def _numbers(layer: LayerValues, value: Value, steps: int) -> _Numbers:
    where = f"{WHERE}: {layer.name} {value.name}"
    check_shape(where, value.tensor.shape, f"{steps} 1 H")
    if not value.tensor.isfinite().all():
        raise InputError(where, "expected finite numbers", "NaN or infinity")
    return _Numbers(layer.name, value.name, value.tensor.detach().squeeze(1))


def _can_hold_out(wanted: Tensor, half: int) -> bool:
    return len(wanted) >= HELD_OUT_FROM and varies(wanted[:half]) and varies(wanted[half:])


def _ranking(
    units: Sequence[tuple[_Numbers, int]], scores: Tensor, wanted: Tensor, start: int, count: int
) -> Ranking:
    """Return the best units by these scores (units,), measured from the step `start` on."""
    strength = (scores - _chance(wanted)).abs()
    best: list[int] = strength.argsort(descending=True, stable=True)[:count].tolist()
    found = []
    for numbers, unit in (units[k] for k in best):
        score = _scores(numbers.tensor[start:, unit : unit + 1], [wanted[start:]]).item()
        found.append(UnitScore(numbers.layer, numbers.value, unit, score, _chance(wanted)))
    return Ranking(tuple(found), held_out=start > 0)


def _score_all(found: Sequence[_Numbers], properties: Sequence[Tensor]) -> Tensor:
    """Compute the scores (units of all, properties)."""
    columns = max(1, BLOCK // len(properties[0]))
    blocks = chain.from_iterable(torch.split(numbers.tensor, columns, dim=1) for numbers in found)
    return torch.cat([_scores(block[: len(properties[0])], properties) for block in blocks])


def _scores(numbers: Tensor, properties: Sequence[Tensor]) -> Tensor:
    """Compute the scores (units, properties) of numbers (T, units)."""
    ranks = average_ranks(doubles(numbers.T.contiguous()))
    return torch.stack(
        [_area(ranks, p) if p.dtype == torch.bool else _spearman(ranks, p) for p in properties], 1
    )


def _area(ranks: Tensor, wanted: Tensor) -> Tensor:
    """Compute the area under the ROC curve (units,): the share of pairs that are in order."""
    has = wanted.to(ranks)
    count = has.sum()
    return (ranks @ has / count - (count + 1) / 2) / (len(has) - count)


def _spearman(ranks: Tensor, wanted: Tensor) -> Tensor:
    """Compute the correlation of the ranks (units,); 0 for a unit that does not move."""
    ranks = ranks - ranks.mean(1, keepdim=True)
    other = average_ranks(wanted.to(ranks))
    other = other - other.mean()
    norms = torch.linalg.vector_norm(ranks, dim=1) * torch.linalg.vector_norm(other)
    correlation: Tensor = ranks @ other / norms.clamp_min(torch.finfo(ranks.dtype).tiny)
    return correlation


def _chance(wanted: Tensor) -> float:
    return 0.5 if wanted.dtype == torch.bool else 0.0


def average_ranks(numbers: Tensor) -> Tensor:
    """Rank numbers (..., T) in their row, from 1, in float64; equal ones share the mean of their ranks."""
    ordered, order = numbers.sort(dim=-1)
    first = _first_equal(ordered)
    last = ordered.shape[-1] - 1 - _first_equal(ordered.flip(-1)).flip(-1)
    return torch.empty(numbers.shape, dtype=torch.float64, device=numbers.device).scatter_(
        -1, order, 1 + (first + last).double() / 2
    )


def _first_equal(ordered: Tensor) -> Tensor:
    """Return at each place of ordered numbers (..., T) the first place of those equal to it."""
    places = torch.arange(ordered.shape[-1], device=ordered.device)
    new = ordered[..., 1:] != ordered[..., :-1]
    return nn.functional.pad(places[1:] * new, (1, 0)).cummax(dim=-1).values
