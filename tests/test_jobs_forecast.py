"""Forecasting as a job: better than the seasonal naive forecast where it can be; else it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bptt.cells import get
from bptt.data.past.pasts import PastColumns, Pasts, read_pasts
from bptt.data.readers.document import Document
from bptt.errors import InputError
from bptt.jobs.forecast.config import ForecasterConfig
from bptt.jobs.forecast.options import ForecasterSizes, ForecastHead, SeriesOptions
from bptt.jobs.forecast.task import ForecastTask
from bptt.jobs.forecast.trained import TrainedForecaster, load_forecaster
from bptt.jobs.options import ExampleOptions
from bptt.runs.origin import Origin
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.report import Silent


def monthly(count: int, seed: int = 0) -> str:
    """Values that grow by a twentieth a year, with a season and noise, as numbers of passengers do."""
    draw = np.random.default_rng(seed)
    steps = np.arange(count)
    values = 100 * 1.05 ** (steps / 12) * (1 + 0.3 * np.sin(2 * np.pi * steps / 12))
    values *= np.exp(0.01 * draw.normal(size=count))
    rows = [f"{2000 + n // 12}-{n % 12 + 1:02d},{value:.4f}" for n, value in enumerate(values)]
    return "\n".join(["month,passengers", *rows]) + "\n"


def pasts(text: str) -> Pasts:
    return read_pasts(Document("d.csv", text), PastColumns())


def config(**series: object) -> ForecasterConfig:
    return ForecasterConfig(
        get("gru"),
        SeriesOptions(**series),
        ForecasterSizes(12),
        data=ExampleOptions(16),  # type: ignore[arg-type]
    )


def learn(text: str, run: Path, epochs: int = 40, **series: object) -> tuple[ForecastTask, TrainedForecaster]:
    torch.manual_seed(0)
    task = ForecastTask(pasts(text), config(**series))
    train(task, TrainingOptions(epochs=epochs), run, Silent())
    return task, load_forecaster(run)


def test_a_growing_season_is_forecast_better_than_by_the_last_one(tmp_path: Path) -> None:
    whole = monthly(156)
    past = "\n".join(whole.splitlines()[:121]) + "\n"
    task, trained = learn(past, tmp_path / "run")
    said = "\n".join(task.describe())
    assert "season: 12 steps (by their times, and the autocorrelation" in said
    assert "transform: log" in said
    found = trained.evaluate(trained.read(Document("d.csv", whole)))
    methods = found.scores.methods
    assert methods["model"]["mase"] < 0.6 * methods["seasonal naive"]["mase"]
    assert found.scores.origins == 25
    assert methods["model"]["coverage"] > 0.75
    assert not found.scores.notes
    assert any(line.startswith("model\t") for line in task.conclude(tmp_path / "run"))
    (answer,) = trained.predict(pasts(whole))
    assert answer.times == tuple(f"2013-{month:02d}" for month in range(1, 13))
    assert ((answer.low <= answer.values) & (answer.values <= answer.high)).all()


def test_what_cannot_be_forecast_is_said(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    walk = "x\n" + "\n".join(f"{value:.4f}" for value in draw.normal(size=90).cumsum()) + "\n"
    task, trained = learn(walk, tmp_path / "run", 3, horizon=4, season=1)
    assert task.config.series.transform == "none"
    other = draw.normal(size=90)
    flat = "x\n" + "\n".join(f"{value:.6f}" for value in np.full(90, 5.0) + 1e-9 * other) + "\n"
    assert trained.evaluate(pasts(flat)).scores.notes


def test_held_out_steps_are_scored_if_nothing_is_new(tmp_path: Path) -> None:
    task, trained = learn(monthly(100), tmp_path / "run", 1)
    found = trained.evaluate(pasts(monthly(100)))
    assert "the held-out ones are scored, which chose the epoch" in found.notes[-1]
    assert found.scores.origins == 13
    assert task.holds_out


def test_several_series_and_columns_with_missing_values(tmp_path: Path) -> None:
    one, two = (monthly(80, seed).splitlines()[1:] for seed in (1, 2))
    rows = [
        f"{name},{row},{n if n % 9 else ''}"
        for name, rows in (("片", one), ("b", two))
        for n, row in enumerate(rows)
    ]
    text = "\n".join(["id,month,x,y", *rows]) + "\n"
    task, trained = learn(text, tmp_path / "run", 2, horizon=3)
    found = trained.predict(pasts(text))
    assert [each.past.name for each in found] == ["片", "b"]
    assert found[0].values.shape == (3, 2)
    assert np.isfinite(found[0].values).all()
    assert "missing: 18 values" in "\n".join(task.describe())
    assert load_forecaster(tmp_path / "run").ends == {"片": "2006-08", "b": "2006-08"}


def test_the_loss_holds_no_step_that_is_held_out() -> None:
    text = monthly(100)
    torch.manual_seed(0)
    one = ForecastTask(pasts(text), config(season=12, transform="none"))
    lines = text.splitlines()
    changed = [*lines[:77], *(f"{line.split(',')[0]},1" for line in lines[77:])]
    torch.manual_seed(0)
    two = ForecastTask(pasts("\n".join(changed) + "\n"), config(season=12, transform="none"))
    rows = list(range(one.steps(0)))
    losses = []
    for task in (one, two):
        # The dropout is drawn too.
        torch.manual_seed(1)
        losses.append(task.loss(rows)[0].item())
    assert losses[0] == losses[1]
    assert one.fingerprint != two.fingerprint


def test_a_run_goes_on_from_another(tmp_path: Path) -> None:
    _, trained = learn(monthly(100), tmp_path / "run", 1)
    task = ForecastTask(pasts(monthly(110, 5)), config(), Origin("run", trained))
    assert any("tensors taken whole" in line for line in task.describe())


def test_without_held_out_steps_the_quantiles_are_the_intervals(tmp_path: Path) -> None:
    torch.manual_seed(0)
    chosen = ForecasterConfig(
        get("gru"), SeriesOptions(), ForecasterSizes(8), ForecastHead(), ExampleOptions(16, 0.0)
    )
    task = ForecastTask(pasts(monthly(60)), chosen)
    train(task, TrainingOptions(epochs=1), tmp_path / "run", Silent())
    (answer,) = load_forecaster(tmp_path / "run").predict(pasts(monthly(60)))
    assert (answer.low <= answer.high).all()
    assert task.conclude(tmp_path / "run") == []


@pytest.mark.parametrize(
    ("text", "series", "words"),
    [
        (
            monthly(30),
            {"horizon": 24, "season": 12},
            "need 51 steps, got 30. Give a longer past",
        ),
        (monthly(60).replace(",1", ",-1"), {"transform": "log"}, "must hold numbers above 0"),
        (monthly(2), {}, "need"),
    ],
)
def test_what_cannot_be_learned_is_refused(text: str, series: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        ForecastTask(pasts(text), config(**series))
    assert words in str(error.value)


def test_another_step_or_a_short_past_is_refused(tmp_path: Path) -> None:
    _, trained = learn(monthly(80), tmp_path / "run", 1)
    with pytest.raises(InputError, match="must have the step that was learned, 1 month, got 1 day"):
        trained.read(Document("d.csv", "day,passengers\n2020-01-01,1\n2020-01-02,2\n"))
    with pytest.raises(InputError, match="must have a column passengers"):
        trained.read(Document("d.csv", "month,x\n2020-01,1\n2020-02,2\n"))
    with pytest.raises(InputError, match="more than 12 steps, a season of the model, got 10"):
        trained.predict(pasts(monthly(10)))
