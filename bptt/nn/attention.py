"""Attention: a weighted mean of a memory, with weights that a query decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.errors import InputError
from bptt.nn.parameters import is_count
from bptt.nn.sequences import Lengths, read_padded
from bptt.shapes import check_shape

ScoreName = Literal["additive", "dot", "general"]


@dataclass(frozen=True)
class Memory:
    """The memory of an attention, with all values that do not depend on the query; sequence first, unlike
    elsewhere.

    `keys` (B, S, width of the scores) and `values` (B, S, K) are zero where `padding` (B, S) says that the
    sequence has ended. `origin` (B,) says which sequence of `Attention.prepare` a row is.
    """

    keys: Tensor
    values: Tensor
    padding: Tensor
    origin: Tensor

    def select(self, rows: Tensor) -> Memory:
        """Return the rows `rows` (N,) int64, in that order; nothing is copied if they are the same
        sequences.
        """
        origin = self.origin[rows]
        if torch.equal(origin, self.origin):
            return self
        return Memory(self.keys[rows], self.values[rows], self.padding[rows], origin)


class Attention(nn.Module):
    """c = Σ_s α_s k_s with α = softmax(e), for a query q (Q,) and a memory of S vectors k_s (K,).

    The score e_s is "additive", vᵀ tanh(W q + U k_s), with `width` units (Q if not given; Bahdanau et al.
    2015, A.1.2); "dot", qᵀ k_s, which needs Q = K; or "general", qᵀ W k_s (Luong et al. 2015, eq. 8). Raises
    InputError for another score, or sizes that do not fit.
    """

    def __init__(self, score: ScoreName, query_width: int, key_width: int, width: int | None = None) -> None:
        super().__init__()
        self.score, self.query_width, self.key_width = score, query_width, key_width
        self.width = self._check_width(width)
        if score != "dot":
            self.key_weight = nn.Parameter(torch.empty(self.width, key_width))
        if score == "additive":
            self.query_weight = nn.Parameter(torch.empty(self.width, query_width))
            self.vector = nn.Parameter(torch.empty(self.width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew: uniform within ±1/√(terms of each sum)."""
        for parameter in self.parameters():
            bound = parameter.shape[-1] ** -0.5
            nn.init.uniform_(parameter, -bound, bound)

    def prepare(self, memory: Tensor, lengths: Lengths | None = None) -> Memory:
        """Return a memory (S, B, K) whose rows end at `lengths` (B,), zero allowed; the padding is ignored.

        Raises InputError for shapes or lengths that do not fit.
        """
        values, _, valid = read_padded(f"{type(self).__name__}.prepare", memory, self.key_width, lengths)
        values = values.transpose(0, 1).contiguous()  # (B, S, K)
        keys = values if self.score == "dot" else functional.linear(values, self.key_weight)
        return Memory(keys, values, ~valid.t(), torch.arange(len(values), device=values.device))

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Return the context (..., B, K) and the weights (..., B, S) of a query (B, Q) or (T, B, Q).

        The weights sum to one, and are zero in the padding; both results are zero for a memory of length 0.
        Raises InputError for a shape that does not fit.
        """
        sizes = {"B": len(memory.values)}
        pattern = f"B {self.query_width}"
        check_shape(type(self).__name__, query.shape, pattern, f"T {pattern}", sizes=sizes)
        queries = query.unsqueeze(0) if query.dim() == 2 else query
        weights = self._weigh(queries.transpose(0, 1), memory)  # (B, T, S)
        context = torch.bmm(weights, memory.values).transpose(0, 1)  # (T, B, K)
        weights = weights.transpose(0, 1)
        return (context[0], weights[0]) if query.dim() == 2 else (context, weights)

    def extra_repr(self) -> str:
        """Return the score and the widths."""
        return f"{self.score!r}, {self.query_width}, {self.key_width}, width={self.width}"

    def _weigh(self, queries: Tensor, memory: Memory) -> Tensor:
        """Return the weights (B, T, S) of queries (B, T, Q)."""
        padding = memory.padding[:, None]
        scores = self._scores(queries, memory.keys)
        # The lowest number, not -inf: the softmax of a row of -inf alone, and its gradient, would be NaN.
        weights = scores.masked_fill(padding, torch.finfo(scores.dtype).min).softmax(2)
        return weights.masked_fill(padding, 0.0)

    def _scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        if self.score != "additive":
            return torch.bmm(queries, keys.transpose(1, 2))
        projected = functional.linear(queries, self.query_weight)
        # (B, T, S, width) is the largest tensor here: in place, to have it once.
        return (projected[:, :, None] + keys[:, None]).tanh_() @ self.vector

    def _check_width(self, width: int | None) -> int:
        """Return the width of the scores' sum."""
        where = f"{type(self).__name__}(query_width={self.query_width}, key_width={self.key_width})"
        if self.score not in get_args(ScoreName):
            raise InputError(where, f"score is one of {', '.join(get_args(ScoreName))}", repr(self.score))
        if self.score == "dot" and self.query_width != self.key_width:
            cure = "Make them equal, or take score='general'"
            raise InputError(where, "score='dot' needs queries as wide as keys", cure=cure)
        if self.score != "additive" and width is not None:
            raise InputError(where, "only score='additive' has a width of its own", width, "Leave it out")
        width = self.query_width if width is None else width
        if not all(is_count(each) and each for each in (self.query_width, self.key_width, width)):
            raise InputError(where, "widths are positive integers", f"width={width!r}")
        return width
