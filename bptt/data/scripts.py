"""The scripts of texts: those without spaces between words, in which characters are counted, not words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_JAPANESE = re.compile(r"[\u3040-\u30ff]")
# Thai, Lao, Burmese and Khmer.
_OTHERS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Scripts:
    """The numbers of letters of texts: of all, and of each group of scripts without spaces between words."""

    letters: int
    chinese: int
    japanese: int
    others: int

    @property
    def share(self) -> float:
        """The share of the letters that belong to scripts without spaces between words."""
        return (self.chinese + self.japanese + self.others) / max(1, self.letters)

    @property
    def is_spaceless(self) -> bool:
        """Whether most letters belong to such scripts."""
        return self.share > 0.5


def scripts_of(texts: Sequence[str]) -> Scripts:
    """Count the letters of texts by script."""
    whole = "".join(texts)
    return Scripts(*(len(each.findall(whole)) for each in (_LETTER, _CHINESE, _JAPANESE, _OTHERS)))
