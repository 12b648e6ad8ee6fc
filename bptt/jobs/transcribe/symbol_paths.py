"""The symbols of a transcriber: the tokens of its vocabulary, and the blank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import torch
from torch import Tensor

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.nn import ctc_align

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
    sizes = torch.tensor([len(symbols)])
    (found,) = ctc_align(logits, symbols, torch.tensor([len(logits)]), sizes, blank=BLANK)
    states = torch.tensor(found.states, dtype=torch.int64)
    spelled = torch.cat([symbols, symbols.new_tensor([BLANK])])
    return torch.where(states % 2 == 1, spelled[states // 2], BLANK)
