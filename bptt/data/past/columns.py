"""The columns of a table of past values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PastColumns:
    """The columns that the user or a trained model names; None and () look for them."""

    time: str | None = None
    id: str | None = None
    values: tuple[str, ...] = ()
