"""Single steps through a stack of layers, by kernels, on memory with fixed addresses."""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Sequence
from ctypes import addressof, c_int64
from typing import NoReturn

import torch
from torch import Tensor

from bptt.runtime.kernels.block_pool import give_back
from bptt.runtime.kernels.library import Library, Tensors
from bptt.runtime.kernels.recurrence import passes_of

# Numbers allocated for outputs at a time: allocating each output separately would cost a tenth of a step.
_AHEAD = 1 << 14


class KernelStepper:
    """A stepper through layers of a cell by kernels: see `bptt.runtime.stepper.stepper`."""

    def __init__(
        self,
        library: Library,
        x: Tensor,
        initial: Sequence[Sequence[Tensor]],
        parameters: Sequence[Sequence[Tensor]],
        shape: Sequence[int],
    ) -> None:
        layers: list[_Layer] = []
        for before, given in zip(initial, parameters, strict=True):
            layers.append(_Layer(library, layers[-1].output if layers else x, before, given))
        handle, addresses = c_int64(), [layer.arguments.buffer_info()[0] for layer in layers]
        library.call("stepper_open", [addressof(handle), torch.get_num_threads(), len(layers), *addresses])
        for layer in layers:
            give_back(layer.weights)
        weakref.finalize(self, library.call, "stepper_close", [handle.value])
        self.states = [layer.states for layer in layers]
        self._layers, self._shape = layers, tuple(shape)
        self._outputs: list[tuple[Tensor, int]] = []
        self._door, self._arguments = library.doors["stepper_step"], array("q", [handle.value, 0, 0])
        self._address = self._arguments.buffer_info()[0]

    def step(self, x: Tensor) -> Tensor:
        """Run one step on x, B * I numbers, and return the output of the last layer."""
        if not self._outputs:
            self._outputs = self._allocate()
        x, (output, place) = x.contiguous(), self._outputs.pop()
        self._arguments[1], self._arguments[2] = x.data_ptr(), place
        self._door(self._address)
        return output

    def _allocate(self) -> list[tuple[Tensor, int]]:
        """Allocate the outputs of several steps; return each with its address."""
        like = self._layers[-1].output
        # Never inference tensors: the outputs may be used outside the mode in which they were made.
        with torch.inference_mode(False):
            many = like.new_empty(max(1, _AHEAD // like.numel()), *self._shape).unbind()
        return [(output, output.data_ptr()) for output in many]

    def __reduce__(self) -> NoReturn:
        """Raise TypeError: two steppers cannot share their memory."""
        raise TypeError(f"cannot copy or pickle {type(self).__name__}: make another one")


class _Layer:
    """The arguments of a layer's kernel for one step, and the memory that they point to."""

    def __init__(
        self, library: Library, x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
    ) -> None:
        cell = library.cell
        self.states = [state.detach().clone() for state in initial]
        # Vectors are copied here; matrices are copied when they are packed.
        copies = [p.detach().contiguous() if p.dim() == 2 else p.detach().clone() for p in parameters]
        self._given = Tensors(x, None, self.states, copies, False)
        self._after = [torch.empty_like(state) for state in self.states]
        sizes = library.sizes(self._given)
        # Opening the stepper copies them; afterwards the block returns to the pool.
        self.weights = library.pack(sizes, copies, rows=x.shape[1])
        if cell.output in cell.states:
            self.output = self._after[cell.states.index(cell.output)][None]
        else:
            self.output = x.new_empty(1, x.shape[1], library.width(sizes, cell.output))
        passes = passes_of(library, self._given, (True,) * len(self.states), None)
        self.arguments = passes.arguments_of_step(self._given.read, self._after, self.output, self.weights)
