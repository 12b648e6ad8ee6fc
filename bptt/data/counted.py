"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, things: str) -> str:
    """Return a number with a noun, which is given in the plural: 1 piece, 1,200 pieces, 1 series."""
    if count == 1 and things != "series":
        things = things.removesuffix("s")
    return f"{count:,} {things}"
