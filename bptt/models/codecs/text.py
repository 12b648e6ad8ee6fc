"""Texts as tokens: characters, words or byte pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bptt.data.levels import split_words
from bptt.data.vocabulary import FILE, Vocabulary
from bptt.data.vocabulary_options import SPECIAL, folded, said_of
from bptt.deferred import deferred
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.given import as_text
from bptt.models.inputs import TokenInput
from bptt.models.options import TokenOptions

if TYPE_CHECKING:
    from bptt.data.readers.vectors import Vectors

# Few runs begin with vectors of a file.
_read_vectors = deferred("bptt.data.readers.vectors", "read_vectors")
_wanted_words = deferred("bptt.models.codecs.vectors", "wanted_words")
_match_vectors = deferred("bptt.models.codecs.vectors", "match_vectors")


class TextCodec(Codec[str]):
    """A token is a step; `file` is the name of the vocabulary in a run folder. With `vectors`, trained
    elsewhere, a new embedding begins as these; the last tokens are known by such vectors alone, as many as
    `options` say.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: TokenOptions,
        file: str = FILE,
        vectors: Vectors | None = None,
    ) -> None:
        self.vocabulary, self.options, self._file = vocabulary, options, file
        self.unit, self._vectors = vocabulary.unit, vectors

    @classmethod
    def with_vectors(cls, vocabulary: Vocabulary, options: TokenOptions, path: Path) -> TextCodec:
        """Know the words of the vocabulary, and more of the file `path` as the options say, by its vectors,
        which then set the width of the embedding. Raises InputError naming the line, or the level.
        """
        wanted = _wanted_words(vocabulary)
        found = _read_vectors(path, wanted, options.vector_words)
        # A vector of several pieces, such as one of a Chinese word, is never looked up.
        level = vocabulary.level
        cut = level.cut or (split_words if vocabulary.options.level == "word" else str.split)
        new = [word for word in found.words if word not in wanted and word not in SPECIAL]
        more = [word for word in new if len(cut(word)) == 1]
        whole = vocabulary.extended(token for word in more for token in (level.opening + word, word))
        options = replace(
            options,
            embedding_size=found.values.shape[1],
            vector_words=whole.size - vocabulary.size,
        )
        return cls(whole, options, vectors=found)

    @property
    def settled(self) -> Mapping[str, Any]:
        """The options of the embedding, whose size follows from vectors."""
        return {"tokens": self.options}

    def part(self) -> TokenInput:
        """Return an embedding of the vocabulary."""
        others = self.options.vector_words
        part = TokenInput(self.vocabulary.size - others, self.options, others)
        if self._vectors is not None:
            tokens, values = _match_vectors(self.vocabulary, self._vectors)
            part.fill(values, tokens)
        return part

    def check(self, input: object, place: str) -> str:
        """Return a text."""
        return as_text(input, place)

    def encode(self, input: str) -> tuple[Tensor, ...]:
        """Return the tokens (T,) int64."""
        return (self.vocabulary.encode(input).long(),)

    def rows(self) -> Mapping[str, tuple[str, ...]]:
        """Return the tokens."""
        return {"embedding": self.vocabulary.tokens[: self.vocabulary.size - self.options.vector_words]}

    def show(self, input: str) -> tuple[str, ...]:
        """Return the tokens as text."""
        return tuple(map(self.vocabulary.show, self.vocabulary.encode(input).tolist()))

    def spell(self, input: str) -> tuple[str, ...]:
        """Return the text that is complete with each token."""
        return self.vocabulary.spell(self.vocabulary.encode(input).tolist())

    def files(self) -> Mapping[str, bytes]:
        """Return the files of the vocabulary."""
        return {self._file: self.vocabulary.to_bytes()}

    def folded(self, input: str) -> str:
        """Return a text as the options normalise it."""
        return folded(input, self.vocabulary.options.normalise)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say so if texts are normalised."""
        return said_of(self.vocabulary.options.normalise)

    def describe(self) -> list[str]:
        """Return a line with the size of the vocabulary."""
        kept = self.options.vector_words
        more = f", {kept:,} of them by vectors alone" if kept else ""
        return [f"vocabulary: {self.vocabulary.size:,} {self.unit}{self.vocabulary.folding}{more}"]
