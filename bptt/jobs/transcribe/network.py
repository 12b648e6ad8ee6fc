"""The network of a transcriber: from frames of features to the logits of symbols at each step."""

from __future__ import annotations

from functools import reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.load import Cells
from bptt.jobs.transcribe.options import TranscriberOptions
from bptt.jobs.transcribe.symbol_paths import BLANK
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder
from bptt.models.inputs import InputPart
from bptt.models.stacked_input import StackedInput
from bptt.nn import ctc_loss


def stack_frames(frames: Tensor, count: int) -> Tensor:
    """Return frames (T, D) as steps (⌈T / count⌉, count D); the last frame fills up the last step."""
    missing = -len(frames) % count
    if missing:
        frames = torch.cat([frames, frames[-1:].expand(missing, -1)])
    return frames.reshape(len(frames) // count, count * frames.shape[1])


class LookAhead(nn.Module):
    """The row convolution r_t = Σ_j w_j ⊙ h_{t+j} over h_t and `steps` steps after it (Amodei et al. 2016).

    It begins as the identity: w_0 = 1 and all others 0. Behind its end a sequence is zero.
    """

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.weight = nn.Parameter(torch.zeros(steps + 1, width))
        with torch.no_grad():
            self.weight[0] = 1

    def forward(self, values: Tensor) -> Tensor:
        """Return r (T, B, width) for h (T, B, width), zero in the padding."""
        return self.within(functional.pad(values, (0, 0, 0, 0, 0, self.steps)))

    def within(self, values: Tensor) -> Tensor:
        """Return r (T - steps, B, width) at those of h (T, B, width) that have `steps` steps behind them."""
        count = len(values) - self.steps
        # A sum of one term after the other: its bits do not depend on the number of steps.
        found: Tensor = reduce(add, (values[j : j + count] * weight for j, weight in enumerate(self.weight)))
        return found


class Transcriber(nn.Module):
    """The network with logits M f(r_t) + b of V symbols at step t.

    r is the look-ahead over the outputs h of an encoder's recurrent layers, or h itself, and f its
    feed-forward layers.
    """

    # The loss by the field's name, for a derivation on paper.
    loss_name = "ctc"

    def __init__(self, part: InputPart, symbols: int, cell: Cells, options: TranscriberOptions) -> None:
        super().__init__()
        self.frames_per_step = options.frames_per_step
        self.encoder = Encoder(StackedInput(part, options.frames_per_step), cell, options)
        width = self.encoder.read_size
        self.look_ahead = LookAhead(width, options.look_ahead) if options.look_ahead else None
        self.output = nn.Linear(self.encoder.output_size, symbols)
        with torch.no_grad():
            self.output.bias.zero_()
            self.output.bias[BLANK] = options.blank_bias

    def forward(self, inputs: Padded) -> Tensor:
        """Return the logits (T, B, V) of the symbols at each step."""
        return self.score(self.encoder.embed(inputs.tensors), inputs.lengths)

    def score(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits (T, B, V), given the embedded inputs (T, B, I) of the recurrent layers."""
        output = self.encoder.run(values, lengths).output
        if self.look_ahead is not None:
            output = self.look_ahead(output)
        return self.finish(output)

    def finish(self, output: Tensor) -> Tensor:
        """Return the logits (..., V) for outputs (..., width) of the look-ahead or the recurrent layers."""
        logits: Tensor = self.output(self.encoder.feed_forward(output))
        return logits


def label_losses(logits: Tensor, labels: Tensor, steps: Tensor, sizes: Tensor) -> Tensor:
    """Return -ln P(label | input) of each row in nats, (B,); inf where no path has the label.

    Args:
        logits: of the symbols, (T, B, V).
        labels: the symbols of all rows, one row after the other, (Σ L,) int64.
        steps: the steps of each row, (B,) int64.
        sizes: the symbols of each row, L, (B,) int64.

    """
    return ctc_loss(logits, labels, steps, sizes, BLANK, reduction="none")
