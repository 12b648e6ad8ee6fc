"""The padding, the steps after the end of a sequence: the values read there, and those returned."""

from __future__ import annotations

import torch
from torch import Tensor


def mask_padding(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return x with finite numbers in the padding, and a mask of valid steps (T, B, 1), None if all are."""
    if lengths is None:
        return x, None
    steps = torch.arange(x.shape[0], device=x.device)
    valid = (steps[:, None] < lengths.to(x.device))[:, :, None]  # (T, B, 1)
    return torch.where(valid, x, _filler(x, lengths)) if len(lengths) else x, valid


def zero_padding(values: Tensor, valid: Tensor | None) -> Tensor:
    """Return a sequence (T, B, width) with zero in the padding."""
    return values if valid is None else torch.where(valid, values, torch.zeros_like(values))


def _filler(x: Tensor, lengths: Tensor) -> Tensor:
    """Return the input that replaces the padding: the first (1, I) of the longest row.

    Results in the padding are discarded, but must be finite. A cell may divide by x: zero fails.
    """
    row = lengths.argmax().reshape(1).to(x.device)
    first = x[0].detach().index_select(0, row)
    return torch.where(lengths.max().to(x.device) > 0, first, torch.zeros_like(first))
