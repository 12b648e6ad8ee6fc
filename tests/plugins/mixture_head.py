"""A package that adds an output layer: a mixture of softmaxes (Yang et al. 2018)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from bptt.models.heads.output_layer import MatrixLayer, OutputShape
from bptt.models.heads.registry import Head

K = 3


class MixtureOfSoftmaxes(MatrixLayer):
    """P = Σ_k π_k softmax(M tanh(L_k o) + b), π = softmax(S o)."""

    def __init__(self, shape: OutputShape) -> None:
        super().__init__(shape)
        self.shares = nn.Linear(shape.width, K)
        self.latent = nn.Linear(shape.width, K * shape.width)

    def logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return ln P, (..., V)."""
        latent = self.latent(output).tanh().unflatten(-1, (K, -1))  # (..., K, D)
        parts = functional.linear(latent, self.matrix(tied), self.bias).log_softmax(-1)  # (..., K, V)
        shares = self.shares(output).log_softmax(-1)[..., None]  # (..., K, 1)
        found: Tensor = (shares + parts).logsumexp(-2)
        return found


MIXTURE = Head("mixture", MixtureOfSoftmaxes)
