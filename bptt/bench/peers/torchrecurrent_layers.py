"""torchrecurrent's cells, loops over time in torch. Of ours it has the peephole LSTM."""

from __future__ import annotations

from torch import Tensor

from bptt.bench.contender_names import TORCHRECURRENT
from bptt.bench.layer_problem import LayerProblem, TorchContender, module_contender

try:
    from torchrecurrent import PeepholeLSTM
except ImportError:
    INSTALLED = False
else:
    INSTALLED = True

_NAMES = {"W": ("weight_ih",), "R": ("weight_hh",), "p": ("weight_ph",), "b": ("bias_ih", "bias_hh")}


def make(problem: LayerProblem) -> TorchContender | None:
    """Return the layer, or None for a cell that it does not have."""
    if problem.cell.name != "lstm-peephole":
        return None
    layer = PeepholeLSTM(*problem.sizes)

    def run(x: Tensor) -> Tensor:
        output: Tensor = layer(x)[0]
        return output

    names = {family: tuple(f"cells.0.{part}" for part in parts) for family, parts in _NAMES.items()}
    return module_contender(TORCHRECURRENT, problem, layer, run, names)
