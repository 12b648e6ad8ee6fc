"""Sequences of DNA: a letter is a step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bptt.data.nucleotides import LETTERS
from bptt.tasks.codecs.codec import Codec
from bptt.tasks.inputs import DnaInput

_PLACES = {letter: place for place, letter in enumerate(LETTERS)}


class DnaCodec(Codec[str]):
    """Nothing is learned: the letters are known."""

    unit = "letters"

    def part(self) -> DnaInput:
        """The probabilities of the four bases."""
        return DnaInput()

    def encode(self, input: str) -> tuple[Tensor, ...]:
        """The places (T,) int64 of the letters in `nucleotides.LETTERS`."""
        return (torch.tensor([_PLACES[letter] for letter in input], dtype=torch.int64),)

    def show(self, input: str) -> tuple[str, ...]:
        """The letters."""
        return tuple(input)

    def spell(self, input: str) -> tuple[str, ...]:
        """The letters."""
        return tuple(input)

    def files(self) -> Mapping[str, bytes]:
        """None."""
        return {}
