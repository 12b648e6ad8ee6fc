"""Single steps through a stack of layers: by kernels, or by what runs sequences."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.runtime.dispatch import backend_for
from bptt.runtime.narrow import only_matrices
from bptt.runtime.operators import run
from bptt.runtime.protocol import Stepper as Stepper


def stepper(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Sequence[Tensor]],
    parameters: Sequence[Sequence[Tensor]],
    shape: Sequence[int],
) -> Stepper:
    """Make steps through layers of a cell, each reading the output of the one before, without gradients.

    In bfloat16 on the CPU states keep their full width between steps: see `operators.run`.

    Args:
        cell: the cell of all layers.
        x: like the input (1, B, I) of the first layer, not read.
        initial: of each layer, a tensor (B, width) for each of `cell.states`. They are copied.
        parameters: of each layer, a tensor for each of `cell.families`. They are copied.
        shape: of an output, which has the B * width numbers of the last layer's.

    """
    found = [only_matrices(x, before, given) for before, given in zip(initial, parameters, strict=True)]
    wide, initial, parameters = found[0][0].new_empty(x.shape), [f[1] for f in found], [f[2] for f in found]
    layers = zip(initial, parameters, strict=True)
    (chosen,) = {backend_for(cell, (wide, *before, *given)) for before, given in layers}
    result = chosen.stepper(cell, wide, initial, parameters, shape)
    if result is None:
        result = _PlainStepper(cell, wide.shape, initial, parameters, shape)
    return result if wide.dtype == x.dtype else _Narrow(result)


class _PlainStepper:
    """Steps as sequences of one step."""

    def __init__(
        self,
        cell: Cell,
        input_shape: Sequence[int],
        initial: Sequence[Sequence[Tensor]],
        parameters: Sequence[Sequence[Tensor]],
        output_shape: Sequence[int],
    ) -> None:
        self._cell, self._input, self._output = cell, input_shape, output_shape
        self.states = [[t.detach().clone() for t in layer] for layer in initial]
        self._parameters = [[t.detach().clone() for t in layer] for layer in parameters]

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        x = x.reshape(self._input)
        for states, parameters in zip(self.states, self._parameters, strict=True):
            found = run(self._cell, x, states, parameters)
            for state, after in zip(states, found.final, strict=True):
                state.copy_(after)
            x = found.output
        return x.reshape(self._output)


class _Narrow:
    """Steps whose input and output are rounded to bfloat16."""

    def __init__(self, wide: Stepper) -> None:
        self._wide, self.states = wide, wide.states

    def step(self, x: Tensor) -> Tensor:
        return self._wide.step(x.float()).bfloat16()
