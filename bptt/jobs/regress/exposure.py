"""An example as a regressor reads it, with the loss of its numbers, exposed to a probe."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import Example
from bptt.errors import InputError
from bptt.jobs.exposure import encode_one, show_input
from bptt.jobs.regress.network import NumberReader, Regressor
from bptt.jobs.regress.trained import TrainedRegressor
from bptt.nn.exposure import Exposure, LossSteps, Part
from bptt.nn.pooling import Pooling
from bptt.runs.evaluating import evaluating


def expose(trained: TrainedRegressor, example: Example[Any, Any], limit: int) -> Exposure:
    """Return the exposure of an example, with a loss term for its numbers, or for those of each step.

    At most `limit` steps are read. Missing targets are replaced by the predictions plus one standard
    deviation of the targets, because the squared error has no gradient at the predictions. Raises InputError
    if the network has no recurrence, or the example is empty.
    """
    model, body = trained.model, trained.model.body
    if not isinstance(body, NumberReader):
        rule = "must have a recurrent network to be looked into"
        raise InputError("run", rule, "feed-forward layers alone", "Name a run on sequences")
    most = min(limit, trained.config.data.max_length or limit)
    batch = encode_one(trained.codec, example, most).to(model.output.linear.weight.device)
    every = bool(trained.config.source.every_step)
    with evaluating(model):
        inputs = body.encoder.embed(batch.tensors)
        read = model.output.read(model.output(body.read(inputs, batch.lengths)))
    found = (read[:, 0] if every else read[0])[..., model.output.options.point]
    wanted = found + model.output.deviation
    if example.target is not None:
        given = torch.from_numpy(example.target).to(found.device)
        wanted = given[: len(inputs)] if every else given
    steps = len(inputs) if every else 1
    return Exposure(
        model,
        sequences=(show_input(trained.config.source.kind, trained.codec, example.input, len(inputs)),),
        parts=(Part("", body.encoder.recurrent, 0, inputs),),
        of=0,
        targets=tuple(_shown(wanted.reshape(steps, -1)[step]) for step in range(steps)),
        losses_of=partial(_losses, model, body, wanted),
        answers=tuple(_shown(found.reshape(steps, -1)[step]) for step in range(steps)),
        labelled=example.target is not None,
    )


def _shown(values: Tensor) -> str:
    return ", ".join(f"{value:.4g}" for value in values.tolist())


def _losses(model: Regressor, body: NumberReader, wanted: Tensor, inputs: Tensor, steps: LossSteps) -> Tensor:
    """Return the loss of each row, (R,): of the whole sequence, or of the step that the row names."""
    rows = len(steps)
    lengths = torch.full((rows,), len(inputs), device=inputs.device)
    found = model.output(body.read(inputs, lengths))
    if isinstance(body.pooling, Pooling):
        targets = wanted.expand(rows, -1)
        return model.output.loss(found, targets, "none").mean(1)
    at = torch.as_tensor(steps, device=inputs.device)
    losses = model.output.loss(found[at, torch.arange(rows, device=inputs.device)], wanted[at], "none")
    return losses.mean(1)
