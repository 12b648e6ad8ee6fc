"""Targets that are quantities, which no classifier learns, distinguished from labels that are numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bptt.data.examples import Examples, X
from bptt.errors import InputError

# Whole numbers are the names of classes (0 to 9, 1 to 5 stars, codes) if they are few, ...
_FEW = 20
# ... if each has many examples, ...
_MANY_EACH = 10
# ... or if they are numbered through: no more than this many numbers for each one that occurs.
_DENSE = 2

# A number in the digits of any script, also as money or a share: 1,234.50, $12, 7 €, 30 %, 9元.
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+|(?=\.\d))(?:\.\d*)?(?:[eE][-+]?\d{1,3})?"
_QUANTITY = re.compile(rf"(?:[$€£¥₹]\s?)?({_NUMBER})(?:\s?[$€£¥₹%元円])?")

_CURE = "train classify learns classes: give a column of them, or write numbers of classes as words (c7)"


def check_classes(examples: Examples[X, str]) -> None:
    """Raise InputError if the targets are continuous, as scikit-learn calls it: numbers with fractions, or
    many whole numbers of which hardly one occurs twice, or if the file says so (@targetLabel true).
    """
    place, targets = examples.rows[0].place, examples.targets
    if examples.quantities:
        raise InputError(place, "a target must be a class", "a number, as @targetLabel true says", _CURE)
    known = {target: _quantity(target) for target in set(targets)}
    values = [known[target] for target in targets]
    numbers = [value for value in values if value is not None]
    if len(numbers) == len(values) and _are_quantities(numbers):
        came = f"continuous numbers, {len(set(numbers)):,} different ones such as {targets[0]}"
        raise InputError(place, "a target must be a class", came, _CURE)


def _are_quantities(numbers: Sequence[float]) -> bool:
    """Return whether numbers measure something rather than name it."""
    if not all(number.is_integer() for number in numbers):
        return True
    different = set(numbers)
    span = max(different) - min(different) + 1
    few, often = len(different) <= _FEW, len(numbers) >= _MANY_EACH * len(different)
    return not (few or often or span <= _DENSE * len(different))


def _quantity(cell: str) -> float | None:
    """Return the number that a cell holds; None if it is none."""
    match = _QUANTITY.fullmatch(cell.strip())
    return float(match[1].replace(",", "")) if match else None
