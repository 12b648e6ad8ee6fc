"""The options of a regressor."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from bptt.data.readers.forms import FORMS, Kind, check_form
from bptt.data.readers.grid import Columns
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.jobs.classify.options import PoolingName
from bptt.jobs.options import ExampleFiles, ExampleOptions, JobOptions, VectorFiles
from bptt.models.heads.number_options import NumberOptions
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet

# Deferred: the record of a kind of input imports its codec, and with it torch, but the help must not.
_find_kind = deferred("bptt.models.kinds.registry", "find_kind")


@dataclass(frozen=True, kw_only=True)
class RegressFiles(VectorFiles, ExampleFiles):
    """The files of a regressor."""

    data: Path = argument(
        "Examples with a number each: TSV, CSV, JSON lines, Parquet, FASTA, .ts, UCR, a long CSV, .npz, or a "
        "table of numbers."
    )
    folds: int = option(
        0,
        "Cross-validate: train N models, each on all folds but one, and score the answers on these.",
        group="Data",
        least=0,
    )


@dataclass(frozen=True)
class MeasuredOptions:
    """How inputs and their numbers are read.

    `form` is a name in `data.readers.forms.FORMS`; the columns are those that the user named. `learned` holds
    the name of the input column, "" if it has none, and those of the targets. `every_step`: each step has its
    own targets (None: detected). `header`: the first row has the names of columns. Raises InputError with the
    option if a value is invalid.
    """

    form: str = option(
        "columns", "Input format.", usual="detected from the file", group="Data", flags="input form"
    )
    input_column: str | None = option(
        None, "Name of the column that holds the text.", group="Data", flags="text-column input-column"
    )
    target_columns: tuple[str, ...] = option(
        (),
        "Name of a column of numbers to learn; repeat for several targets.",
        usual="target or another usual name, else the last column",
        group="Data",
        flags="target-column",
        common=True,
    )
    features: tuple[str, ...] = ()
    every_step: bool | None = option(
        None,
        "Learn a target at every step of a series, not one for the whole.",
        usual="if the target changes within a series",
        group="Data",
    )
    header: bool | None = option(None, "Whether the first row is a header.", usual="detected", group="Data")
    learned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        check_form("form", self.form)
        if self.every_step and self.kind != "series":
            raise InputError("every_step", "is for series", self.kind, "Leave it out")

    @property
    def kind(self) -> Kind:
        """The kind of the inputs."""
        return FORMS[self.form].kind

    @property
    def is_row(self) -> bool:
        """Whether an input is one row of numbers, read without recurrence."""
        return bool(_find_kind(self.kind).is_row)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets."""
        return self.learned[1:] or ("target",)

    @property
    def columns(self) -> Columns:
        """The columns of the training data, to expect in another file."""
        return Columns(features=self.features, header=self.header, learned=self.learned)


@dataclass(frozen=True)
class RegressionOptions(NumberOptions):
    """The `pooling` of steps, unless each step has targets, and the options of the loss of numbers.

    Raises InputError with the option if a value is invalid.
    """

    _: KW_ONLY
    pooling: PoolingName = option(
        "last",
        "Reduction of the steps to one vector.",
        usual="max for texts and DNA, else last",
        group="Model",
    )


OPTIONS = JobOptions(
    name="regress",
    task="regress",
    called="regressor",
    title="Train a regressor of texts, DNA, series or rows of numbers.",
    about="One number or several for each example, or for each step of a series, with prediction intervals.",
    stays="texts in TSV, CSV or JSON lines, not compressed, stay in their file, of a table its numbers alone "
    "are in memory",
    train=OptionSet(
        {
            "": RegressFiles,
            "data": ExampleOptions,
            "vocabulary": VocabularyOptions,
            "source": MeasuredOptions,
            "model": EncoderOptions,
            "tokens": TokenOptions,
            "head": RegressionOptions,
        },
        usual={"level": "word", "token_dropout": 0.1},
        words={
            "dropout": "0.5 for texts and DNA, else 0",
            "input_dropout": "0.3 for texts and DNA, else 0",
            "feed_forward": "64 for a table, else none",
        },
    ),
    few=True,
)
