"""The network of a model of frames: P(x_{t+1} | x_1 ... x_t) for sets of sounding keys x."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bptt.cells.load import Cells
from bptt.jobs.language.network import START, States
from bptt.jobs.music.options import MusicModelOptions
from bptt.models.heads.key_output import IndependentKeys, KeyChain, KeyOutput
from bptt.models.recurrent_stack import build_recurrent


class FrameModel(nn.Module):
    """Recurrent layers that read frames (T, B, K), and an output layer over the keys of the next one.

    The output layer reads the output of the recurrent layers and the frame itself, as most keys go on.
    """

    output: KeyOutput

    def __init__(self, keys: int, cell: Cells, options: MusicModelOptions) -> None:
        super().__init__()
        self.recurrent = build_recurrent(options, cell, keys)
        self.dropout = nn.Dropout(options.dropout)
        # The width of what `read` returns for a frame.
        self.output_size = width = self.recurrent.output_size + keys
        chain = options.keys == "chain"
        self.output = KeyChain(width, keys, options.chain_size) if chain else IndependentKeys(width, keys)

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    def forward(self, frames: Tensor, states: States = START) -> tuple[Tensor, States]:
        """Return the outputs of `read`."""
        return self.read(frames, states)

    def embed(self, frames: Tensor) -> Tensor:
        """Return the input of the recurrent layers, (T, B, K); zeros for NOTHING."""
        return frames.clamp(min=0).to(next(self.parameters()).dtype)

    def read(self, frames: Tensor, states: States = START) -> tuple[Tensor, States]:
        """Return what the output layer reads after each of `frames` (T, B, K), and the final states."""
        inputs = self.embed(frames)
        output, final = self.recurrent(inputs, states or None)
        return self.joined(output, inputs), (final,) if isinstance(final, Tensor) else final

    def joined(self, output: Tensor, inputs: Tensor) -> Tensor:
        """Return outputs of the recurrent layers (..., H), dropped out, with the frames that they read."""
        return torch.cat([self.dropout(output), inputs], -1)

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return ln P of frames (..., K) for outputs (..., D), (...); 0 for NOTHING."""
        return self.output.score(output, targets.to(output.dtype))
