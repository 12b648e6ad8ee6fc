"""The forms in which sequences come: batched or single, time or batch first, padded or packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from bptt.errors import InputError, TensorError, WrongTypeError
from bptt.runtime.tracing import is_recorded
from bptt.shapes import check_shape

Lengths = Tensor | Sequence[int]


@dataclass(frozen=True)
class InputSequences:
    """Sequences brought to one form, (T, B, I), which remember the form they came in.

    `lengths` (B,) int64 counts the valid steps of each row, in any order, zero allowed; None if all
    steps of all rows are valid. `resets` (T, B) marks the steps with which a sequence begins inside a row.
    """

    values: Tensor
    lengths: Tensor | None = None
    batch_first: bool = False
    single: bool = False
    packed: PackedSequence | None = None
    resets: Tensor | None = None

    @property
    def batch(self) -> int:
        """The number of rows."""
        return self.values.shape[1]

    def restore(self, values: Tensor) -> Tensor:
        """Return a sequence (T, B, width) in the order of dimensions that the input had."""
        if self.single:
            return values.squeeze(1)
        return values.transpose(0, 1) if self.batch_first else values

    def restore_output(self, values: Tensor) -> Tensor | PackedSequence:
        """Return the output (T, B, width) in the input's form, zero in the padding."""
        if self.packed is not None:
            return self._pack(values, self.packed)
        if self.lengths is not None:
            valid = valid_steps(values.shape[0], self.lengths)
            values = torch.where(valid[:, :, None], values, 0.0)
        return self.restore(values)

    def dropout(self, values: Tensor, share: float) -> Tensor:
        """Return values (T, B, width) of which a `share` is zero, drawn as torch draws it for this form of
        input.
        """
        if not share or self.packed is None:
            return functional.dropout(values, share)
        packed = self._pack(values, self.packed)
        dropped = packed._replace(data=functional.dropout(packed.data, share))
        return pad_packed_sequence(dropped)[0]

    def _pack(self, values: Tensor, packed: PackedSequence) -> PackedSequence:
        _, batch_sizes, order, inverse = packed
        if order is not None:
            values = values.index_select(1, order)
        # Rows are sorted by length: the first batch_sizes[t] are valid at step t.
        rows = torch.arange(self.batch, device=batch_sizes.device)
        valid = rows < batch_sizes[:, None]  # (T, B)
        return PackedSequence(values[valid], batch_sizes, order, inverse)


def check_dense(where: str, what: str, tensor: Tensor) -> None:
    """Raise TensorError if a tensor is sparse, nested or in the layout of a library."""
    if tensor.layout != torch.strided or tensor.is_nested:
        came = "a nested tensor" if tensor.is_nested else tensor.layout
        cure = "pad the sequences and give their `lengths`" if tensor.is_nested else f"{what}.to_dense()"
        raise TensorError(where, f"{what} must be dense", came, f"Convert it: {cure}")


def read_sequences(
    where: str,
    input: Tensor | PackedSequence,
    input_size: int,
    batch_first: bool,
    lengths: Lengths | None,
) -> InputSequences:
    """Bring any form of input to (T, B, I). Raises InputError for a wrong shape or length."""
    if isinstance(input, PackedSequence):
        if lengths is not None:
            raise InputError(where, "a PackedSequence brings its lengths", cure="Leave lengths out")
        check_shape(f"{where}, packed data", input.data.shape, f"N {input_size}")
        values, counts = pad_packed_sequence(input)
        return InputSequences(values, counts.to(values.device), batch_first, packed=input)
    check_dense(where, "input", input)
    batched = f"B T {input_size}" if batch_first else f"T B {input_size}"
    if input.dim() not in (2, 3) or input.shape[-1] != input_size:
        check_shape(where, input.shape, batched, f"T {input_size}")
    single = input.dim() == 2
    values = input.unsqueeze(1) if single else input.transpose(0, 1) if batch_first else input
    if lengths is None:
        return InputSequences(values, None, batch_first, single)
    return InputSequences(values, _read_lengths(where, lengths, values), batch_first, single)


def read_resets(where: str, resets: Tensor, sequences: InputSequences) -> Tensor:
    """Return the beginnings (T, B) of sequences inside rows, given in the order of dimensions of the input.

    Raises WrongTypeError unless they are a tensor, and TensorError unless it has booleans, one for each step.
    """
    if not isinstance(resets, Tensor):
        raise WrongTypeError(where, "resets is a tensor of booleans", type(resets).__name__)
    if resets.dtype != torch.bool:
        raise TensorError(where, "resets is a tensor of booleans", resets.dtype, "Convert it, resets.bool()")
    if resets.layout != torch.strided or resets.is_meta != sequences.values.is_meta:
        cure = "Convert it: resets.to_dense(), on the device of the input"
        raise TensorError(
            where, "resets is a dense tensor with values", f"{resets.layout} on {resets.device}", cure
        )
    steps, batch = sequences.values.shape[:2]
    first = sequences.batch_first and not sequences.single
    pattern = "T" if sequences.single else "B T" if first else "T B"
    check_shape(f"{where}, resets", resets.shape, pattern, sizes={"T": steps, "B": batch})
    by_step = resets[:, None] if sequences.single else resets.T if first else resets
    return by_step.to(sequences.values.device)


def read_padded(
    where: str, values: Tensor, width: int, lengths: Lengths | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return values (T, B, width) with zero in the padding; lengths (B,), of all T steps if not given; and
    which steps are valid, (T, B). Raises InputError for a wrong shape or length.
    """
    check_shape(where, values.shape, f"T B {width}")
    steps, batch = values.shape[:2]
    if steps == 0:
        raise InputError(where, "a sequence has at least one time step", tuple(values.shape))
    counts = _read_lengths(where, [steps] * batch if lengths is None else lengths, values)
    valid = valid_steps(steps, counts)
    return torch.where(valid[:, :, None], values, 0.0), counts, valid


def valid_steps(steps: int, lengths: Tensor) -> Tensor:
    """Return which of `steps` time steps belong to sequences of `lengths` (B,): booleans (T, B)."""
    return torch.arange(steps, device=lengths.device)[:, None] < lengths


def _read_lengths(where: str, lengths: Lengths, values: Tensor) -> Tensor:
    # Not on the default device, which may be one without numbers.
    counts = lengths if isinstance(lengths, Tensor) else torch.as_tensor(lengths, device="cpu")
    check_dense(where, "lengths", counts)
    fractions = counts.is_floating_point() or counts.is_complex()
    if counts.numel() and (fractions or counts.dtype == torch.bool):
        raise InputError(where, "lengths are whole numbers", counts.dtype)
    steps, batch = values.shape[:2]
    check_shape(f"{where}, lengths", counts.shape, "B", sizes={"B": batch})
    # While torch records, there are no numbers: they are looked at when the record is run.
    outside = [] if is_recorded() else counts[(counts < 0) | (counts > steps)].tolist()
    if outside:
        rule = f"lengths are from 0 to the {steps} steps of the input"
        raise InputError(where, rule, outside)
    return counts.to(values.device, torch.int64)
