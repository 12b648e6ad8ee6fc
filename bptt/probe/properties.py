r"""Properties of the tokens of a text that a unit may follow: within quotes, the place in the line, ..."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

import torch
from torch import Tensor

from bptt.errors import InputError

Measure = Literal["inside", "position", "length"]


@dataclass(frozen=True)
class Property:
    r"""A property of each character of a text, defined by a regular expression of Python's `re`.

    `measure` is what is asked: whether the character lies "inside" a match, its "position" in the match
    (from 1; 0 outside), or the "length" of the match (0 outside). Where the pattern has groups, its groups
    are meant and not the whole match. `^` and `$` stand for the ends of a line. Raises InputError for a
    pattern that is none.
    """

    name: str
    pattern: str
    measure: Measure = "inside"

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as error:
            rule = "a pattern is a regular expression of Python's re"
            cure = "Put a backslash before a character that stands for itself"
            raise InputError(f"property {self.name!r}", rule, f"{self.pattern!r}, {error}", cure) from error

    def of(self, texts: Sequence[str]) -> Tensor:
        r"""Evaluate the property at each step, (T,): bool for "inside", else float64, in characters.

        `texts` (T) are what the tokens stand for, joined they are the text: "\n" for `<eos>`, a space with
        a word, "" for what is not seen. A step has what the last character of its token has that is in a
        match: so a word in quotes is in quotes, whichever token the marks and spaces belong to.
        """
        characters = self._of_characters("".join(texts))
        ends = accumulate(map(len, texts), initial=0)
        steps = [next(filter(None, reversed(characters[a:b])), 0) for a, b in pairwise(ends)]
        return torch.tensor(steps, dtype=torch.bool if self.measure == "inside" else torch.float64)

    def _of_characters(self, text: str) -> list[int]:
        characters = [0] * len(text)
        for match in re.finditer(self.pattern, text, re.MULTILINE):
            for group in range(1, match.re.groups + 1) or (0,):
                start, stop = match.span(group)  # empty for a group that took no part
                characters[start:stop] = self._within(stop - start)
        return characters

    def _within(self, length: int) -> list[int]:
        if self.measure == "position":
            return list(range(1, length + 1))
        return [1 if self.measure == "inside" else length] * length


# From the opening mark on to the last character before the closing one: what was read when it was read.
# A straight quote ends with its paragraph, or a single one too many would turn all that follows.
_QUOTES = r'("(?:(?!\n\n)[^"])*)"|(“[^”]*)”|(„[^“”]*)[“”]|(«[^»]*)»|(「[^」]*)」|(『[^』]*)』'
# With brackets of the same kind within them, one deep.
_BRACKETS = "|".join(
    rf"({opening}[^{both}]*(?:{opening}[^{both}]*{closing}[^{both}]*)*){closing}"
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]"), (r"\{", r"\}"), "（）", "【】")
    for both in (opening + closing,)
)

PROPERTIES = (
    Property("quotes", _QUOTES),
    Property("brackets", _BRACKETS),
    Property("url", r"(?:https?://|www\.)[!#-;=?-~]+"),  # printable ASCII without the marks around it: <>"
    Property("digits", r"\d"),
    Property("capitals", "[A-ZÀ-ÖØ-ÞΑ-ΫЀ-Я]"),  # Latin, Greek, Cyrillic
    Property("indentation", r"^[ \t]+"),
    Property("line-position", r".+", "position"),
    Property("line-length", r".+", "length"),
    Property("sentence-position", r"[^.!?。！？]+", "position"),
    Property("word-position", r"\w+", "position"),
)


def find_property(said: str) -> Property:
    """Return the property of this name in PROPERTIES; any other text is a pattern, and steps are "inside" or
    not.
    """
    return next((p for p in PROPERTIES if p.name == said), None) or Property(said, said)
