"""The textbook's bound on a gradient through time: ‖δ_k‖ ≤ (β_W β_f)^(t-k) ‖δ_t‖ (R6 in docs/equations.md).

It exists for s_t = f(W s_{t-1} + ...): β_W = ‖W‖₂ is the spectral norm of W, and β_f = sup |f'|.
Source: Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, 2.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

from bptt.cells.cell import Cell
from bptt.cells.expression import Call, symbols, to_text
from bptt.cells.functions import get_function
from bptt.cells.language import Equation
from bptt.derive.jacobian import CHANGE, jacobian
from bptt.errors import InputError
from bptt.nn.float64 import doubles
from bptt.nn.layer import Layer
from bptt.nn.stack import Stack
from bptt.probe.stack_layers import stack_of
from bptt.runtime.linearised import jacobians


@dataclass(frozen=True)
class DecayBound:
    """β_W and β_f of one layer in one direction."""

    matrix: float
    function: float

    @property
    def factor(self) -> float:
        """β_W β_f: below 1 the gradient vanishes; above 1 it may explode."""
        return self.matrix * self.function


def decay_bounds(module: nn.Module) -> tuple[DecayBound | None, ...]:
    """Compute the bound of every layer and direction, in torch's order.

    None for a cell in which more happens to the states than one linear map and one function after it, which
    is seen in its equations: for gated cells, and those without states. Raises InputError for
    NaN or infinity in a matrix.
    """
    stack = stack_of(module)
    opened = {cell: _without_function(cell) for cell in set(stack.cells) if len(cell.states) == 1}
    return tuple(_bound(stack, layer, opened.get(layer.cell)) for layer in stack.layers)


def _bound(stack: Stack, layer: Layer, opened: tuple[Cell, float] | None) -> DecayBound | None:
    if opened is None:
        return None
    cell, slope = opened
    return DecayBound(_norm(stack, layer, cell), slope)


def _without_function(cell: Cell) -> tuple[Cell, float] | None:
    """Return the cell as its state comes out of the linear map, and sup |f'|; None if that is not linear."""
    slope, equations = 1.0, []
    for equation in cell.equations:
        match equation.expression:
            case Call(function, (argument,)) if equation.target in cell.states:
                slope = get_function(function).steepest
                text = f"{equation.target} = {to_text(argument)}"
                equations.append(Equation(equation.target, argument, text))
            case _:
                equations.append(equation)
    linear = replace(cell, equations=tuple(equations))
    read = {name for step in jacobian(linear, states_only=True).steps for name in symbols(step.rest)}
    fixed = {*cell.vectors, *cell.constants}
    bounded = slope < math.inf and all(name in fixed or name.startswith(CHANGE) for name in read)
    return (linear, slope) if bounded else None


def _norm(stack: Stack, layer: Layer, linear: Cell) -> float:
    """Compute ‖W‖₂, W being the Jacobian of a linear cell, which is the same at every step of every
    sequence.
    """
    with torch.no_grad():
        parameters = layer.families(stack)
        (size,) = layer.widths
        x = parameters[0].new_zeros(1, 1, layer.sizes[linear.width(linear.inputs[0])])
        (step,) = jacobians(linear, x, [x.new_zeros(1, size)], parameters)
        matrix = doubles(step(torch.eye(size, device=x.device)))
        if not matrix.isfinite().all():
            raise InputError("decay bound", "the recurrent matrix is finite", "NaN or infinity")
        return float(torch.linalg.matrix_norm(matrix, 2))
