"""Helpers with which jobs expose an example to a probe."""

from __future__ import annotations

from collections import abc
from typing import Any

import torch
from torch import Tensor

from bptt.data.batches import NOTHING
from bptt.data.examples import Example
from bptt.data.vocabulary import Vocabulary
from bptt.errors import InputError, counted
from bptt.models.codecs.codec import Codec, Padded, pad
from bptt.nn.exposure import RankedAnswers, Sequence
from bptt.nn.float64 import doubles

# The display of NOTHING, which is read before the first token.
BEGINNING = "<start>"
# The number of probabilities computed at a time, which bounds the memory for any number of steps and answers:
# 128 MiB in float64.
_PROBABILITIES = 1 << 24


def check_number(number: int, count: int, unit: str) -> None:
    """Raise InputError unless `number`, counted from 0, is below `count`, the number of `unit` there are."""
    if not 0 <= number < count:
        raise InputError("number", f"is from 0 to {count - 1}, the last of {counted(count, unit)}", number)


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
    pictures = codec.pictures(given, steps)
    return Sequence(name, codec.show(given)[:steps], codec.spell(given)[:steps], pictures)


def predictions(
    outputs: Tensor,
    targets: Tensor,
    log_probabilities: abc.Callable[[Tensor], Tensor],
    show: abc.Callable[[int], str],
    top: int,
) -> tuple[RankedAnswers, ...]:
    """Return the prediction at each of M loss terms, with at most `top` answers.

    Args:
        outputs: what the probabilities are computed from, (M, width).
        targets: the numbers of the right answers, (M,) int64, NOTHING where there is none.
        log_probabilities: returns ln P of every answer, (m, C), for rows (m, width) of `outputs`.
        show: returns the answer of this number as text.
        top: the largest number of answers of a prediction.

    """
    with torch.no_grad():
        answers = log_probabilities(outputs[:1]).shape[-1]
        rows = max(1, _PROBABILITIES // answers)
        found: list[RankedAnswers] = []
        for output, target in zip(torch.split(outputs, rows), torch.split(targets, rows), strict=True):
            # Normalised again in float64, so that probabilities sum to one however many there are.
            p = doubles(log_probabilities(output)).softmax(-1)
            found += _predictions(p, target.to(p.device), show, min(top, answers))
    return tuple(found)


def _predictions(
    p: Tensor, targets: Tensor, show: abc.Callable[[int], str], top: int
) -> abc.Iterator[RankedAnswers]:
    """Yield a prediction for each row of probabilities (m, C)."""
    likeliest = p.topk(top)
    of_targets = p.gather(1, targets.clamp(min=0)[:, None])
    ranks = 1 + (p > of_targets).sum(1)
    columns = (targets, likeliest.indices, likeliest.values, of_targets[:, 0], ranks)
    for target, answers, shares, own, rank in zip(*(each.tolist() for each in columns), strict=True):
        known = (None, None) if target == NOTHING else (own, rank)
        yield RankedAnswers(tuple(map(show, answers)), tuple(shares), *known)
