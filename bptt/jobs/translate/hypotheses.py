"""The interface between a search for sequences and a network, and the results of a search."""

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
    """The state of a network for N sequences that are written in parallel."""

    def select(self: State, rows: Tensor) -> State:
        """Return the state of the rows `rows` (M,), in this order; a row may occur several times."""


State = TypeVar("State", bound=Selectable)

# Reads one more token of each row, (N,), NOTHING at first, and returns ln P of the next token (N, V), the
# state after it, and the attention weights (N, S) over the source; S = 0 without attention.
Step = Callable[[Tensor, State], tuple[Tensor, State, Tensor]]


@dataclass(frozen=True)
class LengthLimit:
    """The largest number of tokens, `<eos>` included: `constant` + `factor` · S for a source of S steps.

    The token in the last place must be `<eos>`. Raises InputError with the option if `constant` is below 1,
    or `factor` negative or not finite.
    """

    constant: int = 50
    factor: float = 2.0

    def __post_init__(self) -> None:
        check_least("constant", self.constant, 1)
        check_finite("factor", self.factor, 0)

    def of(self, length: int) -> int:
        """Return the largest number of tokens for a source of `length` steps."""
        return self.constant + int(self.factor * length)


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A sequence found by a search.

    `tokens` are without `<eos>`; `log_probability` is the network's ln P of the tokens and `<eos>`; the
    search ranks by `score`. `attention` (tokens + 1, S) holds the weights with which each token, then
    `<eos>`, was written.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    attention: Tensor


class Trail:
    """The history of a search: the token of every row at each step, and the row that it continues."""

    def __init__(self) -> None:
        self._weights: list[Tensor] = []
        self._origins: list[list[int]] = []
        self._tokens: list[list[int]] = []

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._weights)

    def attend(self, weights: Tensor) -> None:
        """Begin a step with the attention weights (N, S) of its rows."""
        self._weights.append(weights.cpu())

    def write(self, rows: Tensor, tokens: Tensor) -> None:
        """End the step: the rows `rows` (M,) continue, each with one of `tokens` (M,)."""
        self._origins.append(rows.tolist())
        self._tokens.append(tokens.tolist())

    def follow(self, step: int, row: int, length: int) -> tuple[tuple[int, ...], Tensor]:
        """Return the tokens that row `row` had read at `step`, and the attention (tokens + 1, length)."""
        tokens, weights = [], [self._weights[step][row]]
        for before in reversed(range(step)):
            tokens.append(self._tokens[before][row])
            row = self._origins[before][row]
            weights.append(self._weights[before][row])
        return tuple(reversed(tokens)), torch.stack(weights[::-1])[:, :length]


def end_where(last: Sequence[bool], log_probabilities: Tensor) -> Tensor:
    """Return ln P (N, V), with -inf for all tokens but `<eos>` in the rows at their `last` place."""
    if not any(last):
        return log_probabilities
    device = log_probabilities.device
    others = torch.arange(log_probabilities.shape[1], device=device) != END
    return log_probabilities.masked_fill(torch.tensor(last, device=device)[:, None] & others, -inf)
