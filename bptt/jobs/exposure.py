"""Helpers with which jobs expose an example to a probe."""

from __future__ import annotations

from collections import abc
from typing import Any

from bptt.data.batches import NOTHING
from bptt.data.examples import Example
from bptt.data.vocabulary import Vocabulary
from bptt.errors import InputError
from bptt.models.codecs.codec import Codec, Padded, pad
from bptt.nn.exposure import Sequence

# The display of NOTHING, which is read before the first token.
BEGINNING = "<start>"


def check_number(number: int, count: int, unit: str) -> None:
    """Raise InputError unless `number`, counted from 0, is below `count`, the number of `unit` there are."""
    if not 0 <= number < count:
        raise InputError("number", f"is from 0 to {count - 1}, as there are {count:,} {unit}", number)


def show_tokens(
    name: str, vocabulary: Vocabulary, tokens: abc.Sequence[int], at_start: bool = True
) -> Sequence:
    """Return tokens that a network reads, the first perhaps NOTHING, for display.

    `at_start` is that of `TextStream`.
    """
    known = tokens[1:] if tokens[0] == NOTHING else tokens
    shown, texts = tuple(map(vocabulary.show, known)), vocabulary.spell(known, at_start)
    before = len(tokens) - len(known)
    return Sequence(name, (BEGINNING,) * before + shown, ("",) * before + texts)


def encode_one(codec: Codec[Any], example: Example[Any, Any], limit: int) -> Padded:
    """Return the first `limit` steps of an example as a batch of one.

    Raises InputError with its place if it cannot be read, or has no step.
    """
    tensors = codec.encode_example(example)
    if not len(tensors[0]):
        raise InputError(example.place, "must hold something to look into", "nothing")
    return pad([tuple(each[:limit] for each in tensors)])


def show_input(name: str, codec: Codec[Any], given: object, steps: int) -> Sequence:
    """Return the first `steps` steps of an input for display."""
    return Sequence(name, codec.show(given)[:steps], codec.spell(given)[:steps])
