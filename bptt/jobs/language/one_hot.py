"""A word as a language model reads it: its number, its one-hot vector, its row of the embedding."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.model import Trained

# A vector of at most this size is written whole.
_WHOLE = 12


@dataclass(frozen=True)
class ReadToken:
    """A token of a text, with its number in the vocabulary of `size` V, from 0.

    `embedding` is its row of the embedding, None in a model that reads one-hot vectors.
    """

    token: str
    number: int
    size: int
    embedding: tuple[float, ...] | None

    @property
    def known(self) -> bool:
        """Whether the vocabulary has the token, which is `<unk>` otherwise."""
        return self.number != UNKNOWN

    @property
    def one_hot(self) -> str:
        """The one-hot vector, (0 … 1 at 3,421 … 0) for a large V."""
        if self.size <= _WHOLE:
            return f"({', '.join('1' if k == self.number else '0' for k in range(self.size))})"
        before, behind = "0 … " * (self.number > 0), " … 0" * (self.number < self.size - 1)
        return f"({before}1 at {self.number:,}{behind})"


def read_tokens(trained: Trained, text: str) -> list[ReadToken]:
    """Return the tokens of a word or text as the model reads them. Raises InputError if there are none."""
    model, vocabulary, _ = trained
    numbers = [number for number in vocabulary.encode(text).tolist() if number != END]
    if not numbers:
        raise InputError("word", "must hold a token", repr(text))
    table = model.table
    rows = [None if table is None else tuple(table[number].tolist()) for number in numbers]
    return [
        ReadToken(vocabulary.show(number), number, vocabulary.size, row)
        for number, row in zip(numbers, rows, strict=True)
    ]
