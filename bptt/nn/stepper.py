"""One time step at a call, for a program that meets its input step by step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.base import States, stack_states
from bptt.nn.initial import initial_states
from bptt.nn.parameters import is_count
from bptt.nn.stack import Stack
from bptt.nn.steps import SingleStep
from bptt.runtime import stepper as runtime
from bptt.runtime.arguments import check_arguments
from bptt.shapes import check_shape

_WHERE = "Stepper"


class Stepper:
    """Runs the layers of a module on by one time step at a call, and keeps their states between calls.

    `module` is a stack in one direction or a single step, of any cell: LSTM, Recurrent, LSTMCell, ... `batch`
    rows run side by side; None is a single row, whose tensors lack the dimension B. There are no gradients
    and no dropout. Parameters are copied, and `torch.get_num_threads()` is read, when a stepper is made and
    on `renew`: before, a change has no effect but on where `reset` starts. A stepper serves one thread of a
    program at a time; it can be neither copied nor pickled. Raises InputError for another module or batch.
    """

    def __init__(self, module: Stack | SingleStep, batch: int | None = None) -> None:
        _check(module, batch)
        self._module, self._rows = module, batch or 1
        self._dtype, self._device = self._parameter.dtype, self._parameter.device
        leading = () if batch is None else (batch,)
        self._input, self._output = (*leading, module.input_size), (*leading, module.output_size)
        self._leading = (len(module.layers), *leading) if isinstance(module, Stack) else leading
        self._steps = self._make()
        self.reset()

    def step(self, input: Tensor) -> Tensor:
        """Return the output of the last layer for one time step: (B, I) to (B, width), or (I,) to (width,).

        Raises InputError for another shape.
        """
        if input.shape != self._input or input.dtype is not self._dtype or input.device != self._device:
            check_shape(_WHERE, input.shape, " ".join(map(str, self._input)))
            input = self._module.check_kind("input", input)
            self._check_kind(input)
        return self._steps.step(input)

    @property
    def states(self) -> States:
        """A copy of the states after the last step, as the module returns and takes them; they can be set.

        A tensor for a cell with one state, else a tuple: (num_layers, B, width) each, or (B, width) for a
        single step; without B for a single row. Raises InputError if states of another form are set.
        """
        rows = [stack_states(state).to(self._dtype) for state in zip(*self._steps.states, strict=True)]
        return self._module.hand_over(tuple(row.view(*self._leading, row.shape[-1]) for row in rows))

    @states.setter
    def states(self, hx: Tensor | Sequence[Tensor]) -> None:
        given = self._module.check_states(hx, " ".join(map(str, self._leading)), self._rows)
        layers = len(self._module.layers)
        rows = [state.reshape(layers, self._rows, -1) for state in given]
        widths = [layer.widths for layer in self._module.layers]
        self._put([[s[k, :, :w] for s, w in zip(rows, widths[k], strict=True)] for k in range(layers)])

    def reset(self) -> None:
        """Put the states to where a sequence starts: at zero, or as the `initial` of a Recurrent says."""
        module, rows, like = self._module, self._rows, self._parameter
        kind = module.initial if isinstance(module, Stack) else "zero"
        self._put([initial_states(module, layer, kind, rows, like) for layer in module.layers])

    def renew(self) -> None:
        """Take over the parameters as they are now, and the number of threads. The states stay.

        Raises InputError if the module has got another dtype or device.
        """
        before = self._steps.states
        self._check_kind(self._parameter)
        self._steps = self._make()
        self._put(before)

    def _check_kind(self, tensor: Tensor) -> None:
        """Raise InputError if `tensor`, which is as the module is now, is not as it was."""
        if (tensor.dtype, tensor.device) != (self._dtype, self._device):
            rule = f"expected a module of {self._dtype} on {self._device}, as it was"
            raise InputError(_WHERE, rule, f"{tensor.dtype} on {tensor.device}", "Make another stepper")

    def _make(self) -> runtime.Stepper:
        module, like = self._module, self._parameter
        # A stepper may be used after the inference mode in which it was made.
        with torch.inference_mode(False), torch.no_grad():
            x = like.new_zeros(1, self._rows, module.input_size)
            zeros = [initial_states(module, layer, "zero", self._rows, like) for layer in module.layers]
            parameters = [layer.families(module) for layer in module.layers]
            for layer, before, given in zip(module.layers, zeros, parameters, strict=True):
                shapes = [tuple([t.shape for t in tensors]) for tensors in (before, given)]
                width = layer.sizes[layer.cell.width(layer.cell.inputs[0])]
                check_arguments(layer.cell, (1, self._rows, width), *shapes, None)
            return runtime.stepper(module.cell, x, zeros, parameters, self._output)

    def _put(self, states: Sequence[Sequence[Tensor]]) -> None:
        for layer, given in zip(self._steps.states, states, strict=True):
            for state, value in zip(layer, given, strict=True):
                state.copy_(value.detach())

    @property
    def _parameter(self) -> Tensor:
        """One of the module's: all have the same dtype and device."""
        parameter: Tensor = getattr(self._module, self._module.layers[0].parameter_names[0])
        return parameter.detach()


def _check(module: Stack | SingleStep, batch: int | None) -> None:
    if not isinstance(module, Stack | SingleStep):
        rule = "expected a stack of layers or a single step of bptt.nn"
        raise InputError(_WHERE, rule, type(module).__name__)
    if any(layer.reverse for layer in module.layers):
        raise InputError(_WHERE, "expected layers in one direction: the other begins with the last step")
    if batch is not None and (not is_count(batch) or batch == 0):
        raise InputError(_WHERE, "batch is a positive integer, or None for a single row", repr(batch))
