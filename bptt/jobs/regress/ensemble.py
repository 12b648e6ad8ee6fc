"""Regressors that answer together: the mean of their numbers, in the units of the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import Example
from bptt.jobs.ensembling import Ensembling, mean
from bptt.jobs.regress.network import Regressor
from bptt.jobs.regress.trained import TrainedRegressor


class RegressorEnsemble(TrainedRegressor):
    """Regressors of the same targets. Each reads an input by its own vocabulary, at its own level.

    Predictions and quantiles are averaged, and so are the margins of intervals: the ends of an interval are
    the means of those of the members. The loss is that of numbers standardised as by the first member.
    """

    def __init__(self, members: Sequence[TrainedRegressor]) -> None:
        first = members[0]
        super().__init__(_output([each.model for each in members]), first.codec, first.config)
        self.members = tuple(members)

    def _answer(self, inputs: Sequence[Example[Any, Any]]) -> tuple[list[Tensor], list[Tensor]]:
        given, places = [each.input for each in inputs], [each.place for each in inputs]
        found = [each.values(given, places) for each in self.members]
        values = [mean(several) for several in zip(*found, strict=True)]
        output = self.model.output
        middle, scale = (each.cpu()[:, None] for each in (output.mean, output.deviation))
        kept = output.linear.weight.dtype
        return values, [((each - middle) / scale).to(kept) for each in values]


@torch.no_grad()
def _output(models: Sequence[Regressor]) -> Regressor:
    """Return a regressor whose intervals have the mean of the margins, of the fewest examples."""
    found = deepcopy(models[0])
    found.output.margin.copy_(mean([each.output.margin for each in models]))
    found.output.calibrated.copy_(torch.stack([each.output.calibrated for each in models]).min())
    return found


def _shared(trained: TrainedRegressor) -> Mapping[str, object]:
    source, head = trained.config.source, trained.config.head
    return {
        "kind of inputs": source.kind,
        "targets": source.targets,
        "steps with targets": "every" if source.every_step else "one",
        "columns": source.features,
        "loss": head.loss,
        "quantiles": head.levels,
        "share of targets within an interval": head.interval,
    }


ENSEMBLING = Ensembling(_shared, RegressorEnsemble, "Train all with the same targets, `loss` and `interval`")
