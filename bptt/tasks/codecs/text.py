"""Texts as tokens: characters, words or byte pairs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bptt.data.vocabulary import FILE, Vocabulary
from bptt.tasks.codecs.codec import Codec
from bptt.tasks.inputs import TokenInput, TokenOptions


class TextCodec(Codec[str]):
    """A token is a step; `file` is the name of the vocabulary in a run folder."""

    def __init__(self, vocabulary: Vocabulary, options: TokenOptions, file: str = FILE) -> None:
        self.vocabulary, self._options, self._file = vocabulary, options, file
        self.unit = vocabulary.unit

    def part(self) -> TokenInput:
        """An embedding of the vocabulary."""
        return TokenInput(self.vocabulary.size, self._options)

    def encode(self, input: str) -> tuple[Tensor, ...]:
        """The tokens (T,) int64."""
        return (self.vocabulary.encode(input).long(),)

    def rows(self) -> Mapping[str, tuple[str, ...]]:
        """The tokens."""
        return {"embedding": self.vocabulary.tokens}

    def show(self, input: str) -> tuple[str, ...]:
        """The tokens as text."""
        return tuple(map(self.vocabulary.show, self.vocabulary.encode(input).tolist()))

    def spell(self, input: str) -> tuple[str, ...]:
        """The text that is complete with each token."""
        return self.vocabulary.spell(self.vocabulary.encode(input).tolist())

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary."""
        return {self._file: self.vocabulary.to_bytes()}

    def describe(self) -> list[str]:
        """The size of the vocabulary."""
        return [f"vocabulary: {self.vocabulary.size:,} {self.unit}"]
