"""How jobs make an exposure of an example: tokens to be shown, numbers to be checked."""

from __future__ import annotations

from collections import abc
from typing import Any

from bptt.data.batches import NOTHING
from bptt.data.examples import Example
from bptt.data.vocabulary import Vocabulary
from bptt.errors import InputError
from bptt.models.codecs.codec import Codec, Padded, pad
from bptt.nn.exposure import Sequence

# How NOTHING, what is read before the first token, is shown.
BEGINNING = "<start>"


def check_number(number: int, count: int, unit: str) -> None:
    """Raise InputError unless `number` is that of one of so many examples, counted from 0."""
    if not 0 <= number < count:
        raise InputError("number", f"is from 0 to {count - 1}, as there are {count:,} {unit}", number)


def show_tokens(
    name: str, vocabulary: Vocabulary, tokens: abc.Sequence[int], at_start: bool = True
) -> Sequence:
    """Tokens that a network reads, of which the first may be NOTHING; `at_start` as in `TextStream`."""
    known = tokens[1:] if tokens[0] == NOTHING else tokens
    shown, texts = tuple(map(vocabulary.show, known)), vocabulary.spell(known, at_start)
    before = len(tokens) - len(known)
    return Sequence(name, (BEGINNING,) * before + shown, ("",) * before + texts)


def encode_one(codec: Codec[Any], example: Example[Any, Any], limit: int) -> Padded:
    """The first `limit` steps of an example as a batch of one. Raises InputError with its place if it
    cannot be read, or has no step.
    """
    tensors = codec.encode_example(example)
    if not len(tensors[0]):
        raise InputError(example.place, "must hold something to look into", "nothing")
    return pad([tuple(each[:limit] for each in tensors)])


def show_input(name: str, codec: Codec[Any], given: object, steps: int) -> Sequence:
    """The first steps of an input."""
    return Sequence(name, codec.show(given)[:steps], codec.spell(given)[:steps])
