"""torch.nn's own layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bptt.bench.contender_names import AUTOCAST, LAYER
from bptt.bench.layer_problem import LayerProblem, TorchContender, first_layer, module_contender
from bptt.nn.parameters import torch_names

LAYERS = {"lstm": nn.LSTM, "gru-torch": nn.GRU, "elman-tanh": nn.RNN}


def make(problem: LayerProblem, narrow: bool = False) -> TorchContender | None:
    """Return the layer, or None for a cell that torch.nn does not have. Unequal lengths are packed.

    With `narrow`, for equal lengths, it computes in bfloat16 by autocast.
    """
    if problem.cell.name not in LAYERS:
        return None
    layer = LAYERS[problem.cell.name](*problem.sizes)
    steps, lengths = problem.x.shape[0], problem.lengths

    def run(x: Tensor) -> Tensor:
        if narrow:
            with torch.autocast("cpu", torch.bfloat16):
                return layer(x)[0].float()  # type: ignore[no-any-return]
        if lengths is None:
            output: Tensor = layer(x)[0]
            return output
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        return pad_packed_sequence(layer(packed)[0], total_length=steps)[0]

    return module_contender(
        AUTOCAST if narrow else LAYER, problem, layer, run, first_layer(torch_names(problem.cell))
    )
