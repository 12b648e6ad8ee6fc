"""A stack as a module of torch.nn: recognised from the equations, its weights in torch's order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.graphs.recurrent_graph import gate_rows
from bptt.graphs.standard_operators import standard_operator
from bptt.nn.stack import Stack
from bptt.version import __version__


@dataclass(frozen=True)
class TorchKind:
    """A class of torch.nn, and the numbers of its gates among those of the operator."""

    name: str
    gates: tuple[int, ...]
    nonlinearity: str = ""


_SOURCE = '''"""Recurrent layers of torch.nn with the weights of a model, written by bptt {version}."""

import torch
from safetensors.torch import load_file


def load(path):
    """Return the layers with the weights of a file."""
    layers = torch.nn.{call}
    layers.load_state_dict(load_file(path))
    return layers.eval()
'''


def torch_kind(cell: Cell) -> TorchKind | None:
    """Return the class of torch.nn that computes a cell, None if there is none."""
    operator = standard_operator(cell)
    if operator is None or operator.peepholes:
        return None
    match operator.kind, operator.activations:
        case "LSTM", ("Sigmoid", "Tanh", "Tanh"):
            return TorchKind("LSTM", (0, 2, 3, 1))
        case "GRU", ("Sigmoid", "Tanh") if operator.linear_before_reset:
            return TorchKind("GRU", (1, 0, 2))
        case "RNN", ("Tanh" | "Relu" as function,):
            return TorchKind("RNN", (0,), function.lower())
    return None


def torch_layers(stack: Stack) -> tuple[str, dict[str, Tensor]] | None:
    """Return the source that makes the module of torch.nn, and its tensors; None if it has no such module."""
    first = stack.cells[0]
    kind, operator = torch_kind(first), standard_operator(first)
    if (
        kind is None
        or operator is None
        or any(cell != first for cell in stack.cells)
        or stack.initial == "learned"
    ):
        return None
    said = [str(stack.input_size), str(stack.hidden_size), f"num_layers={stack.num_layers}"]
    said += [f"{name}=True" for name in ("bidirectional", "batch_first") if getattr(stack, name)]
    said += [f'nonlinearity="{kind.nonlinearity}"'] if kind.nonlinearity else []
    tensors: dict[str, Tensor] = {}
    for layer in stack.layers:
        rows = gate_rows(operator, layer, layer.members(stack))
        for name, place in {"weight_ih": "W", "weight_hh": "R", "bias_ih": "b", "bias_hh": "d"}.items():
            tensors[name + layer.suffix] = torch.cat([rows[place][gate] for gate in kind.gates])
    source = _SOURCE.format(version=__version__, call=f"{kind.name}({', '.join(said)})")
    return source, tensors
