"""One time step at a call, for a program that meets its input step by step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from bptt.errors import InputError, TensorError
from bptt.nn.base import States
from bptt.nn.initial import initial_states
from bptt.nn.layer import Layer
from bptt.nn.parameters import is_count
from bptt.nn.stack import Stack
from bptt.nn.steps import SingleStep
from bptt.runtime import stepper as runtime
from bptt.runtime.arguments import check_arguments
from bptt.runtime.narrow import WeightFormat, factors_now, factors_of
from bptt.shapes import check_shape

_WHERE = "Stepper"


class Stepper:
    """Runs the layers of a module on by one time step at a call, and keeps their states between calls.

    `module` is a stack in one direction or a single step, of any cell: LSTM, Recurrent, LSTMCell, ... `batch`
    rows run side by side; None is a single row, whose tensors lack the dimension B. `weights` is the format
    of the matrices and of the rows that meet them: "bf16" or "int8", which take a half and a quarter of
    float32's memory, or "float32" for the dtype of the module; None is that of `weight_format`. There are no
    gradients and no dropout.
    Parameters are copied, and `torch.get_num_threads()` is read, when a stepper is made and on `renew`:
    before, a change has no effect but on where `reset` starts. A stepper serves one thread of a program at a
    time; it can be neither copied nor pickled. Raises InputError for another module or batch, and for narrow
    weights of a module that is not in float32 on the CPU.
    """

    def __init__(
        self, module: Stack | SingleStep, batch: int | None = None, *, weights: WeightFormat | None = None
    ) -> None:
        _check(module, batch)
        self._factors = factors_now() if weights is None else factors_of(_WHERE, weights)
        self._module, self._rows = module, batch or 1
        self._dtype, self._device = self._parameter.dtype, self._parameter.device
        leading = () if batch is None else (batch,)
        self._input, self._output = (*leading, module.input_size), (*leading, module.output_size)
        self._leading = leading
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
        found = self._module.state_form.join(self._steps.states)  # (rows, B, width)
        return self._module.hand_over(tuple(s.to(self._dtype).view(*self._shape(s)) for s in found))

    @states.setter
    def states(self, hx: Tensor | Sequence[Tensor]) -> None:
        leading = " ".join(map(str, self._leading))
        given = self._module.check_states(hx, leading, self._rows, isinstance(self._module, Stack))
        pairs = zip(given, self._module.state_form.tensors, strict=True)
        self._put(
            self._module.state_form.split([s.reshape(len(t.rows), self._rows, t.width) for s, t in pairs])
        )

    def _shape(self, state: Tensor) -> tuple[int, ...]:
        """Return the shape in which a tensor (rows, B, width) is handed over."""
        rows = state.shape[:1] if isinstance(self._module, Stack) else ()
        return (*rows, *self._leading, state.shape[-1])

    def reset(self, rows: Tensor | None = None) -> None:
        """Put the states to where a sequence starts in evaluation: at zero, or as the module's `initial`
        says.

        `rows` (B,), booleans, marks the rows whose states are put there; None: all. Raises TensorError for
        another shape or dtype.
        """
        module, count, like = self._module, self._rows, self._parameter
        kind = module.initial if isinstance(module, Stack) else "zero"
        kind = "zero" if kind == "random-in-training" else kind
        fresh = [initial_states(module, layer, kind, count, like) for layer in module.layers]
        if rows is not None:
            check_shape(f"{_WHERE}, rows", rows.shape, "B", sizes={"B": count})
            if rows.dtype != torch.bool:
                raise TensorError(
                    _WHERE, "rows is a tensor of booleans", rows.dtype, "Convert it, rows.bool()"
                )
            marked = rows.to(self._device)[:, None]
            fresh = [
                tuple(
                    torch.where(marked, new, old.to(new.dtype)) for new, old in zip(news, olds, strict=True)
                )
                for news, olds in zip(fresh, self._steps.states, strict=True)
            ]
        self._put(fresh)

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
        # A stepper may be used after the inference mode in which it was made.
        with torch.inference_mode(False), torch.no_grad():
            layers = self._module.layers
            ends = [k for k in range(1, len(layers)) if layers[k].cell != layers[k - 1].cell]
            # One stepper goes through layers of one cell.
            made = [self._through(layers[a:b]) for a, b in pairwise((0, *ends, len(layers)))]
        return made[0] if len(made) == 1 else runtime.Chain(made)

    def _through(self, layers: Sequence[Layer]) -> runtime.Stepper:
        """Return a stepper through layers of one cell."""
        module, like = self._module, self._parameter
        zeros = [initial_states(module, layer, "zero", self._rows, like) for layer in layers]
        parameters = [layer.families(module) for layer in layers]
        for layer, before, given in zip(layers, zeros, parameters, strict=True):
            shapes = [tuple([t.shape for t in tensors]) for tensors in (before, given)]
            width = layer.sizes[layer.cell.width(layer.cell.inputs[0])]
            check_arguments(layer.cell, (1, self._rows, width), *shapes, None)
        x = like.new_zeros(1, self._rows, layers[0].sizes["I"])
        output = (*self._output[:-1], layers[-1].output_size)
        return runtime.stepper(layers[0].cell, x, zeros, parameters, output, self._factors)

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
