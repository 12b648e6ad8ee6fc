"""The classes of characters by which texts are cut into tokens, as arrays: found by the expressions of the
tokenizers library, so that arrays cut as it does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, normalizers

from bptt.data.levels import LETTER, MARK, SPACE, UNSPACED

Codes = NDArray[np.uint32]
Classes = NDArray[np.uint16]

# The bits of a class.
SEPARATOR, WHITE, WORD, UNSPACED_WORD, COMBINING, ALPHABETIC, NUMBER, SYMBOL = (1 << n for n in range(8))
_UNKNOWN = 1 << 8

_EXPRESSIONS = {
    SEPARATOR: SPACE,
    WHITE: r"\s",
    WORD: f"[{LETTER}]",
    UNSPACED_WORD: f"[{UNSPACED}]",
    COMBINING: r"\p{M}",
    ALPHABETIC: r"\p{L}",
    NUMBER: r"\p{N}",
    # A single character has no letters beside it.
    SYMBOL: MARK,
}
_ALL = 0x110000


class CharacterClasses:
    """The classes and small letters of characters, by code point; each is looked up once."""

    def __init__(self) -> None:
        self._classes = np.full(_ALL, _UNKNOWN, np.uint16)
        self._small = np.arange(_ALL, dtype=np.uint32)
        self._changing: set[int] = set()

    def of(self, codes: Codes) -> Classes:
        """Return the class of each character."""
        found = self._classes[codes]
        if (found & _UNKNOWN).any():
            self._learn(np.unique(codes[(found & _UNKNOWN) != 0]))
            found = self._classes[codes]
        return found

    def small(self, codes: Codes) -> Codes | None:
        """Return the characters in lower case; None if one becomes several. Call `of` before."""
        if self._changing and np.isin(codes, list(self._changing)).any():
            return None
        return self._small[codes]

    def _learn(self, codes: Codes) -> None:
        for code in codes.tolist():
            # Alone: expressions look at neighbours.
            text = chr(code)
            bits = 0
            for bit, expression in _SEARCHES.items():
                if not expression.normalize_str(text):
                    bits |= bit
            self._classes[code] = bits
            lowered = _LOWER.normalize_str(text)
            if len(lowered) == 1:
                self._small[code] = ord(lowered)
            else:
                self._changing.add(code)


_SEARCHES = {bit: normalizers.Replace(Regex(found), "") for bit, found in _EXPRESSIONS.items()}
_LOWER = normalizers.Lowercase()
