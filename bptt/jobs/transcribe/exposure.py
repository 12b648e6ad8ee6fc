"""A recording as a transcriber hears it, with the loss of each step of an alignment, exposed to a probe."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import Example
from bptt.errors import InputError
from bptt.jobs.exposure import predictions
from bptt.jobs.transcribe.network import Transcriber
from bptt.jobs.transcribe.recording_time import recording_time, show_symbol
from bptt.jobs.transcribe.symbol_paths import align, encode
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.models.codecs.codec import pad
from bptt.nn.exposure import Exposure, LossSteps, Part, RankedAnswers, Sequence
from bptt.runs.evaluating import evaluating


def expose(trained: TrainedTranscriber, example: Example[Any, Any], limit: int) -> Exposure:
    """Return the exposure of a recording, with a loss term for each step.

    A term is -ln P of the step's symbol on the likeliest path that spells the transcript, or on the likeliest
    of all paths if there is none. At most `limit` steps are read. Raises InputError if the recording is empty
    or too short for its transcript.
    """
    model, vocabulary = trained.model, trained.vocabulary
    (steps,) = trained.encode_one(example)
    if not len(steps):
        raise InputError(example.place, "must hold something to look into", "nothing")
    batch = pad([(steps,)]).to(model.output.weight.device)
    with evaluating(model):
        inputs = model.encoder.embed(batch.tensors)
        logits = model.score(inputs, batch.lengths)[:, 0]
    likeliest = logits.argmax(-1)
    path = likeliest
    if example.target is not None:
        path = align(logits, encode(vocabulary, example.target), example.place)
    inputs, path, likeliest = inputs[:limit], path[:limit], likeliest[:limit]

    show = partial(show_symbol, trained)
    time = recording_time(trained, example.input, steps, logits, path)
    names = tuple(f"{step * trained.seconds:.2f}" for step in range(len(path)))
    targets = tuple(map(show, path.tolist()))
    return Exposure(
        model,
        sequences=(Sequence("sound", names, targets, timeline=time),),
        parts=(Part("", model.encoder.recurrent, 0, inputs),),
        of=0,
        targets=targets,
        losses_of=partial(_losses, model, path),
        answers=tuple(map(show, likeliest.tolist())),
        labelled=example.target is not None,
        predict=partial(_predict, model, path, inputs, show),
        predicted="symbol",
    )


def _predict(
    model: Transcriber, path: Tensor, inputs: Tensor, show: Any, top: int
) -> tuple[RankedAnswers, ...]:
    """Return the likeliest symbols of each step."""
    with evaluating(model):
        logits = model.score(inputs, torch.tensor([len(inputs)], device=inputs.device))[:, 0]
    return predictions(logits, path, lambda rows: rows.log_softmax(-1), show, top)


def _losses(model: Transcriber, path: Tensor, inputs: Tensor, steps: LossSteps) -> Tensor:
    """Return -ln P of the path's symbols at these steps, (R,)."""
    step = torch.tensor(steps, device=inputs.device)
    lengths = torch.full_like(step, len(inputs))
    if not model.encoder.recurrent.bidirectional:
        ahead = 0 if model.look_ahead is None else model.look_ahead.steps
        lengths = (step + 1 + ahead).clamp(max=len(inputs))
    logits = model.score(inputs[: int(lengths.max())], lengths)
    rows = torch.arange(len(step), device=step.device)
    losses: Tensor = -logits[step, rows].log_softmax(-1)[rows, path[step]]
    return losses
