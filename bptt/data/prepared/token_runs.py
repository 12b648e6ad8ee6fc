"""A text as the numbers of its distinct tokens, many characters at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bptt.data.levels import LEVELS
from bptt.data.prepared.character_classes import (
    ALPHABETIC,
    NUMBER,
    SEPARATOR,
    SYMBOL,
    CharacterClasses,
    Codes,
)
from bptt.data.prepared.distinct_spans import DistinctSpans
from bptt.data.prepared.library_cuts import UNKNOWN_TOKEN, LibraryCutter
from bptt.data.prepared.token_spans import (
    APOSTROPHES,
    NEWLINE,
    after,
    before,
    chunk_spans,
    pair_spans,
    word_spans,
)
from bptt.data.vocabulary_options import VocabularyOptions

# Two bytes for as many tokens as these can number, else four.
Ids = NDArray[np.int32] | NDArray[np.uint16]
Counts = NDArray[np.int64]

# Characters that are worked on at a time: their arrays stay in the cache of a processor.
_BLOCK = 1 << 19
# For `<unk>` in a text of words: a text holds no zero byte.
_SENTINEL = "\0"
_SEAM = re.compile(r"(?<=\S)(?= \S)")
_SPELLED = re.compile(rf" ?{UNKNOWN_TOKEN}")
# Without it, what follows would begin a line without the space that opens one.
_OPENS_LINE = re.compile(rf"^{UNKNOWN_TOKEN}(?=\S)", re.MULTILINE)

_CUTS = {"word": word_spans, "whitespace": chunk_spans, "bpe": pair_spans}


class TokenRun(NamedTuple):
    """A text as numbers: `ids` of `tokens`, how often each counts for a vocabulary, and the characters and
    words that the options leave in the text.
    """

    tokens: list[str]
    ids: Ids
    counts: Counts
    characters: int
    words: int


class _Block(NamedTuple):
    ids: Ids
    counts: Counts
    characters: int
    words: int


class RunTokeniser:
    """Cuts texts as the level and the options of a vocabulary say."""

    def __init__(self, options: VocabularyOptions) -> None:
        self._options, self._level = options, options.level
        self._classes, self._distinct = CharacterClasses(), DistinctSpans()
        self._library = LibraryCutter(options)
        spaced_words = options.level == "word" and options.keeps_white_space
        self._by_library = spaced_words or LEVELS[options.level].cut is not None

    def cut(self, text: str, begins_line: bool = True) -> TokenRun:
        """Cut a text that begins at the start of a line, or else before the space between two words."""
        known: dict[str, int] = {}
        found = []
        for block in _blocks(text):
            cut = self._cut_block(block, begins_line, known)
            found.append(cut._replace(ids=cut.ids.astype(np.uint16)) if len(known) <= 2**16 else cut)
            begins_line = block.endswith("\n")
        counts = np.zeros(len(known), np.int64)
        for each in found:
            counts[: len(each.counts)] += each.counts
        ids = np.concatenate([np.empty(0, np.uint16), *(each.ids for each in found)])
        extent = sum(each.characters for each in found), sum(each.words for each in found)
        return TokenRun(list(known), ids, counts, *extent)

    def _cut_block(self, text: str, begins_line: bool, known: dict[str, int]) -> _Block:
        if self._options.normalise:
            text = self._library.normalised(text)
        spelled = UNKNOWN_TOKEN in text
        codes = None if self._by_library else self._left_in(text)
        if codes is None:
            return self._cut_by_library(text, begins_line, known)
        extent = self._extent(codes, begins_line)
        if not spelled or self._level not in ("word", "whitespace"):
            ids = self._numbers(codes, known)
            return _Block(ids, np.bincount(ids, minlength=len(known)), *extent)
        if self._level == "whitespace":
            ids = self._numbers(codes, known)
            counts = np.bincount(ids, minlength=len(known))
            if (unknown := known.get(f" {UNKNOWN_TOKEN}")) is not None:
                counts[unknown] = 0
            return _Block(ids, counts, *extent)
        ids = self._numbers(self._left_in(text.replace(UNKNOWN_TOKEN, _SENTINEL)), known)
        if _OPENS_LINE.search(text):
            counted = _number(self._library.counted(text, begins_line), known)
        else:
            counted = self._numbers(self._left_in(_SPELLED.sub("", text)), known)
        return _Block(ids, np.bincount(counted, minlength=len(known)), *extent)

    def _cut_by_library(self, text: str, begins_line: bool, known: dict[str, int]) -> _Block:
        ids = _number(self._library.tokens(text, begins_line), known)
        counted = _number(self._library.counted(text, begins_line), known) if UNKNOWN_TOKEN in text else ids
        extent = self._library.extent(text, begins_line)
        return _Block(ids, np.bincount(counted, minlength=len(known)), *extent)

    def _left_in(self, text: str) -> Codes | None:
        """Return the characters that the options leave in a text, line ends too; None if one becomes
        several.
        """
        options = self._options
        codes: Codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
        classes = self._classes.of(codes)
        if options.lowercase:
            small = self._classes.small(codes)
            if small is None:
                return None
            codes, classes = small, self._classes.of(small)
        if not options.digits:
            kept = (classes & NUMBER) == 0
            codes, classes = codes[kept], classes[kept]
        if not options.punctuation:
            letter = (classes & ALPHABETIC) != 0
            inside = np.isin(codes, APOSTROPHES) & before(letter) & after(letter)
            kept = ((classes & SYMBOL) == 0) | inside
            codes, classes = codes[kept], classes[kept]
        if not options.keeps_white_space and self._level in ("character", "bpe"):
            return _squeezed(codes, ((classes & SEPARATOR) != 0) & (codes != NEWLINE))
        return codes

    def _numbers(self, codes: Codes | None, known: dict[str, int]) -> Ids:
        """Return the number of each token in `known`, which grows."""
        assert codes is not None
        if self._level == "character":
            found = np.flatnonzero(np.bincount(codes))
            table = np.zeros(int(found[-1]) + 1 if len(found) else 1, np.int32)
            table[found] = _number(map(chr, found.tolist()), known)
            return table[codes]
        spans = _CUTS[self._level](codes, self._classes.of(codes))
        first, inverse = self._distinct.find(codes, spans)
        text = codes.astype("<u4").tobytes().decode("utf-32-le")
        places = (each[first].tolist() for each in spans)
        tokens = [
            f" {text[start:end]}" if spaced else text[start:end]
            for start, end, spaced in zip(*places, strict=True)
        ]
        if self._level == "word":
            tokens = [UNKNOWN_TOKEN if _SENTINEL in token else token for token in tokens]
        return _number(tokens, known)[inverse]

    def _extent(self, codes: Codes, begins_line: bool) -> tuple[int, int]:
        """Return the characters and the words of a text that the options have left in."""
        newline = codes == NEWLINE
        blank = (self._classes.of(codes) & SEPARATOR) != 0
        opens = ~blank & before(blank, first=True)
        words = int(opens.sum())
        if self._options.keeps_white_space:
            return len(codes), words
        # One space between two words of a line.
        lines = np.searchsorted(np.flatnonzero(newline), np.flatnonzero(opens))
        first_words = int((np.diff(lines) != 0).sum()) + bool(words) * begins_line
        return int((~blank).sum()) + int(newline.sum()) + words - first_words, words


def _number(tokens: Iterable[str], known: dict[str, int]) -> Ids:
    return np.array([known.setdefault(token, len(known)) for token in tokens], np.int32)


def _squeezed(codes: Codes, blank: NDArray[np.bool_]) -> Codes:
    """Return a text with one space for each run of `blank`, and none at the end of a line."""
    kept = ~blank
    ends = np.flatnonzero(blank & ~after(blank)) + 1
    ends_line = np.append(codes, np.uint32(NEWLINE))[ends] == NEWLINE
    kept[np.flatnonzero(blank & ~before(blank))[~ends_line]] = True
    return np.where(blank, np.uint32(0x20), codes)[kept]


def _blocks(text: str) -> Iterator[str]:
    """Yield a text in blocks that end with a line, or before the space between two words of a long one."""
    start = 0
    while len(text) - start > _BLOCK:
        end = text.rfind("\n", start, start + _BLOCK) + 1
        if not end:
            seam = _SEAM.search(text, start + _BLOCK // 2)
            newline = text.find("\n", start) + 1 or len(text)
            end = min(seam.start(), newline) if seam else newline
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]
