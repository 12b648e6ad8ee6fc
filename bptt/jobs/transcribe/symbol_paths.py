"""The symbols of a transcriber: the tokens of its vocabulary, and the blank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import inf

import torch
from torch import Tensor

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError

# No transcript holds a line end, so its number is free for the blank: symbols are numbered as tokens are.
BLANK = END


def encode(vocabulary: Vocabulary, text: str) -> Tensor:
    """Return the symbols of a transcript, (L,) int64; UNKNOWN where one was not learned."""
    return vocabulary.encode(text).long()


def collapse(path: Iterable[int]) -> list[int]:
    """Return the symbols of a path: repetitions count once, blanks not at all (the map B of Graves 2006)."""
    return [symbol for symbol, _ in groupby(path) if symbol != BLANK]


def least_steps(symbols: Sequence[int]) -> int:
    """Return the steps that symbols need: one each, and a blank between two that are equal."""
    return len(symbols) + sum(one == other for one, other in pairwise(symbols))


def decode(vocabulary: Vocabulary, symbols: Iterable[int]) -> str:
    """Return the text of symbols, its words separated by single spaces."""
    return " ".join(vocabulary.decode(symbols).split())


def count_unknown(symbols: Tensor) -> int:
    """Return the number of symbols that were not learned."""
    return int((symbols == UNKNOWN).sum())


def align(logits: Tensor, symbols: Tensor, place: str) -> Tensor:
    """Return the likeliest path (T,) int64 that spells `symbols` (L,), for logits (T, V).

    Raises InputError with the place of a recording that is too short for them.
    """
    needed = least_steps(symbols.tolist())
    if needed > len(logits):
        rule = f"must have the {needed} steps that its transcript needs"
        raise InputError(place, rule, len(logits), "Leave it out")
    log_probabilities = logits.double().log_softmax(-1).cpu()
    states = torch.full((2 * len(symbols) + 1,), BLANK)
    states[1::2] = symbols
    # Between two symbols the blank may be left out unless they are equal.
    skips = torch.zeros(len(states), dtype=torch.bool)
    skips[3::2] = symbols[1:] != symbols[:-1]
    best = torch.full((len(states),), -inf, dtype=torch.float64)
    best[:2] = log_probabilities[0, states[:2]]
    moves = []
    for row in log_probabilities[1:]:
        before = torch.stack(
            [best, best.roll(1).index_fill(0, torch.tensor([0]), -inf), best.roll(2).where(skips, -inf)]
        )
        found = before.max(0)
        best = found.values + row[states]
        moves.append(found.indices)
    state = len(states) - 1 if len(states) == 1 or best[-1] >= best[-2] else len(states) - 2
    path = [state]
    for move in reversed(moves):
        state -= int(move[state])
        path.append(state)
    return states[torch.tensor(path[::-1])]
