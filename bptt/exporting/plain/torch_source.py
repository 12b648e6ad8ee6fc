"""Plain PyTorch source of a stack of layers, written from the equations of its cells."""

from __future__ import annotations

import re

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    Call,
    Expression,
    MatrixVector,
    Number,
    Printer,
    RowCall,
    Size,
    Sum,
    Symbol,
    rename,
    symbols,
    walk,
)
from bptt.cells.functions import get_function
from bptt.cells.language import PREVIOUS
from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.version import __version__

# Functions that torch has under the same name, and those that are written out.
_SAME = "sigmoid tanh relu exp log sqrt rsqrt sin cos abs sign minimum maximum".split()
_WRITTEN = {"softplus": "torch.logaddexp({0}, torch.zeros_like({0}))", "step": "({0} > 0).to({0}.dtype)"}

_HEAD = '''"""Recurrent layers in plain PyTorch, written by bptt {version} from their equations."""

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import linear


class Layer(nn.Module):
    """One layer in one direction; the parameters are named as in the equations."""

    def __init__(self, parameters, reverse):
        super().__init__()
        self.reverse = reverse
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value))

    def forward(self, x, lengths, states):
        """Return the outputs (T, B, width), zero in the padding, and the final states (B, width)."""
        outputs = [None] * len(x)
        for t in reversed(range(len(x))) if self.reverse else range(len(x)):
            new, output = self.step(x[t], *states)
            here = (t < lengths)[:, None]
            states = [torch.where(here, after, before) for after, before in zip(new, states)]
            outputs[t] = torch.where(here, output, 0.0)
        return torch.stack(outputs), states
'''

_TAIL = '''

# The layers, lowest first, with one or two directions each: the class, the end of the names of its parameters
# in the file, and the widths of its states.
LAYERS = [
{layers}]


class Stack(nn.Module):
    """All layers: x (T, B, {inputs}) to outputs (T, B, {outputs}) and the final states of each layer."""

    def __init__(self, tensors):
        super().__init__()
        self.layers = nn.ModuleList()
        for directions in LAYERS:
            both = nn.ModuleList()
            for number, (kind, end, _) in enumerate(directions):
                own = {{name.removesuffix(end): each for name, each in tensors.items() if name.endswith(end)}}
                both.append(kind(own, reverse=number == 1))
            self.layers.append(both)

    def forward(self, x, lengths=None, states=None):
        """Run over sequences of `lengths` (B,), from states, by default zeros; in torch's order of layers."""
        batch, final = x.shape[1], []
        lengths = torch.full((batch,), len(x)) if lengths is None else lengths
        if states is None:
            states = [[x.new_zeros(batch, w) for w in each[2]] for layer in LAYERS for each in layer]
        for number, directions in enumerate(self.layers):
            begun = states[number * len(directions) : (number + 1) * len(directions)]
            found = [layer(x, lengths, start) for layer, start in zip(directions, begun)]
            x = torch.cat([output for output, _ in found], -1)
            final += [each for _, each in found]
        return x, final


def load(path):
    """Return the layers with the weights of a file."""
    return Stack(load_file(path)).eval()
'''


def stack_source(stack: Stack) -> str:
    """Return the source of a module that computes what a stack does. Raises InputError for a function that
    neither torch has, nor an expression in others defines.
    """
    cells = list(dict.fromkeys(stack.cells))
    names = {cell: _class_name(cell, number) for number, cell in enumerate(cells)}
    count = stack.num_directions
    lines = []
    for first in range(0, len(stack.layers), count):
        rows = stack.layers[first : first + count]
        parts = ", ".join(f'({names[row.cell]}, "{row.suffix}", {list(row.widths)})' for row in rows)
        lines.append(f"    [{parts}],\n")
    classes = "".join(f"\n\n{_cell_source(cell, names[cell])}" for cell in cells)
    sizes = {"inputs": stack.input_size, "outputs": count * stack.output_size}
    return _HEAD.format(version=__version__) + classes + _TAIL.format(layers="".join(lines), **sizes)


def _class_name(cell: Cell, number: int) -> str:
    words = re.findall("[a-z0-9]+", cell.name.lower())
    name = "".join(word.capitalize() for word in words)
    return name if name.isidentifier() and name not in ("Layer", "Stack") else f"Cell{number}"


def _cell_source(cell: Cell, name: str) -> str:
    """Return the class of a cell, whose `step` has a line for each equation."""
    about = "\n".join(f"    {line}".rstrip() for line in ["", *str(cell).split("\n")])
    title = cell.title.replace("\\", "").replace('"', "'")
    states = [state + PREVIOUS for state in cell.states]
    lines = [f"class {name}(Layer):", f'    """{title}:', f"{about}", '    """', ""]
    lines += [f"    def step(self, {', '.join((cell.inputs[0], *states))}):"]
    given: dict[str, Expression] = {key: Number(value) for key, value in cell.constants.items()}
    printer = _TorchPrinter(cell)
    for equation in cell.equations:
        lines.append(f"        {equation.target} = {printer.text(rename(equation.expression, given))}")
    new = ", ".join(cell.states)
    lines.append(f"        return [{new}], {cell.output}")
    return "\n".join(lines) + "\n"


class _TorchPrinter(Printer):
    """Writes expressions of a cell in Python."""

    compound = (Sum,)

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def name_or_call(self, expression: Expression) -> str:
        """Write a value or a parameter, or a function of torch."""
        match expression:
            case Symbol(name):
                return name if name in self._cell.values else f"self.{name}"
            case Size(letter):
                raise InputError(f"cell {self._cell.name!r}", "an equation names no size", letter)
            case MatrixVector(matrix, vector):
                return f"linear({self.text(vector)}, self.{matrix})"
            case RowCall(function, argument):
                return f"torch.{function}({self.text(argument)}, -1, keepdim=True)"
            case Call(function, arguments):
                return self._call(function, arguments)
        return super().name_or_call(expression)

    def _call(self, function: str, arguments: tuple[Expression, ...]) -> str:
        known = get_function(function)
        if function not in _SAME and function not in _WRITTEN:
            if known.value is None:
                rule = "plain PyTorch has torch's functions, and those whose value is an expression in them"
                raise InputError(f"cell {self._cell.name!r}", rule, function, "Give the function a `value`")
            return self.text(known.applied(*arguments))
        texts = [self.text(each) for each in arguments]
        reads = [
            bool(symbols(each)) or any(isinstance(n, MatrixVector) for n in walk(each)) for each in arguments
        ]
        texts = [text if read else f"torch.tensor({text})" for text, read in zip(texts, reads, strict=True)]
        if function in _WRITTEN:
            return _WRITTEN[function].format(*(f"({text})" for text in texts))
        return f"torch.{function}({', '.join(texts)})"
