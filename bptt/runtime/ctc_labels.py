"""The labels of connectionist temporal classification, as every backend reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from bptt.errors import InputError

LabelCounts: TypeAlias = Tensor | Sequence[int] | int

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


@dataclass(frozen=True)
class Labels:
    """The labels of a batch: `symbols` (B, L), any number behind the end of a label; `lengths` and `frames`
    (B,), those of the labels and of the logits. All are int64.
    """

    symbols: Tensor
    lengths: Tensor
    frames: Tensor

    @property
    def needed(self) -> Tensor:
        """The frames that each label needs, (B,): one a symbol, and a blank between two that are equal."""
        equal = (self.symbols[:, 1:] == self.symbols[:, :-1]) & self._within(self.symbols.shape[1] - 1, 1)
        return self.lengths + equal.sum(1)

    def valid(self) -> Tensor:
        """Return whether an entry of `symbols` belongs to the label, (B, L)."""
        return self._within(self.symbols.shape[1], 0)

    def extended(self, blank: int) -> Tensor:
        """Return the symbols of the states, (B, 2 L + 1): the label with blanks around and between."""
        batch, longest = self.symbols.shape
        symbols = self.symbols.new_full((batch, 2 * longest + 1), blank)
        symbols[:, 1::2] = self.symbols.masked_fill(~self.valid(), blank)
        return symbols

    def _within(self, width: int, less: int) -> Tensor:
        places = torch.arange(max(width, 0), device=self.lengths.device)
        return places < (self.lengths - less)[:, None]


def read_labels(
    where: str,
    shape: Sequence[int],
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
) -> Labels:
    """Return the labels for logits of a shape (T, B, V).

    Raises InputError with the row, and with the place in its label, for a length beyond the tensor, a symbol
    that is none of the V, and a label that contains the blank.
    """
    steps, _, classes = shape
    frames, lengths = (n.to(targets.device, torch.int64) for n in (input_lengths, target_lengths))
    _check_lengths(f"{where}, input_lengths", frames, steps)
    if targets.dim() == 1:
        if int(lengths.sum()) != len(targets) or bool((lengths < 0).any()):
            rule = f"expected lengths that add up to {len(targets)}, the number of concatenated symbols"
            raise InputError(f"{where}, target_lengths", rule, f"{lengths.tolist()}")
    else:
        _check_lengths(f"{where}, target_lengths", lengths, targets.shape[1])
    longest = int(lengths.max()) if len(lengths) else 0
    symbols = lengths.new_zeros(len(lengths), longest) if targets.dim() == 1 else targets[:, :longest].long()
    labels = Labels(symbols.contiguous(), lengths.contiguous(), frames.contiguous())
    if targets.dim() == 1:
        symbols[labels.valid()] = targets.long()
    wrong = labels.valid() & ((symbols < 0) | (symbols >= classes) | (symbols == blank))
    if bool(wrong.any()):
        row, place = wrong.nonzero()[0].tolist()
        rule = f"a symbol is from 0 to {classes - 1}, and not {blank}, the blank"
        raise InputError(f"{where}, targets, row {row}, place {place}", rule, int(symbols[row, place]))
    return labels


def _check_lengths(where: str, lengths: Tensor, most: int) -> None:
    wrong = (lengths < 0) | (lengths > most)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        raise InputError(f"{where}, row {row}", f"expected a number from 0 to {most}", int(lengths[row]))


def batched(
    where: str,
    logits: Tensor,
    targets: Tensor,
    input_lengths: LabelCounts,
    target_lengths: LabelCounts,
    blank: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return logits (T, B, V), targets and lengths (B,) from arguments with or without a batch.

    Raises InputError for shapes and dtypes that do not fit, and for a blank that is no class.
    """
    if logits.dim() not in (2, 3):
        raise InputError(where, "expected logits (T, B, V), or (T, V) without a batch", tuple(logits.shape))
    if not logits.dtype.is_floating_point:
        raise InputError(where, "expected logits in a floating-point dtype", logits.dtype)
    if targets.dim() not in (1, 2):
        rule = "expected shape (B, L), or (N,) of all symbols concatenated"
        raise InputError(f"{where}, targets", rule, tuple(targets.shape))
    if targets.dtype not in INTEGERS:
        raise InputError(f"{where}, targets", "expected integers", targets.dtype)
    if not 0 <= blank < logits.shape[-1]:
        raise InputError(f"{where}, blank", f"expected an index from 0 to {logits.shape[-1] - 1}", blank)
    if logits.dim() == 2:
        logits, targets = logits[:, None], targets[None] if targets.dim() == 1 else targets
    batch = logits.shape[1]
    frames = _counts(f"{where}, input_lengths", input_lengths, batch, targets.device)
    lengths = _counts(f"{where}, target_lengths", target_lengths, batch, targets.device)
    if targets.dim() == 2 and len(targets) != batch:
        raise InputError(f"{where}, targets", f"expected {batch} rows, those of the logits", len(targets))
    return logits, targets, frames, lengths


def _counts(where: str, given: LabelCounts, count: int, device: torch.device) -> Tensor:
    """Return `count` lengths as a tensor (count,). Raises InputError for another shape or dtype."""
    lengths = given if isinstance(given, Tensor) else torch.as_tensor(given, device=device)
    if not isinstance(given, Tensor) and not lengths.numel():
        lengths = lengths.long()
    if lengths.dtype not in INTEGERS:
        raise InputError(where, "expected integers", lengths.dtype)
    if lengths.dim() == 0 and count == 1:
        lengths = lengths[None]
    if lengths.shape != (count,):
        raise InputError(where, f"expected shape ({count},), a length for each row", tuple(lengths.shape))
    return lengths


def reduced(losses: Tensor, lengths: Tensor, reduction: str, zero_infinity: bool) -> Tensor:
    """Return the losses (B,) with 0 for infinity if asked for, their sum, or their mean over the symbols."""
    if zero_infinity:
        losses = torch.where(losses == torch.inf, 0.0, losses)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return (losses / lengths.to(losses.device).clamp(min=1)).mean()


def ctc_steps_needed(label: Sequence[int]) -> int:
    """Return the number of frames that a label needs: one for each symbol, and one for a blank between two
    equal symbols.

    With fewer frames no alignment exists: the label is impossible and its loss infinite.
    """
    return len(label) + sum(a == b for a, b in pairwise(label))
