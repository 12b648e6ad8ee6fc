"""The checker of shapes: what it binds, what it refuses, and how it says so."""

from __future__ import annotations

import pytest

from bptt.errors import InputError
from bptt.shapes import LEGEND, check_shape


@pytest.mark.parametrize(
    ("shape", "patterns", "sizes", "bound"),
    [
        ((5, 3, 4), ["T B I"], {}, {"T": 5, "B": 3, "I": 4}),
        ((5, 3, 4), ["T B I"], {"I": 4}, {"T": 5, "B": 3, "I": 4}),
        ((5, 4), ["T B I", "T I"], {"I": 4}, {"T": 5, "I": 4}),
        ((6, 6), ["H H"], {}, {"H": 6}),
        ((24, 4), ["4*H I"], {}, {"H": 6, "I": 4}),
        ((24,), ["4*H"], {"H": 6}, {"H": 6}),
        ((2, 3), ["2 B"], {}, {"2": 2, "B": 3}),
        ((8, 3), ["2*4 B"], {}, {"B": 3}),
        ((0, 4), ["B I"], {}, {"B": 0, "I": 4}),
        ((), [""], {}, {}),
    ],
)
def test_letters_are_bound(
    shape: tuple[int, ...], patterns: list[str], sizes: dict[str, int], bound: dict[str, int]
) -> None:
    found = check_shape("here", shape, *patterns, sizes=sizes)
    assert {k: v for k, v in found.items() if k in LEGEND} == {k: v for k, v in bound.items() if k in LEGEND}


@pytest.mark.parametrize(
    ("shape", "patterns", "sizes", "message"),
    [
        (
            (32, 10, 6),
            ["T B I", "T I"],
            {"I": 8},
            r"expected shape \(T, B, 8\) or \(T, 8\), got \(32, 10, 6\)",
        ),
        ((5, 3), ["T B I"], {}, r"expected shape \(T, B, I\), got \(5, 3\)"),
        ((6, 5), ["H H"], {}, r"expected shape \(H, H\), got \(6, 5\)"),
        ((25, 4), ["4*H I"], {}, r"expected shape \(4\*H, I\), got \(25, 4\)"),
        ((25, 4), ["4*H I"], {"H": 6}, r"expected shape \(24, I\), got \(25, 4\)"),
        ((4,), ["1*H I"], {}, r"expected shape \(H, I\), got \(4,\)"),
        ((3,), ["2"], {}, r"expected shape \(2,\), got \(3,\)"),
        ((3, 1), ["B 2"], {"B": 3}, r"expected shape \(3, 2\), got \(3, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    shape: tuple[int, ...], patterns: list[str], sizes: dict[str, int], message: str
) -> None:
    with pytest.raises(InputError, match=f"^here: {message}$"):
        check_shape("here", shape, *patterns, sizes=sizes)


def test_known_sizes_are_left_as_they_are() -> None:
    sizes = {"I": 4}
    check_shape("here", (5, 4), "T I", sizes=sizes)
    assert sizes == {"I": 4}


def test_a_pattern_that_fails_binds_nothing() -> None:
    """The first pattern takes T = 5 before it fails at the second letter."""
    assert check_shape("here", (5, 3), "T T", "B H") == {"B": 5, "H": 3}
