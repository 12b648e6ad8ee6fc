"""The space of a search: the options of a job that are tried, and candidates drawn from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import exp, log
from random import Random
from typing import Any

from bptt.options.field import Tried, alternatives
from bptt.options.option_set import NamedOption, OptionSet

# A candidate leaves each option at its default with this probability: defaults were chosen with care, and a
# candidate that changes everything is seldom better in anything.
_LEFT = 0.5
# More digits of a number that was drawn would say nothing.
_DIGITS = 2


def draw_value(tried: Tried, random: Random, default: Any, whole: bool) -> Any:
    """Return a value to try in the place of `default`, a `whole` number or one of two digits."""
    if tried.values:
        return random.choice(tried.values)
    low, high = tried.bounds(default)
    drawn = exp(random.uniform(log(low), log(high))) if tried.is_log else random.uniform(low, high)
    return round(drawn) if whole else float(f"{drawn:.{_DIGITS}g}")


@dataclass(frozen=True)
class Axis:
    """An option that is tried, and its value if it is left alone."""

    option: NamedOption
    tried: Tried
    default: Any

    def draw(self, random: Random) -> Any:
        """Return a value within the bounds of the option."""
        whole = int in alternatives(self.option.hint)
        value, about = draw_value(self.tried, random, self.default, whole), self.option.about
        if self.tried.values:
            return value
        value = value if about.least is None else max(value, about.least)
        return type(value)(value if about.most is None else min(value, about.most))


def find_axes(options: OptionSet, fixed: Collection[str], usual: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Return the options of a job that are tried, but for the `fixed` ones.

    `usual` are values of options whose default depends on others. An option whose default is unknown or 0 is
    left out if its range is relative.
    """
    found = []
    for each in options:
        tried, default = each.about.tried, usual.get(each.name, each.default)
        if tried is None or each.name in fixed or (tried.relative and not default):
            continue
        found.append(Axis(each, tried, default))
    return tuple(found)


def draw_candidate(axes: tuple[Axis, ...], seed: int, number: int) -> dict[str, Any]:
    """Return the options of a candidate by their names, the same for the same seed and number.

    Candidate 0 has the defaults; any other changes at least one option.
    """
    if number == 0 or not axes:
        return {}
    random = Random(f"{seed}:{number}")
    chosen = [axis for axis in axes if random.random() >= _LEFT] or [random.choice(axes)]
    drawn = {axis.option.name: (axis.draw(random), axis.default) for axis in chosen}
    return {name: value for name, (value, default) in drawn.items() if value != default}
