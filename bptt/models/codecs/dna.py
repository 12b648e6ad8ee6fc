"""Sequences of DNA: a letter is a step; or windows of one length, which are one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bptt.data.nucleotides import LETTERS, check_letters
from bptt.errors import InputError
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.given import as_text
from bptt.models.dna_input import DnaInput
from bptt.models.inputs import SeriesInput

_PLACES = {letter: place for place, letter in enumerate(LETTERS)}


class DnaCodec(Codec[str]):
    """Nothing is learned: the letters are known."""

    unit = "letters"

    def part(self) -> DnaInput:
        """Return a part that makes the probabilities of the four bases."""
        return DnaInput()

    def check(self, input: object, place: str) -> str:
        """Return the letters as capitals."""
        return _letters(input, place)

    def encode(self, input: str) -> tuple[Tensor, ...]:
        """Return the places (T,) int64 of the letters in `nucleotides.LETTERS`."""
        return (torch.tensor([_PLACES[letter] for letter in input], dtype=torch.int64),)

    def show(self, input: str) -> tuple[str, ...]:
        """Return the letters."""
        return tuple(input)

    def spell(self, input: str) -> tuple[str, ...]:
        """Return the letters."""
        return tuple(input)

    def files(self) -> Mapping[str, bytes]:
        """Return no files: the letters are fixed."""
        return {}


class DnaWindowCodec(Codec[str]):
    """Windows of `length` letters as one row of 4 numbers a letter, of which the network takes the mean and
    deviation of `training` out.
    """

    unit = "windows"

    def __init__(self, length: int, training: Sequence[str] = ()) -> None:
        self._length, self._training = length, training
        self._probabilities = DnaInput().probabilities

    def part(self) -> SeriesInput:
        """Return a part that takes numbers as they are, but for mean and deviation."""
        part = SeriesInput(4 * self._length)
        if self._training:
            part.fit(self.encode(each)[0] for each in self._training)
        return part

    def check(self, input: object, place: str) -> str:
        """Return the letters as capitals."""
        return _letters(input, place)

    def encode(self, input: str) -> tuple[Tensor, ...]:
        """Return the probabilities of the bases, (1, 4 length). Raises InputError for another length."""
        if len(input) != self._length:
            rule = f"a window has {self._length} letters, as the first one learned from"
            raise InputError(
                "input", rule, len(input), "Give windows of that length, or train without `windows`"
            )
        places = torch.tensor([_PLACES[letter] for letter in input], dtype=torch.int64)
        return (self._probabilities[places].view(1, -1),)

    def files(self) -> Mapping[str, bytes]:
        """Return no files: the letters are fixed."""
        return {}


def _letters(input: object, place: str) -> str:
    return check_letters(as_text(input, place, "the letters of a sequence (str)"), place)
