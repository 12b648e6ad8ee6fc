"""A transcriber that hears a recording as it arrives: frames in, probabilities of symbols out."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.jobs.transcribe.network import Transcriber, stack_frames
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
        self._outputs: deque[Tensor] = deque(maxlen=self.delay + 1)

    def push(self, frames: Tensor) -> Tensor:
        """Return ln P (T, V) at the steps that the next frames (N, D) complete."""
        return self._rows([self.read(step) for step in self.cut(frames)])

    def finish(self) -> Tensor:
        """Return ln P (T, V) at the steps that are left when the recording ends."""
        return self._rows([*map(self.read, self.rest()), *self.end()])

    def cut(self, frames: Tensor) -> Tensor:
        """Return the steps (T, width) that the next frames (N, D) complete, for `read`."""
        if self._frames is not None:
            frames = torch.cat([self._frames, frames])
        whole = len(frames) // self._model.frames_per_step * self._model.frames_per_step
        self._frames = frames[whole:].clone()
        return stack_frames(frames[:whole], self._model.frames_per_step)

    def rest(self) -> Tensor:
        """Return the step (1, width) that is not complete when the recording ends, or none."""
        frames = torch.empty(0, 0) if self._frames is None else self._frames
        self._frames = None
        return stack_frames(frames, self._model.frames_per_step) if len(frames) else frames

    def read(self, step: Tensor) -> Tensor | None:
        """Read the next step (width,); return ln P (1, V) at the step `delay` before it, if there is one."""
        # One step at a time, each by the same operations, whatever the size of the chunk.
        with evaluating(self._model):
            inputs = self._model.encoder.embed((step[None, None].to(self._device),))[0]
            return self._ahead(self._stepper.step(inputs))

    def end(self) -> list[Tensor]:
        """Return ln P (1, V) at each step that the look-ahead has waited for when the recording ends."""
        with evaluating(self._model):
            # Behind its end a recording is zero for the look-ahead.
            zero = torch.zeros(1, self._model.encoder.read_size, device=self._device)
            return [row for _ in range(self.delay) if (row := self._ahead(zero)) is not None]

    def _ahead(self, output: Tensor) -> Tensor | None:
        """Return ln P (1, V) at the step that is `delay` steps behind the one with this output (1, width)."""
        if self._model.look_ahead is not None:
            self._outputs.append(output.clone())
            if len(self._outputs) <= self.delay:
                return None
            output = self._model.look_ahead.window(torch.stack(tuple(self._outputs)))
        return self._model.finish(output).log_softmax(-1).cpu()

    def _rows(self, found: list[Tensor | None] | list[Tensor]) -> Tensor:
        nothing = torch.empty(0, self._model.output.out_features)
        return torch.cat([nothing, *(row for row in found if row is not None)])
