"""A layer of ours as a contender."""

from __future__ import annotations

from torch import Tensor

from bptt.bench.layer_problem import LayerProblem, TorchContender, first_layer, module_contender
from bptt.nn import GRU, LSTM, RNN, Recurrent
from bptt.nn.parameters import own_names, torch_names
from bptt.runtime.narrow import WeightFormat, weight_format

_MODULES = {"lstm": LSTM, "gru-torch": GRU, "elman-tanh": RNN}


def own_layer(name: str, problem: LayerProblem, weights: WeightFormat = "float32") -> TorchContender:
    """Return our module for the cell, as a user has it, with products in a format."""
    cell = problem.cell
    if cell.name in _MODULES:
        module, names = _MODULES[cell.name](*problem.sizes), torch_names(cell)
    else:
        module, names = Recurrent(cell, *problem.sizes), own_names(cell)

    def run(x: Tensor) -> Tensor:
        with weight_format(weights):
            output: Tensor = module(x, lengths=problem.lengths)[0]
        return output

    return module_contender(name, problem, module, run, first_layer(names))
