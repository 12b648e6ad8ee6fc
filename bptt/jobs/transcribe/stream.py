"""A transcriber that hears a recording as it arrives: frames in, probabilities of symbols out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.jobs.transcribe.network import Transcriber, stack_frames
from bptt.nn.row_linear import row_linear
from bptt.nn.stepper import Stepper
from bptt.runs.evaluating import evaluating


class TranscriberStream:
    """Takes frames of features in chunks of any size, and returns ln P of the symbols at each full step.

    The results are the same to the bit however the frames are cut, and the memory is constant: it holds the
    states of the layers, the frames of an incomplete step, and the outputs that the look-ahead waits for.
    A step comes out `delay` steps after its last frame. Weights are copied when it is made. Raises
    InputError for a transcriber that reads in both directions.
    """

    def __init__(self, model: Transcriber) -> None:
        if model.encoder.recurrent.bidirectional:
            came = "one of two: it reads a recording from its end, too"
            cure = "Train one with `bidirectional` no, or leave `stream` out"
            raise InputError("stream", "needs a transcriber of one direction", came, cure)
        self._model, self._device = model, model.output.weight.device
        self.delay = 0 if model.look_ahead is None else model.look_ahead.steps
        with evaluating(model):
            self._stepper = Stepper(model.encoder.recurrent, batch=1)
        self.reset()

    def reset(self) -> None:
        """Begin a recording."""
        self._frames: Tensor | None = None
        self.restart()

    def restart(self) -> None:
        """Put the states to where a recording begins, while the frames of an incomplete step stay."""
        self._stepper.reset()
        self._outputs = torch.zeros(0, 1, self._model.encoder.read_size, device=self._device)

    def push(self, frames: Tensor) -> Tensor:
        """Return ln P (T, V) at the steps that the next frames (N, D) complete."""
        return self.read(self.cut(frames))

    def finish(self) -> Tensor:
        """Return ln P (T, V) at the steps that are left when the recording ends."""
        return torch.cat([self.read(self.rest()), self.end()])

    def cut(self, frames: Tensor) -> Tensor:
        """Return the steps (T, width) that the next frames (N, D) complete, for `read`."""
        if self._frames is not None:
            frames = torch.cat([self._frames, frames])
        whole = len(frames) // self._model.frames_per_step * self._model.frames_per_step
        self._frames = frames[whole:].clone()
        return stack_frames(frames[:whole], self._model.frames_per_step)

    def rest(self) -> Tensor:
        """Return the step (1, width) that is not complete when the recording ends, or none, (0, 0)."""
        frames = torch.empty(0, 0) if self._frames is None else self._frames
        self._frames = None
        return stack_frames(frames, self._model.frames_per_step) if len(frames) else torch.empty(0, 0)

    def read(self, steps: Tensor) -> Tensor:
        """Read the next steps (T, width); return ln P (N, V) at those whose look-ahead they complete."""
        if not len(steps):
            return torch.empty(0, self._model.output.out_features)
        with evaluating(self._model):
            inputs = self._model.encoder.embed((steps[:, None].to(self._device),))
            return self._ahead(torch.stack([self._stepper.step(each) for each in inputs]))

    def end(self) -> Tensor:
        """Return ln P (N, V) at the steps that the look-ahead has waited for when the recording ends."""
        with evaluating(self._model):
            # Behind its end a recording is zero for the look-ahead.
            return self._ahead(self._outputs.new_zeros(self.delay, *self._outputs.shape[1:]))

    def _ahead(self, outputs: Tensor) -> Tensor:
        """Return ln P (N, V) at the steps whose look-ahead the next outputs (T, 1, width) complete."""
        if self._model.look_ahead is not None:
            known = torch.cat([self._outputs, outputs])
            whole = max(0, len(known) - self.delay)
            self._outputs = known[whole:].clone()
            outputs = self._model.look_ahead.within(known) if whole else known[:0]
        rows = outputs[:, 0]
        for layer in (*self._model.encoder.feed_forward, self._model.output):
            rows = _by_row(layer, rows)
        return rows.log_softmax(-1).cpu()


def _by_row(layer: nn.Module, rows: Tensor) -> Tensor:
    """Return a layer of each row (N, width), with the same bits in a chunk of any size, and in a batch of a
    server.
    """
    if isinstance(layer, nn.Linear):
        return row_linear(rows, layer.weight, layer.bias)
    # The last numbers of a function of many are computed otherwise than the rest.
    return torch.stack([layer(row) for row in rows]) if len(rows) else rows
