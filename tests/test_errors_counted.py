"""Numbers of things in words."""

from __future__ import annotations

import pytest

from bptt.errors import counted


@pytest.mark.parametrize(
    ("count", "things", "said"),
    [
        (0, "notes", "0 notes"),
        (1, "notes", "1 note"),
        (1, "clip files", "1 clip file"),
        (1, "series", "1 series"),
        (1200, "pieces", "1,200 pieces"),
    ],
)
def test_one_thing_is_no_plural(count: int, things: str, said: str) -> None:
    assert counted(count, things) == said
