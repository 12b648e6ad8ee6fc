"""Single steps through a stack of layers: by the backend's stepper, or as sequences of one step."""

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
    factors: torch.dtype | None = None,
) -> Stepper:
    """Return a stepper through layers of a cell, without gradients.

    Each layer reads the output of the one before. In bfloat16 on the CPU the states stay in float32 between
    steps: see `operators.run`.

    Args:
        cell: the cell of all layers.
        x: a tensor (1, B, I) with the shape, dtype and device of the first layer's input; not read.
        initial: for each layer, a tensor (B, width) for each of `cell.states`; copied.
        parameters: for each layer, a tensor for each of `cell.families`; copied.
        shape: the shape of an output, with the B * width numbers of the last layer's output.
        factors: the dtype that the factors of products are rounded to; None: that of the matrices.

    Raises:
        InputError: nothing can round the factors of such tensors.
        MachineError: the backend in force cannot run on this machine.

    """
    found = [only_matrices(x, before, given) for before, given in zip(initial, parameters, strict=True)]
    wide, initial, parameters = found[0][0].new_empty(x.shape), [f[1] for f in found], [f[2] for f in found]
    layers = zip(initial, parameters, strict=True)
    (chosen,) = {backend_for(cell, (wide, *before, *given), factors) for before, given in layers}
    if factors is None:
        result = chosen.stepper(cell, wide, initial, parameters, shape)
    else:
        result = chosen.stepper(cell, wide, initial, parameters, shape, factors=factors)
    if result is None:
        result = _PlainStepper(cell, wide.shape, initial, parameters, shape)
    return result if wide.dtype == x.dtype else _Narrow(result)


class _PlainStepper:
    """A stepper that runs sequences of one step."""

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
    """A stepper with input and output in bfloat16 around one in float32."""

    def __init__(self, wide: Stepper) -> None:
        self._wide, self.states = wide, wide.states

    def step(self, x: Tensor) -> Tensor:
        return self._wide.step(x.float()).bfloat16()


class Chain:
    """A stepper made of several, each of which reads the output of the one before."""

    def __init__(self, steppers: Sequence[Stepper]) -> None:
        self._steppers = steppers
        self.states = [states for stepper in steppers for states in stepper.states]

    def step(self, x: Tensor) -> Tensor:
        """Run one time step through all of them."""
        for each in self._steppers:
            x = each.step(x)
        return x
