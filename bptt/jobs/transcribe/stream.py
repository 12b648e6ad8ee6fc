"""A transcriber that hears a recording as it arrives: frames in, probabilities of symbols out."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.jobs.transcribe.network import stack_frames
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.nn.stepper import Stepper
from bptt.runs.evaluating import evaluating


class TranscriberStream:
    """Takes frames of features in chunks of any size, and returns ln P of the symbols at each full step.

    The results are the same to the bit however the frames are cut, and the memory is constant: it holds the
    states of the layers, the frames of an incomplete step, and the outputs that the look-ahead waits for.
    A step comes out `delay` steps after its last frame. Weights are copied when it is made. Raises
    InputError for a transcriber that reads in both directions.
    """

    def __init__(self, trained: TrainedTranscriber) -> None:
        model = trained.model
        if model.encoder.recurrent.bidirectional:
            came = "one of two: it reads a recording from its end, too"
            cure = "Train one with `bidirectional` no, or leave `stream` out"
            raise InputError("stream", "needs a transcriber of one direction", came, cure)
        self._model, self._stacked = model, trained.config.model.frames_per_step
        self.delay = 0 if model.look_ahead is None else model.look_ahead.steps
        with evaluating(model):
            self._stepper = Stepper(model.encoder.recurrent, batch=1)
        self.reset()

    def reset(self) -> None:
        """Begin a recording."""
        self._stepper.reset()
        self._frames: Tensor | None = None
        self._outputs: deque[Tensor] = deque(maxlen=self.delay + 1)
        self._steps = 0

    def push(self, frames: Tensor) -> Tensor:
        """Return ln P (T, V) at the steps that the next frames (N, D) complete."""
        if self._frames is not None:
            frames = torch.cat([self._frames, frames])
        whole = len(frames) // self._stacked * self._stacked
        self._frames = frames[whole:].clone()
        return self._read(stack_frames(frames[:whole], self._stacked))

    def finish(self) -> Tensor:
        """Return ln P (T, V) at the steps that are left when the recording ends."""
        frames = torch.empty(0, 0) if self._frames is None else self._frames
        found = [self._read(stack_frames(frames, self._stacked))] if len(frames) else []
        with evaluating(self._model):
            # Behind its end a recording is zero for the look-ahead.
            ended = [self._ahead(torch.zeros(1, self._model.encoder.read_size)) for _ in range(self.delay)]
            found += [each for each in ended if each is not None]
        return torch.cat([self._nothing(), *found])

    def _read(self, steps: Tensor) -> Tensor:
        """Return ln P at the steps that come out when the next ones (T, width) are read."""
        found = [self._nothing()]
        with evaluating(self._model):
            # One step at a time, each by the same operations, whatever the size of the chunk.
            for step in steps:
                inputs = self._model.encoder.embed((step[None, None],))[0]
                row = self._ahead(self._stepper.step(inputs))
                found += [] if row is None else [row]
        return torch.cat(found)

    def _ahead(self, output: Tensor) -> Tensor | None:
        """Return ln P (1, V) at the step that is `delay` steps behind the one with this output (1, width)."""
        self._outputs.append(output.clone())
        self._steps += 1
        if self._steps <= self.delay:
            return None
        if self._model.look_ahead is not None:
            output = self._model.look_ahead.window(torch.stack(tuple(self._outputs)))
        return self._model.finish(output).log_softmax(-1)

    def _nothing(self) -> Tensor:
        return torch.empty(0, self._model.output.out_features)
