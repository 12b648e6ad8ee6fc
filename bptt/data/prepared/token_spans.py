"""Where the tokens of a text begin and end, on arrays of characters: the cuts of `bptt.data.levels`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.character_classes import (
    ALPHABETIC,
    COMBINING,
    NUMBER,
    SEPARATOR,
    UNSPACED_WORD,
    WHITE,
    WORD,
    Classes,
    Codes,
)

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

NEWLINE = 0x0A
_SPACE = 0x20
APOSTROPHES = (0x27, 0x2019)
# The letters that byte pairs join to an apostrophe.
_ONE_LETTER, _TWO_LETTERS = "stmd", ("re", "ve", "ll")


class Spans(NamedTuple):
    """The tokens of a text, newlines among them: token i has the characters from `starts` to `ends`, and a
    space before them if `spaced`.
    """

    starts: Places
    ends: Places
    spaced: Flags


def before(flags: Flags, first: bool = False) -> Flags:
    """Return for each character the flag of the one before it; of the first, `first`."""
    return np.concatenate([np.array([first]), flags[:-1]])


def after(flags: Flags) -> Flags:
    """Return for each character the flag of the one behind it; of the last, False."""
    return np.concatenate([flags[1:], np.array([False])])


def word_spans(codes: Codes, classes: Classes) -> Spans:
    """Cut a text into words and marks at the level "word", white space being what separates them."""
    newline = codes == NEWLINE
    blank = (classes & SEPARATOR) != 0
    word = (classes & WORD) != 0
    unspaced = (classes & UNSPACED_WORD) != 0
    running = word & ~unspaced
    apostrophe = (codes == APOSTROPHES[0]) | (codes == APOSTROPHES[1])
    # An apostrophe between letters begins a token, which the letters behind it belong to.
    joining = apostrophe & before(word) & after(running)
    taken = _taken(unspaced, (classes & COMBINING) != 0) if unspaced.any() else None
    goes_on = running & (before(joining) | before(running if taken is None else running & ~taken))
    if taken is not None:
        goes_on |= taken
    return _spans(~blank & ~goes_on, blank, newline)


def _taken(unspaced: Flags, combining: Flags) -> Flags:
    """Return the combining marks that belong to a character of a script without spaces before them."""
    places = np.arange(len(unspaced))
    last_unspaced = np.maximum.accumulate(np.where(unspaced, places, -1))
    last_base = np.maximum.accumulate(np.where(combining, -1, places))
    return combining & before((last_unspaced >= last_base) & (last_unspaced >= 0))


def chunk_spans(codes: Codes, classes: Classes) -> Spans:
    """Cut a text at its white space."""
    blank = (classes & SEPARATOR) != 0
    return _spans(~blank & before(blank, first=True), blank, codes == NEWLINE)


def _spans(begins: Flags, blank: Flags, newline: Flags) -> Spans:
    """Return the tokens that begin at `begins`, and the newlines, which count as `blank`."""
    begins = begins | newline
    places = np.flatnonzero(begins | blank)
    starts = np.flatnonzero(begins)
    # A token ends where another or white space begins.
    following = np.append(places[1:], len(begins))
    ends = following[begins[places]]
    spaced = before(blank, first=True)[starts] & ~newline[starts]
    return Spans(starts, ends, spaced)


def pair_spans(codes: Codes, classes: Classes) -> Spans:
    """Cut a text into the pieces within which byte pairs are joined (the expression of GPT-2)."""
    newline = codes == NEWLINE
    kinds = np.full(len(codes), 3, np.uint8)
    kinds[(classes & ALPHABETIC) != 0] = 0
    kinds[(classes & NUMBER) != 0] = 1
    kinds[(classes & WHITE) != 0] = 2
    kinds[newline] = 4
    begins = np.ones(len(codes), bool)
    begins[1:] = (kinds[1:] != kinds[:-1]) | newline[1:]
    white = kinds == 2
    # The last of several white spaces before something else is a piece of its own, or begins the next one.
    last_white = white & after(~white & ~newline)
    begins |= last_white
    glued = before(last_white & (codes == _SPACE))
    begins &= ~glued
    alone = begins & (codes == APOSTROPHES[0]) & ~glued & after(kinds == 0)
    for place in np.flatnonzero(alone).tolist():
        letters = "".join(map(chr, codes[place + 1 : place + 3].tolist()))
        size = 2 if letters[:1] in _ONE_LETTER else 3 if letters in _TWO_LETTERS else 0
        if size:
            begins[place + 1] = False
            if place + size < len(codes) and kinds[place + size] == 0:
                begins[place + size] = True
    starts = np.flatnonzero(begins)
    return Spans(starts, np.append(starts[1:], len(codes)), np.zeros(len(starts), bool))
