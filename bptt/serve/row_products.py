"""Models whose answers do not depend on how many inputs are answered together, to the last bit."""

from __future__ import annotations

from torch import Tensor, nn

from bptt.jobs.classify.network import Classifier, SequenceReader
from bptt.jobs.tag.network import Tagger
from bptt.models.encoder import Encoder
from bptt.models.inputs import TokenInput
from bptt.models.ngrams import NgramScores
from bptt.nn.pooling import Pooling
from bptt.nn.row_linear import row_linear
from bptt.nn.stack import Stack
from bptt.runtime.dispatch import KERNELS, usable


class RowLinear(nn.Linear):
    """A linear layer that computes each row alike, whatever other rows there are."""

    def forward(self, input: Tensor) -> Tensor:
        """Return input W^T + b, (..., K), for inputs (..., D)."""
        found = row_linear(input.reshape(-1, input.shape[-1]), self.weight, self.bias)
        return found.view(*input.shape[:-1], self.out_features)


def fix_rows(model: nn.Module) -> None:
    """Let every linear layer of a model compute as RowLinear does, with the same parameters."""
    for module in list(model.modules()):
        for name, part in module.named_children():
            if type(part) is nn.Linear:
                fixed = RowLinear(part.in_features, part.out_features, part.bias is not None, device="meta")
                fixed.weight, fixed.bias = part.weight, part.bias
                setattr(module, name, fixed.train(part.training))


# Modules that compute each row by itself, in the order of its own steps. The sums of a mean or of an
# attention, and of a CRF, are taken in an order that depends on the shape of the batch.
_BY_ROW = (
    Classifier,
    SequenceReader,
    Tagger,
    Encoder,
    TokenInput,
    NgramScores,
    RowLinear,
    nn.Sequential,
    nn.Dropout,
    nn.ReLU,
    nn.Tanh,
    nn.Sigmoid,
)


def is_by_row(model: nn.Module) -> bool:
    """Return whether the answer to an input has the same bits in every batch, after `fix_rows`."""
    return all(map(_keeps_rows, model.modules()))


def _keeps_rows(module: nn.Module) -> bool:
    if isinstance(module, Stack):
        # Other backends promise no order of sums.
        like = next(module.parameters())
        cells = {layer.cell for layer in module.layers}
        return all(usable(cell, like.device, like.dtype).name == KERNELS for cell in cells)
    if isinstance(module, Pooling):
        return module.kind in ("last", "max")
    return type(module) in _BY_ROW
