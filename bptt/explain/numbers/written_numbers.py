"""Vectors and matrices of numbers as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bptt.explain.figures import figure
from bptt.explain.formula_tree import Formula, Term, WrittenMatrix


def written(array: Any) -> Formula:
    """Write a number, a vector as a column, or a matrix, with four significant digits."""
    if not isinstance(array, Sequence):
        return figure(array)
    rows = (row if isinstance(row, Sequence) else (row,) for row in array)
    return WrittenMatrix(tuple(tuple(map(figure, row)) for row in rows))


def term(array: Any) -> Term:
    """Write an array as a term of a sum."""
    return Term(False, written(array))
