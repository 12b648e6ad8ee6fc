"""The attributes and methods that programs written for torch use of a layer beside its results."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from bptt.errors import InputError, TensorError
from bptt.nn.base import States
from bptt.nn.stack import Stack
from bptt.nn.twin import STACK_ARGUMENTS, Twin
from bptt.shapes import check_shape


class TorchStack(Twin, Stack):
    """A stack of a cell that torch has layers of, with the attributes and methods of those."""

    twin_arguments = STACK_ARGUMENTS

    @property
    def mode(self) -> str:
        """How torch calls the cell: LSTM, GRU, RNN_TANH or RNN_RELU."""
        return self.twin.__name__

    @property
    def _all_weights(self) -> list[list[str]]:
        return [list(layer.parameter_names) for layer in self.layers]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Move the parameters into one block of memory, which cuDNN reads without a copy: torch's code.

        Elsewhere, and for parameters that are computed from others, do nothing.
        """
        if all(name in self._parameters for name in self._flat_weights_names):
            nn.RNNBase.flatten_parameters(self)  # type: ignore[arg-type]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TorchStack:
        """Move or convert the parameters, as `to`, `cuda` and `half` ask, and flatten them."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.flatten_parameters()
        return self

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Return the shape of `h` for an input (T, B, I) or (B, T, I), or packed data (N, I) with
        `batch_sizes`.
        """
        return self._expected(input, batch_sizes, self.proj_size or self.hidden_size)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Return the same for `c`."""
        return self._expected(input, batch_sizes, self.hidden_size)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise TensorError unless an input (T, B, I), or packed data (N, I), fits this module."""
        form = "B T" if self.batch_first else "T B"
        pattern = f"{form if batch_sizes is None else 'N'} {self.input_size}"
        check_shape(self.where, input.shape, pattern)
        self.check_kind("input", input)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise TensorError with the text `msg` unless `hx` has the expected shape."""
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise TensorError(self.where, msg.format(tuple(expected_hidden_size), list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: States, batch_sizes: Tensor | None) -> None:
        """Raise TensorError unless an input as for `check_input` and states fit this module."""
        self.check_input(input, batch_sizes)
        _, batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        self.check_states(hidden, "B", batch)

    def permute_hidden(self, hx: States, permutation: Tensor | None) -> States:
        """Return the states with the rows of the batch in the order of `permutation` (B,)."""
        if permutation is None:
            return hx
        if isinstance(hx, Tensor):
            return hx.index_select(1, permutation)
        return tuple(state.index_select(1, permutation) for state in hx)

    def _expected(self, input: Tensor, batch_sizes: Tensor | None, width: int) -> tuple[int, int, int]:
        batch = input.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        return len(self.layers), batch, width


def no_projection(kind: str, proj_size: int) -> None:
    """Raise InputError if `proj_size` is given for a layer that has no projection, as in torch."""
    if proj_size:
        cure = "Leave it out, or take an LSTM"
        raise InputError(kind, "only an LSTM has a projection", f"proj_size={proj_size!r}", cure)
