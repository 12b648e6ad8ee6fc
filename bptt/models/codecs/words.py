"""Sentences whose words are given, not cut: each by its number, and by how it is spelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from bptt.data.examples import Words
from bptt.data.names import kept_in
from bptt.data.readers.vectors import Vectors, read_vectors
from bptt.data.vocabulary_options import NOTHING, UNKNOWN, said_of
from bptt.data.words import WordList
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.given import as_words
from bptt.models.inputs import InputPart, TokenInput
from bptt.models.options import WordOptions as WordOptions
from bptt.models.spelled_words import SpelledWordInput

_WORDS, _CHARACTERS, _OTHERS = "words", "characters", "vector_words"

# A character that occurs once is taken for unknown, so that a model learns what to do with such.
_CHARACTER_COUNT = 2


class WordCodec(Codec[Words]):
    """A word is a step. `characters` is None if words are not spelled. With `vectors`, trained elsewhere,
    a new embedding begins as these; `others` are the words known by such vectors alone, None for none.
    """

    unit = "words"

    def __init__(
        self,
        words: WordList,
        characters: WordList | None,
        options: WordOptions,
        vectors: Vectors | None = None,
        others: WordList | None = None,
    ) -> None:
        self._words, self._characters, self.options = words, characters, options
        self._vectors, self._others = vectors, others

    @classmethod
    def build(
        cls, learned: Sequence[Words], options: WordOptions, others: Sequence[Words], vectors: Path | None
    ) -> WordCodec:
        """Know the words of the sentences `learned`, and all those there and in `others` that the file
        `vectors` has, and more words of the file as the options say; it then sets the width of the embedding.
        Raises InputError naming the line.
        """
        known, letters = Counter[str](), Counter[str]()
        for word, count in Counter(chain.from_iterable(learned)).items():
            spelled = options.read(word)
            known[options.form(spelled)] += count
            for letter in spelled:
                letters[letter] += count
        characters = WordList.build(letters, _CHARACTER_COUNT)
        found, more = None, None
        if vectors is not None:
            wanted = {*known, *(options.form(w) for words in others for w in words)}
            found = read_vectors(vectors, wanted, options.vector_words)
            kept = [word for word in found.words if word not in wanted]
            options = replace(options, embedding_size=found.values.shape[1], vector_words=len(kept))
            more = WordList(kept) if kept else None
        here = [word for word in found.words if word in wanted] if found else ()
        words = WordList.build(known, options.min_count, here)
        return cls(words, characters if options.spelled else None, options, found, more)

    def continued(self, origin: WordCodec, grow: bool) -> WordCodec:
        """Return the words and characters of `origin`, followed by the new ones if it is to `grow`."""
        characters = None
        if self._characters is not None and origin._characters is not None:
            characters = origin._characters.continued(self._characters, grow)
        words = origin._words.continued(self._words, grow)
        kept = self.options.vector_words if grow else 0
        options = replace(self.options, spelled=characters is not None, vector_words=kept)
        found = (self._vectors, self._others) if grow else (None, None)
        return WordCodec(words, characters, options, *found)

    @classmethod
    def load(cls, run: Path, options: WordOptions) -> WordCodec:
        """Read the codec of a run folder. Raises InputError if a file of it is missing or damaged."""
        characters = WordList.load(kept_in(run, _CHARACTERS)) if options.spelled else None
        others = WordList.load(kept_in(run, _OTHERS)) if options.vector_words else None
        return cls(WordList.load(kept_in(run, _WORDS)), characters, options, None, others)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are known, `<unk>` the first."""
        return self._words.words

    def part(self) -> InputPart:
        """Return an embedding of the words, with a reader of their characters."""
        words = TokenInput(len(self._words), self.options, 0 if self._others is None else len(self._others))
        if self._vectors is not None:
            rows = torch.tensor([self._number(word) for word in self._vectors.words])
            words.fill(torch.from_numpy(self._vectors.values), rows)
        if self._characters is None:
            return words
        return SpelledWordInput(words, len(self._characters), self.options)

    def check(self, input: object, place: str) -> Words:
        """Return the words of a sentence."""
        return as_words(input, place)

    def length(self, input: Words) -> int:
        """Return the number of words."""
        return len(input)

    def encode(self, input: Words) -> tuple[Tensor, ...]:
        """Return the words (T,) int64, and their characters (T, W) int64, NOTHING behind the end of a
        word.
        """
        words = torch.tensor([self._number(self.options.form(word)) for word in input]).long()
        return (words,) if self._characters is None else (words, self._spelled(input, self._characters))

    def rows(self) -> Mapping[str, tuple[str, ...]]:
        """Return the words and the characters."""
        if self._characters is None:
            return {"embedding": self._words.words}
        return {"words.embedding": self._words.words, "characters.embedding": self._characters.words}

    def _spelled(self, words: Words, characters: WordList) -> Tensor:
        """Return the characters (T, W) of words, NOTHING behind the end of each."""
        read = tuple(map(self.options.read, words))
        width = max(map(len, read), default=0)
        rows = [[*map(characters.number, word), *[NOTHING] * (width - len(word))] for word in read]
        return torch.tensor(rows, dtype=torch.int64).view(len(read), width)

    def _number(self, form: str) -> int:
        """Return the row of a word: behind the embedding, if it is known by its vector alone."""
        number = self._words.number(form)
        if number == UNKNOWN and self._others is not None and (other := self._others.number(form)):
            return len(self._words) + other
        return number

    def knows(self, word: str) -> bool:
        """Return whether a word is read as itself, not as `<unk>`."""
        return self._number(self.options.form(word)) != UNKNOWN

    def show(self, input: Words) -> tuple[str, ...]:
        """Return the words."""
        return input

    def spell(self, input: Words) -> tuple[str, ...]:
        """Return the words, with a space between them."""
        return (*input[:1], *(f" {word}" for word in input[1:]))

    def lists(self) -> Mapping[str, WordList]:
        """Return the lists of words and characters that there are, by the names of their files."""
        lists = {_WORDS: self._words, _CHARACTERS: self._characters, _OTHERS: self._others}
        return {f"{name}.json": found for name, found in lists.items() if found is not None}

    def files(self) -> Mapping[str, bytes]:
        """Return the files of the words and the characters."""
        return {name: found.to_bytes() for name, found in self.lists().items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """Say so if texts are normalised."""
        return said_of(self.options.normalise)

    def describe(self, unit: str = "words") -> list[str]:
        """Return a line with the numbers of words, under the name `unit`, and of characters.

        Of another unit, such as bases, there are few: all are listed.
        """
        known = f"vocabulary: {len(self._words):,} {unit}"
        if unit != self.unit:
            known += f": {', '.join(self.words)}"
        if self.options.normalise:
            known += f" in {self.options.normalise.upper()}"
        if self._vectors is not None:
            kept = self.options.vector_words
            known += (
                f", {len(self._vectors.words) - kept:,} of them with vectors, and {kept:,} by vectors alone"
            )
        return [known if self._characters is None else f"{known}, {len(self._characters):,} characters"]
