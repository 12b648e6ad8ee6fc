"""The configuration of a regressor in checked values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import get_args

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice
from bptt.data.levels import VocabularyOptions
from bptt.data.readers.forms import FORMS, Kind
from bptt.data.readers.grid import Columns
from bptt.errors import InputError
from bptt.jobs.supervised import ExampleOptions
from bptt.models.encoder import EncoderOptions
from bptt.models.heads.number_output import NumberOptions
from bptt.models.inputs import TokenOptions
from bptt.nn.pooling import PoolingKind

TASK = "regress"


@dataclass(frozen=True)
class MeasuredOptions:
    """How inputs and their numbers are read.

    `form` is a name in `data.readers.forms.FORMS`; the columns are those that the user named. `learned`
    holds the name of the input column, "" if it has none, and those of the targets. `every_step` says
    whether each step has targets of its own (None: as the data show). `header` says whether the first row
    names the columns. Raises InputError naming the option.
    """

    form: str = "columns"
    input_column: str | None = None
    target_columns: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    every_step: bool | None = None
    header: bool | None = None
    learned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("input", self.form, tuple(FORMS))
        if self.every_step and self.kind != "series":
            raise InputError("every_step", "is for series", self.kind, "Leave it out")

    @property
    def kind(self) -> Kind:
        """Return the kind of the inputs."""
        return FORMS[self.form].kind

    @property
    def is_row(self) -> bool:
        """Whether an input is one row of numbers, read without recurrence."""
        return self.kind == "table"

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the names of the targets."""
        return self.learned[1:] or ("target",)

    @property
    def columns(self) -> Columns:
        """Return the columns that were learned from, for reading another file."""
        return Columns(features=self.features, header=self.header, learned=self.learned)


@dataclass(frozen=True)
class RegressionOptions(NumberOptions):
    """Return the `pooling` of the steps, unless each step has targets, and how numbers are learned.

    Raises InputError naming the option.
    """

    pooling: PoolingKind = field(default="mean", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("pooling", self.pooling, get_args(PoolingKind))


@dataclass(frozen=True)
class RegressorConfig:
    """Every choice for a regressor. A row of numbers is read by `model.feed_forward` alone."""

    cell: Cell
    source: MeasuredOptions
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: RegressionOptions = field(default_factory=RegressionOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)


def usual_pooling(kind: Kind) -> PoolingKind:
    """Return the pooling for inputs of a kind.

    The last step knows how long a series was and what its sum is; of a text a few words decide.
    """
    return "max" if kind in ("text", "dna") else "last"


def usual_feed_forward(kind: Kind) -> tuple[int, ...]:
    """Return the widths of the feed-forward layers for inputs of a kind: rows have no other layer."""
    return (64,) if kind == "table" else ()


def with_columns(
    config: RegressorConfig, features: tuple[str, ...], found: tuple[str, ...], every: bool
) -> RegressorConfig:
    """Return the configuration with the columns that were learned from."""
    return replace(config, source=replace(config.source, features=features, learned=found, every_step=every))
