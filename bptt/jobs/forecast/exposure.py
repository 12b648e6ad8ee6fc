"""The last window of a series as a forecaster reads it, with its loss, exposed to a probe."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from bptt.data.past.pasts import Past
from bptt.data.past.tracks import Track, Windows
from bptt.jobs.forecast.trained import TrainedForecaster
from bptt.jobs.regress.network import NumberReader, Regressor
from bptt.models.codecs.codec import pad
from bptt.nn.exposure import Exposure, LossSteps, Part, Sequence
from bptt.runs.evaluating import evaluating


def expose(trained: TrainedForecaster, past: Past, limit: int) -> Exposure:
    """Return the exposure of the window before the last horizon, with one loss term for that horizon.

    At most the last `limit` steps are read. Raises InputError with its place if a series is too short.
    """
    series, model = trained.config.series, trained.model
    origin = max(min(series.season, len(past.values) - 1), len(past.values) - 1 - series.horizon)
    trained.forecast_from(past, [origin])
    track = Track(past.values, trained.config.windows)
    encoded = Windows([track], [(0, origin)])[0]
    batch = pad([tuple(each[-limit:] for each in encoded)]).to(model.output.linear.weight.device)
    body = model.body
    assert isinstance(body, NumberReader)
    with evaluating(model):
        inputs = body.encoder.embed(batch.tensors)
        found = model.output.read(model.output(body.read(inputs, batch.lengths)))[0]
    point = found[:, model.output.options.point]
    given = torch.from_numpy(track.target(origin)).to(point)
    labelled = not bool(given.isnan().all())
    wanted = given if labelled else point + model.output.deviation
    names = tuple(past.axis.label(origin + 1 + k - len(inputs)) for k in range(len(inputs)))
    until = past.axis.label(origin + series.horizon)
    return Exposure(
        model,
        sequences=(Sequence("series", names, ("",) * len(names)),),
        parts=(Part("", body.encoder.recurrent, 0, inputs),),
        of=0,
        targets=(f"{series.horizon} steps until {until}",),
        losses_of=partial(_losses, model, body, wanted),
        answers=(f"{series.horizon} steps until {until}",),
        labelled=labelled,
    )


def _losses(model: Regressor, body: NumberReader, wanted: Tensor, inputs: Tensor, steps: LossSteps) -> Tensor:
    """Return the loss of each row, (R,), the mean over the horizon."""
    lengths = torch.full((len(steps),), len(inputs), device=inputs.device)
    found = model.output(body.read(inputs, lengths))
    return model.output.loss(found, wanted.expand(len(steps), -1), "none").mean(1)
