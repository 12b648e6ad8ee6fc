"""The record of the job `forecast`: training, answers, evaluation and inspection."""

from __future__ import annotations

from pathlib import Path

from bptt.cells.load import as_cells, own_layers
from bptt.data.past.pasts import read_pasts
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.commands import EvaluateOptions
from bptt.jobs.exposure import check_number
from bptt.jobs.forecast.answering import ForecasterAsking
from bptt.jobs.forecast.config import TASK, ForecasterConfig
from bptt.jobs.forecast.exposure import expose
from bptt.jobs.forecast.options import OPTIONS, ForecasterSizes, ForecastFiles, ForecastHead, SeriesOptions
from bptt.jobs.forecast.task import ForecastTask
from bptt.jobs.forecast.trained import TrainedForecaster, load_forecaster
from bptt.jobs.job import Job, Stretch
from bptt.jobs.options import ExampleOptions
from bptt.jobs.reading import needed_data, refuse_target
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections
from bptt.runs.origin import Origin


def _begin(choices: Choices, origin: Origin[TrainedForecaster] | None) -> ForecastTask:
    files = choices.make(ForecastFiles)
    cells = as_cells(files.cell)
    config = ForecasterConfig(
        cells,
        choices.make(SeriesOptions),
        choices.make(ForecasterSizes, **own_layers(cells)),
        choices.make(ForecastHead),
        choices.make(ExampleOptions, seed=choices.get("seed")),
    )
    return ForecastTask(read_pasts(files.data, config.series.past), config, origin)


def _evaluate(trained: TrainedForecaster, run: Path, choices: Choices) -> EvaluationReport:
    """Score forecasts from rolling origins after the training steps, with naive forecasts as baselines."""
    found = trained.evaluate(trained.read(needed_data(run, choices.make(EvaluateOptions).file)))
    methods = found.scores.methods
    names = list(next(iter(methods.values())))
    rows = tuple(
        (method, *(f"{values[name]:.6g}" if name in values else "-" for name in names))
        for method, values in methods.items()
    )
    past, scored = found.forecasts[0]
    view = trained.view(past, scored.origins[-1] + 1, scored.points[-1], scored.low[-1], scored.high[-1])
    return EvaluationReport(
        {**methods["model"], "origins": found.scores.origins},
        (ScoreTable(("forecast", *names), rows),),
        (*found.notes, *found.scores.notes),
        view,
        "forecast.png",
    )


def _expose(trained: TrainedForecaster, stretch: Stretch) -> list[Exposure]:
    refuse_target(stretch)
    series = trained.read(stretch.source).series
    check_number(stretch.number, len(series), "series")
    chosen = series[stretch.number : stretch.number + stretch.count]
    return [expose(trained, past, stretch.limit) for past in chosen]


JOB = Job(
    options=OPTIONS,
    begin=_begin,
    configuration=lambda run: read_sections(ForecasterConfig, run, TASK),
    load=load_forecaster,
    evaluate=_evaluate,
    expose=_expose,
    ask=ForecasterAsking,
    hub_task="time-series-forecasting",
)
