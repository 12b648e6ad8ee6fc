"""The cache for everything that is derived from a cell: it is bounded, unlike the cells of a program."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar

# Several times the catalogue, with and without biases. A notebook that defines a cell over and over keeps the
# last ones alone; one that comes back is derived again, in milliseconds, and its kernel read from the disk.
KEPT = 128

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def cached_by_cell(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Keep the results of a function for the cells that it was last called with."""
    return lru_cache(maxsize=KEPT)(function)  # type: ignore[return-value]
