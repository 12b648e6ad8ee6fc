"""What `words.py` finds in texts, and that there is no more of it than allowed."""

from __future__ import annotations

import json

import pytest
from words import ALLOWED, by_room, check, check_all, check_page


def rules(source: str) -> list[str]:
    """Return the first word of each rule that a module breaks."""
    return [found.rule.split()[0] for found in check("bptt/a.py", source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('def f():\n    """The sum."""', ["W2"]),
        ('def f():\n    """What is summed."""', ["W2"]),
        ('def f():\n    """Return the sum."""', []),
        ('class A:\n    """A sum."""\n\n    @property\n    def f(self):\n        """The sum."""', []),
        ('class A:\n    """What is summed."""', ["W1"]),
        ('def f():\n    """Add. Who calls this must wait."""', ["W1"]),
        ('def f():\n    """Add what is given. Which is more than it was."""', ["W1"]),
        ('def f():\n    """Add. Raises InputError."""', ["W2"]),
        ('def f():\n    """Add. Raises InputError if there is nothing to add."""', []),
        ("# The number stands\n# in the file.\nx = 1", ["W5"]),
        ("# ∂E stands for a gradient.", []),
        ("# Nobody is told.", ["W5"]),
        ('raise ValueError(f"stop after so many steps, {x}")', ["W6"]),
        ('x = "so many"', []),
        ("# Gradients vanish (R6).", ["W9"]),
        ("# Gradients vanish (R6 in docs/equations.md), of shape (B, T).", []),
    ],
)
def test_a_planted_sentence_is_found(source: str, expected: list[str]) -> None:
    assert rules(source) == expected


def test_the_place_and_the_sentence_are_named() -> None:
    (found,) = check("bptt/a.py", '"""A module."""\n\n\ndef f():\n    """Whether it rains."""')
    assert str(found) == ("bptt/a.py:5: W2 the docstring of a function begins with a verb: Whether it rains.")


def test_a_page_is_read_outside_of_its_code() -> None:
    page = "# Title\n\n```sh\nbptt stands\n```\n\nThe file\nstands here.\n"
    assert [(found.line, found.rule[:2]) for found in check_page("docs/a.md", page)] == [(7, "W5")]


def test_no_room_has_more_than_allowed() -> None:
    allowed = json.loads(ALLOWED.read_text(encoding="utf-8"))
    found = by_room(check_all())
    assert {room: number for room, number in found.items() if number > allowed.get(room, 0)} == {}
