"""Forecasters that answer together: the mean of their values and of the ends of their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bptt.data.past.pasts import Past
from bptt.data.readers.measured import Numbers
from bptt.jobs.ensembling import Ensembling
from bptt.jobs.forecast.trained import TrainedForecaster


class ForecasterEnsemble(TrainedForecaster):
    """Forecasters of the same columns over the same horizon. The window of each may be another."""

    def __init__(self, members: Sequence[TrainedForecaster]) -> None:
        first = members[0]
        super().__init__(first.model, first.config, first.ends)
        self.members = tuple(members)

    def forecast_from(self, past: Past, origins: Sequence[int]) -> tuple[Numbers, Numbers, Numbers]:
        """Return the means of the values and of the ends of their intervals, (N, H, D) each."""
        found = [each.forecast_from(past, origins) for each in self.members]
        values, low, high = (sum(each) / len(each) for each in zip(*found, strict=True))
        return values, low, high


def _shared(trained: TrainedForecaster) -> Mapping[str, object]:
    config = trained.config
    return {
        "columns": config.series.columns,
        "time step": config.series.step,
        "horizon": config.series.horizon,
        "season": config.series.season,
        "share of values within an interval": config.head.interval,
        # The steps that an evaluation takes for new must be so for each.
        "last times learned": tuple(sorted(trained.ends.items())),
        "share held out": config.data.held_out,
    }


ENSEMBLING = Ensembling(_shared, ForecasterEnsemble, "Train all on the same series, `horizon` and `interval`")
