"""A text in parts of a bounded length, which the tokenizers library cuts into tokens one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bptt.data.levels import BOUNDARY, LEVELS, normalizer_of
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError

# `tokenizers` needs some 100 bytes per token while it works, so it is given a text in portions of parts.
_PART = 1 << 16
_PORTION = 1 << 22


def parts(text: str | Iterable[str], options: VocabularyOptions) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a text, or of texts with a newline between them, in parts of a bounded length, each
    with whether a newline follows.

    Raises InputError if the text holds half a character, which no UTF-8 has.
    """
    level, normalizer = LEVELS[options.level], normalizer_of(options)
    # Part by part, a mark at a seam would not be joined with the letter before it.
    is_early = level.cut is not None or options.normalise is not None

    def opened(line: str) -> str:
        if normalizer is not None and is_early:
            line = normalizer.normalize_str(line)
        return BOUNDARY.join(level.cut(line)) if level.cut else level.opening + line if line else line

    texts = (text,) if isinstance(text, str) else text
    found = (_cut(opened(_checked(line)), level.seam) for each in texts for line in each.split("\n"))
    before: list[str] = []
    for cut in found:
        if before:
            yield before[-1], True
        yield from ((part, False) for part in cut[:-1])
        before = cut
    yield from ((part, False) for part in before[-1:] or [""])


def _checked(line: str) -> str:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError as error:
        near = line[max(0, error.start - 20) : error.end + 20]
        raise InputError("text", "must be Unicode in UTF-8", repr(near), "Convert it first") from error
    return line


def _cut(opened: str, seams: re.Pattern[str]) -> list[str]:
    parts, start = [], 0
    while start + _PART < len(opened) and (seam := seams.search(opened, start + _PART)):
        parts.append(opened[start : seam.start()])
        start = seam.start()
    return [*parts, opened[start:]]


def portions(found: Iterable[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    """Yield the parts in groups of a bounded number of characters, at least one group."""
    portion: list[tuple[str, bool]] = []
    characters = 0
    for part in found:
        portion.append(part)
        characters += len(part[0])
        if characters > _PORTION:
            yield portion
            portion, characters = [], 0
    yield portion
