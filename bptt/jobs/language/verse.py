"""The form of lines as a constraint of sampling: their beginnings, their length and their number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from unicodedata import category

import torch
from torch import Tensor

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import CUT_INTO_WORDS, END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.sampling_options import LineOptions

# The marks at which a line of a given length may end.
_ENDS = frozenset("，。！？；：、,.!?;:…")
# The marks at which the last line may end.
_STOPS = frozenset("。！？.!?…")
_CURE = "Choose characters of the text that the model learned from"


@dataclass(frozen=True)
class PlaceInVerse:
    """Where a text is: at the `start` of a line, `inside` one, behind a mark that `ended` one, or `over`.

    `lines` have been begun, the current one has `count` characters, and the next bytes must be `needed`.
    """

    at: Literal["start", "inside", "ended", "over"] = "start"
    lines: int = 0
    count: int = 0
    needed: bytes = b""


class Verse:
    """The tokens that may come next in lines of a given form, behind the tokens of a prompt.

    A line ends at a newline; with a `line_length` it ends at a newline or a mark such as a comma, after
    exactly that number of characters (words, at the levels of words), the last one at a full stop. Lines are
    not empty. `goes_on` says whether the text goes on behind a newline, as it does unless a model reads
    sentences. `first` is the place behind the prompt.

    Raises InputError naming the option if the model or the prompt cannot keep the form.
    """

    def __init__(self, vocabulary: Vocabulary, options: LineOptions, goes_on: bool, prompt: Tensor) -> None:
        self._length, self._goes_on = options.line_length, goes_on
        _check_level(vocabulary.options.level, options, goes_on)
        opening = vocabulary.level.opening.encode()
        # Behind its opening space, a word begins a line.
        self._pieces = tuple(piece.removeprefix(opening) for piece in vocabulary.pieces)
        self._in_one = bool(opening)
        texts = [piece.decode("utf-8", "replace") for piece in self._pieces]
        by_words = vocabulary.options.level in CUT_INTO_WORDS
        sizes = [min(_letters(text), 1) if by_words else _letters(text) for text in texts]
        sizes[UNKNOWN] = sizes[END] = 0
        self._sizes = torch.tensor(sizes)
        self._ends = torch.tensor([text in _ENDS for text in texts])
        self._stops = torch.tensor([text in _STOPS for text in texts])
        self._spaces = torch.tensor([text == " " for text in texts])
        if self._length and not (self._sizes == 1).any():
            raise InputError("line_length", "needs tokens of one character", "none in the vocabulary")
        self._beginnings = tuple(each.encode() for each in options.beginnings(vocabulary))
        self._check_beginnings()
        self._masks: dict[tuple[object, ...], Tensor] = {}
        self._total = 0
        self.first = self._behind(prompt, options)

    def allowed(self, place: PlaceInVerse) -> Tensor:
        """Return which tokens may come next, (V,) bool: at least one may."""
        left, last = self._length - place.count, self._is_last(place)
        key = (place.at, place.needed, left, last)
        if key not in self._masks:
            self._masks[key] = self._mask(place, left, last)
        return self._masks[key]

    def after(self, place: PlaceInVerse, token: int) -> PlaceInVerse:
        """Return the place behind a token that is allowed."""
        moved = self._step(place, token)
        if not place.needed or token == END or bool(self._spaces[token] and place.at == "ended"):
            return self._to_begin(moved) if moved.at != place.at else moved
        return replace(moved, needed=place.needed[len(self._pieces[token]) :])

    def _behind(self, prompt: Tensor, options: LineOptions) -> PlaceInVerse:
        """Return the place behind a prompt, whose lines are counted; those that follow get the beginnings."""
        place = PlaceInVerse()
        for token in prompt.tolist():
            place = self._step(place, token)
            if self._length and place.count > self._length:
                rule = f"must have lines of at most {self._length}, as `line_length` says"
                raise InputError("prompt", rule, f"{place.count} characters or words")
        self._before = place.lines
        if self._beginnings:
            self._total = place.lines + len(self._beginnings)
        elif options.lines:
            self._total = options.lines
            if place.lines + (place.at != "inside") > self._total:
                raise InputError("lines", "must be more than the prompt has", options.lines)
        return self._to_begin(place)

    def _step(self, place: PlaceInVerse, token: int) -> PlaceInVerse:
        """Return the place behind any token."""
        if place.at == "over":
            return place
        is_end = bool(self._length) and place.at == "inside" and bool(self._ends[token])
        if token == END or is_end:
            if place.at == "inside" and self._is_last(place):
                return PlaceInVerse("over", place.lines)
            return PlaceInVerse("start" if token == END else "ended", place.lines)
        space = bool(self._spaces[token])
        if place.at == "inside":
            return PlaceInVerse("inside", place.lines, place.count + (int(self._sizes[token]) or space))
        return place if space else PlaceInVerse("inside", place.lines + 1, int(self._sizes[token]))

    def _to_begin(self, place: PlaceInVerse) -> PlaceInVerse:
        """Return the place with what the line that comes next must begin with."""
        number = place.lines - self._before
        if place.at in ("start", "ended") and number < len(self._beginnings):
            return replace(place, needed=self._beginnings[number])
        return place

    def _is_last(self, place: PlaceInVerse) -> bool:
        return bool(self._total) and place.lines >= self._total

    def _mask(self, place: PlaceInVerse, left: int, last: bool) -> Tensor:
        fits = (self._sizes > 0) & (self._sizes <= left) if self._length else torch.ones_like(self._spaces)
        if place.at == "over":
            return torch.ones_like(fits)
        if place.at == "inside" and not place.needed:
            if not self._length:
                return fits
            if left > 0:
                return fits | self._spaces
            found = (self._stops if last else self._ends).clone()
            found[END] = self._goes_on or last
            return found
        numbers = range(len(self._pieces))
        found = torch.tensor([self._may_begin(number, place.needed, left) for number in numbers])
        found[END] = False
        if place.needed:
            found[UNKNOWN] = False
        if place.at == "ended":
            found |= self._spaces
            found[END] = self._goes_on
        return found

    def _may_begin(self, number: int, needed: bytes, left: int) -> bool:
        """Return whether a token may come next in a line that must go on with `needed`, and has `left`
        characters if its length is given.
        """
        piece, size = self._pieces[number], int(self._sizes[number])
        if not piece.strip() or (self._length and not 0 < size <= left):
            return False
        if piece.startswith(needed):
            return True
        rest = needed.removeprefix(piece)
        return not self._in_one and rest != needed and self._can_spell(rest, left - size)

    def _can_spell(self, needed: bytes, left: int) -> bool:
        return any(self._may_begin(number, needed, left) for number in range(END + 1, len(self._pieces)))

    def _check_beginnings(self) -> None:
        for each in self._beginnings:
            if not self._can_spell(each, self._length):
                characters = dict.fromkeys(b"".join(self._beginnings).decode())
                missing = [c for c in characters if not self._can_spell(c.encode(), self._length)]
                rule = (
                    "must be characters that the model knows" if missing else "must begin a line of the model"
                )
                raise InputError("acrostic", rule, "".join(missing) or each.decode(), _CURE)


def _check_level(level: str, options: LineOptions, goes_on: bool) -> None:
    if not goes_on and not options.line_length:
        cure = "Give `line_length`, at which lines end at marks"
        rule = "needs a text that goes on behind a newline"
        raise InputError("acrostic" if options.acrostic else "lines", rule, "a model of sentences", cure)
    if level == "bpe" and options.line_length:
        raise InputError("line_length", "counts characters or words", "a model of byte pairs")


def _letters(text: str) -> int:
    """Return the number of characters of a token of nothing but letters, digits and their marks; else 0."""
    kinds = [category(character)[0] in "LMN" or character in "'’" for character in text]
    return len(text) if all(kinds) and any(category(c)[0] in "LN" for c in text) else 0
