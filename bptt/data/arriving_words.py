"""Words of a text that arrives in pieces, each as soon as nothing that follows can change it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bptt.data.cutting import Cutting

# The last white space of a text, and what follows it.
_LAST = re.compile(r"\s(\S*)\Z")


class ArrivingWords:
    """Cuts a text that arrives in pieces into the words that `Cutting.cut` finds in each of its lines."""

    def __init__(self, cutting: Cutting) -> None:
        self._cutting = cutting
        # The text behind the last white space, and the number of its words that were given.
        self._chunk, self._given = "", 0
        self._has_begun = False

    def push(self, text: str) -> Iterator[str | None]:
        """Yield the words that are certain after a further piece of text; None at the end of a line."""
        *lines, last = (self._chunk + text).split("\n")
        for line in lines:
            yield from self._rest_of(line)
            yield None
        self._has_begun = bool(last) or (self._has_begun and not lines)
        if found := _LAST.search(last):
            yield from self._rest_of(last[: found.start()])
            last = found[1]
        self._chunk = last
        certain = self._cutting.certain(last)
        yield from certain[self._given :]
        self._given = len(certain)

    def close(self) -> Iterator[str | None]:
        """Yield the words that are left at the end of the text, and None if its last line has no end."""
        yield from self._rest_of(self._chunk)
        if self._has_begun:
            yield None
        self._chunk, self._has_begun = "", False

    def _rest_of(self, text: str) -> tuple[str, ...]:
        """Return the words of a text that begins with the chunk, without those given before."""
        given, self._given = self._given, 0
        return self._cutting.cut(text)[given:]
