"""Prose in lines for a terminal; Chinese breaks between any two characters."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from bptt.explain.plain import columns

_WIDE = r"⺀-鿿豈-﫿︰-﹏＀-￯\U00020000-\U0003ffff"
_CLOSING, _OPENING, _QUOTES = r"，。、；：？！）》」』”’", r"（《「『“‘", "”’"
# A unit that is never broken: a wide character or a word, with the brackets before it, the punctuation after
# it, and spaces at its end.
_UNIT = re.compile(rf"[{_OPENING}]*(?:[{_WIDE}]|[^ {_WIDE}{_OPENING}{_QUOTES}]+)?[{_CLOSING}]* *")


def wrapped(prose: str, width: int, first: str, following: str) -> list[str]:
    """Wrap prose in lines of at most `width` columns, each after its indentation."""
    if columns(prose) == len(prose):
        return textwrap.wrap(
            prose, width, initial_indent=first, subsequent_indent=following, break_long_words=False
        )
    return list(_lines(prose, width, first, following))


def _lines(prose: str, width: int, first: str, following: str) -> Iterator[str]:
    line, begun = first, False
    for unit in filter(None, _UNIT.findall(prose)):
        if begun and columns(line + unit.rstrip(" ")) > width:
            yield line.rstrip(" ")
            line = following
        line, begun = line + unit, True
    yield line.rstrip(" ")
