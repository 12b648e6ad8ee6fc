"""The options of a forecaster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bptt.data.past.columns import PastColumns
from bptt.jobs.options import CellChoice, ExampleOptions, JobOptions, TextFiles
from bptt.models.heads.number_options import NumberLoss, NumberOptions
from bptt.models.options import EncoderOptions
from bptt.options.field import argument, check_fields, option, redefined
from bptt.options.option_set import OptionSet

Transform = Literal["auto", "none", "log"]


@dataclass(frozen=True, kw_only=True)
class ForecastFiles(CellChoice, TextFiles):
    """The files of a forecaster."""

    data: Path = argument(
        "Past values: a table with a column of times (CSV, TSV, JSON lines, Parquet), .ts, .npz, or one "
        "number a line."
    )


@dataclass(frozen=True)
class SeriesOptions:
    """The series to read, and how far ahead they are forecast.

    None, 0 and () are detected from the data; the configuration of a run holds the detected values. `columns`
    and `step` describe the training data. Raises InputError with the option if a value is invalid.
    """

    horizon: int = option(
        0, "Number of steps to forecast.", usual="one season, or 12", group="Data", least=0, common=True
    )
    season: int = option(
        0,
        "Steps in a season (1: none).",
        usual="by the times and the autocorrelation",
        group="Data",
        least=0,
        common=True,
    )
    window: int = option(
        0, "Past steps that the model reads.", usual="two seasons, 24 or the horizon", group="Data", least=0
    )
    transform: Transform = option(
        "auto", "Learn logarithms; auto: if deviations grow with the level.", group="Data"
    )
    time_column: str | None = option(None, "Column of the times.", usual="detected", group="Data")
    id_column: str | None = option(None, "Column of the names of series.", usual="detected", group="Data")
    value_columns: tuple[str, ...] = option(
        (),
        "Column of values to forecast; repeat for several.",
        usual="all columns of numbers",
        group="Data",
        flags="value-column",
    )
    columns: tuple[str, ...] = ()
    step: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def past(self) -> PastColumns:
        """The columns to read."""
        return PastColumns(self.time_column, self.id_column, self.columns or self.value_columns)


@dataclass(frozen=True)
class ForecasterSizes(EncoderOptions):
    """The sizes of a forecaster: small, because a series has few steps compared with data of other jobs."""

    hidden_size: int = redefined(EncoderOptions, "hidden_size", 32)
    dropout: float = redefined(EncoderOptions, "dropout", 0.3)
    bidirectional: bool = redefined(EncoderOptions, "bidirectional", False)


@dataclass(frozen=True)
class ForecastHead(NumberOptions):
    """The loss of values: by default that of quantiles, which give intervals."""

    loss: NumberLoss = redefined(NumberOptions, "loss", "quantile")


@dataclass(frozen=True)
class ForecastAnswerOptions:
    """The options of `bptt predict` for forecasters."""

    figure: Path | None = option(
        None, "Picture of the first series: past, forecast and interval, as PNG or SVG.", common=True
    )


OPTIONS = JobOptions(
    name="forecast",
    task="forecast",
    called="forecaster",
    title="Train a model that forecasts series, with intervals.",
    about="One model for all series of a file, one or several columns each; evaluated from rolling origins.",
    train=OptionSet(
        {
            "": ForecastFiles,
            "data": ExampleOptions,
            "series": SeriesOptions,
            "model": ForecasterSizes,
            "head": ForecastHead,
        },
    ),
    few=True,
    predict=ForecastAnswerOptions,
)
