"""Labels that name a side, left or right, which a mirror would exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIDES = frozenset(
    "left right l r lr rl links rechts gauche droite izquierda derecha esquerda direita sinistra destra "
    "clockwise counterclockwise anticlockwise cw ccw".split()
)
# In Chinese and Japanese words are not cut apart.
_SIGNS = ("左", "右", "顺时针", "逆时针", "順時針", "逆時針")
# Words between spaces, signs and digits, and those of camelCase.
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def labels_with_sides(labels: Iterable[str]) -> list[str]:
    """Return the labels that have a word for a side, as kickLFront has."""
    return [label for label in labels if _has_side(label)]


def _has_side(label: str) -> bool:
    words = {word.casefold() for word in _WORD.findall(label)}
    return bool(words & _SIDES) or any(sign in label for sign in _SIGNS)
