"""From a sequence of vectors to one: the last, the mean, the largest, or a learned weighted mean."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.errors import InputError
from bptt.nn.base import check_flag
from bptt.nn.parameters import is_count, plain
from bptt.nn.sequences import Lengths, read_padded

PoolingKind = Literal["last", "mean", "max", "attention"]


class Pooling(nn.Module):
    """One vector (B, width) for each row of `values` (T, B, width), of which `lengths` (B,) steps are valid.

    "last" is the last valid step; of a `bidirectional` network, whose second half of the width has read
    from the last step to the first, that half of the first step. "mean" and "max" are taken over the valid
    steps, for each unit. "attention" is Σ_t α_t y_t with α = softmax(e) and e_t = vᵀ tanh(W y_t + b), of
    as many hidden units as y_t has (Yang et al. 2016, eq. 5-7).

    A sequence of length zero gives zeros, whatever the kind: nothing was read, and what a linear layer on
    top makes of it is its bias. Raises InputError for sizes, shapes and lengths that cannot be.
    """

    def __init__(
        self,
        kind: PoolingKind,
        width: int,
        bidirectional: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.kind, self.width, self.bidirectional = map(plain, (kind, width, bidirectional))
        self._check_options()
        if kind == "attention":
            self.weight = nn.Parameter(torch.empty(width, width, device=device, dtype=dtype))
            self.bias = nn.Parameter(torch.empty(width, device=device, dtype=dtype))
            self.query = nn.Parameter(torch.empty(width, device=device, dtype=dtype))
        self.reset_parameters()

    @property
    def where(self) -> str:
        """How an error names this module."""
        return f"Pooling({self.kind!r}, width={self.width})"

    def extra_repr(self) -> str:
        """Return the kind and the sizes."""
        return f"{self.kind!r}, {self.width}, bidirectional={self.bidirectional}"

    def reset_parameters(self) -> None:
        """Draw the parameters of the attention uniformly within ±1/√width."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(self.width**-0.5), self.width**-0.5)

    def forward(self, values: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Return the vectors (B, width); without `lengths` all T steps are valid."""
        values, counts, valid = read_padded(self.where, values, self.width, lengths)
        if self.kind == "last":
            return self._last(values, counts)
        if self.kind == "max":
            largest = values.masked_fill(~valid[:, :, None], -torch.inf).amax(0)
            return torch.where(valid[0, :, None], largest, 0.0)
        return torch.einsum("tb,tbw->bw", self._weigh(values, valid), values)

    def weights(self, values: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Return the weight of every step in the mean or the attention, (T, B).

        They are zero in the padding, and sum to one unless the length is zero. Raises InputError for the
        other kinds, in which units of one vector come from several steps.
        """
        values, _, valid = read_padded(self.where, values, self.width, lengths)
        return self._weigh(values, valid)

    def _check_options(self) -> None:
        if self.kind not in get_args(PoolingKind):
            rule = f"the kind is one of {', '.join(get_args(PoolingKind))}"
            raise InputError("Pooling", rule, repr(self.kind))
        if not is_count(self.width) or self.width == 0:
            raise InputError("Pooling", "width is a positive integer", repr(self.width))
        check_flag(self.where, "bidirectional", self.bidirectional)
        if self.bidirectional and self.width % 2:
            raise InputError(self.where, "two directions have an even width together", self.width)

    def _last(self, values: Tensor, counts: Tensor) -> Tensor:
        rows = torch.arange(len(counts), device=values.device)
        last = values[(counts - 1).clamp(min=0), rows]  # (B, width)
        if not self.bidirectional:
            return last
        return torch.cat([last[:, : self.width // 2], values[0, :, self.width // 2 :]], 1)

    def _weigh(self, values: Tensor, valid: Tensor) -> Tensor:
        if self.kind == "mean":
            return valid / valid.sum(0).clamp(min=1).to(values.dtype)
        if self.kind != "attention":
            raise InputError(self.where, "weights are those of a mean or an attention")
        hidden = nn.functional.linear(values, self.weight, self.bias).tanh()
        # The lowest number, not -inf, for a row of -inf alone would have NaN as its softmax.
        scores = (hidden @ self.query).masked_fill(~valid, torch.finfo(values.dtype).min)
        return scores.softmax(0) * valid
