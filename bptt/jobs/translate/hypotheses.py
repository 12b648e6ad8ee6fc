"""What a search for a sequence goes by, whatever network it asks, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from bptt.data.vocabulary_options import END
from bptt.options.checks import check_finite, check_least


class Selectable(Protocol):
    """What a network remembers of N sequences that are written side by side."""

    def select(self: State, rows: Tensor) -> State:
        """The memory of the rows `rows` (M,), in that order; a row may be taken several times."""


State = TypeVar("State", bound=Selectable)

# Reads one more token of each row, (N,), NOTHING at first; gives ln P of the next (N, V), the state after
# it, and the weights (N, S) with which it attended to the source, S = 0 if it does not.
Step = Callable[[Tensor, State], tuple[Tensor, State, Tensor]]


@dataclass(frozen=True)
class LengthLimit:
    """At most `constant` + `factor` · S tokens for a source of S, `<eos>` among them, and at least one.

    In the last place only `<eos>` may stand. Raises InputError naming the option.
    """

    constant: int = 50
    factor: float = 2.0

    def __post_init__(self) -> None:
        check_least("constant", self.constant, 1)
        check_finite("factor", self.factor, 0)

    def of(self, length: int) -> int:
        """The most tokens for a source of `length`."""
        return self.constant + int(self.factor * length)


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A sequence that a search found.

    `tokens` is without `<eos>`; `log_probability` is ln P of the tokens and `<eos>`, as the network gives
    it; `score` is what the search ranks by. `attention` (tokens + 1, S) holds the weights with which each
    token, and then `<eos>`, was written.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    attention: Tensor


class Trail:
    """What was written in every row, step by step, and from which row it came."""

    def __init__(self) -> None:
        self._weights: list[Tensor] = []
        self._origins: list[list[int]] = []
        self._tokens: list[list[int]] = []

    def __len__(self) -> int:
        """The number of steps."""
        return len(self._weights)

    def attend(self, weights: Tensor) -> None:
        """Begin a step in which the rows attend with `weights` (N, S)."""
        self._weights.append(weights.cpu())

    def write(self, rows: Tensor, tokens: Tensor) -> None:
        """End it: the rows `rows` (M,) go on, each with one of `tokens` (M,)."""
        self._origins.append(rows.tolist())
        self._tokens.append(tokens.tolist())

    def follow(self, step: int, row: int, length: int) -> tuple[tuple[int, ...], Tensor]:
        """The tokens that row `row` of step `step` had read, and the attention (tokens + 1, length)."""
        tokens, weights = [], [self._weights[step][row]]
        for before in reversed(range(step)):
            tokens.append(self._tokens[before][row])
            row = self._origins[before][row]
            weights.append(self._weights[before][row])
        return tuple(reversed(tokens)), torch.stack(weights[::-1])[:, :length]


def end_where(last: Sequence[bool], log_probabilities: Tensor) -> Tensor:
    """The ln P (N, V), with -inf for all tokens but `<eos>` in the rows at their `last` place."""
    if not any(last):
        return log_probabilities
    device = log_probabilities.device
    others = torch.arange(log_probabilities.shape[1], device=device) != END
    return log_probabilities.masked_fill(torch.tensor(last, device=device)[:, None] & others, -inf)
