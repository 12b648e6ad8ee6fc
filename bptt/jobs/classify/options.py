"""The options of a classifier."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal

from bptt.data.clips.clip_options import ClipOptions
from bptt.data.readers.forms import FORMS, Kind, check_form
from bptt.data.readers.grid import Columns, Naming
from bptt.data.skeletons.options import SkeletonOptions
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.jobs.options import ExampleFiles, ExampleOptions, JobOptions, Select, VectorFiles
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.options.checks import check_least
from bptt.options.field import ADDED, argument, between, check_fields, one_of, option
from bptt.options.option_set import OptionSet

ClassLoss = Literal["cross-entropy", "squared"]
PoolingName = Literal["last", "mean", "max", "attention"]

# Deferred: the record of a kind of input imports its codec, and with it torch, but the help must not.
_find_kind = deferred("bptt.models.kinds.registry", "find_kind")
_check_patterns = deferred("bptt.data.naming", "check_patterns")

# The largest number of column names listed.
_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class ClassifyFiles(VectorFiles, ExampleFiles):
    """The files of a classifier, and how they are used."""

    data: Path = argument(
        "TSV, CSV, JSON lines, Parquet, fastText, a folder of classes, FASTA, FASTQ, UCI sequences, .ts, "
        "UCR, a long CSV, .npz, a table of numbers; sounds, clips or skeletons in class folders or lists."
    )
    windows: bool = option(False, "Read DNA of one length at once, by feed-forward layers.", group="Model")
    folds: int = option(
        0,
        "Cross-validate: train N models, each on all folds but one, and score the answers on these.",
        group="Data",
        least=0,
    )


@dataclass(frozen=True)
class SourceOptions:
    """How inputs are read.

    `form` is a name in `data.readers.forms.FORMS`. The columns are those that the user or the training data
    named; `learned` are those from which text and label were read; `header` is whether the first row of a
    file has names (None: detected). With `both_strands`, DNA is trained on both strands, and probabilities
    are the mean over both. With `windows` of N letters (0: any length), DNA is read as a row of 4 N numbers.
    With `positions` of N steps, sequences are read by feed-forward layers: the first N steps side by side.

    Raises InputError with the option if a value is invalid, or needs DNA and inputs are not.
    """

    form: str = option(
        "columns", "Input format.", usual="detected from the file", group="Data", flags="input form"
    )
    input_column: str | None = option(
        None, "Name of the column that holds the text.", group="Data", flags="text-column input-column"
    )
    target_column: str | None = option(
        None, "Name of the column that holds the label.", group="Data", flags="label-column target-column"
    )
    features: tuple[str, ...] = ()
    both_strands: bool = option(False, "Read each DNA sequence on both strands.", group="Data")
    header: bool | None = option(
        None, "Whether the first row is a header.", usual="detected", group="Data", added=True
    )
    label_separator: str = option(
        ";", "Text between the labels of an example (`multi_label`).", group="Data", added=True
    )
    group_column: str | None = option(
        None,
        "Column of the group that a split must not cut, such as a subject.",
        group="Data",
        added=True,
    )
    split_column: str | None = option(
        None, "Column of the part of each example: train, dev or test.", group="Data", added=True
    )
    group_pattern: str | None = option(
        None, "Regular expression that finds the group in the name of a file.", group="Data", added=True
    )
    label_pattern: str | None = option(
        None, "Regular expression that finds the label in the name of a file.", group="Data", added=True
    )
    learned: tuple[str, ...] = field(default=(), metadata=ADDED)
    windows: int = field(default=0, metadata=ADDED)
    positions: int = field(default=0, metadata=ADDED)

    def __post_init__(self) -> None:
        check_fields(self)
        check_form("form", self.form)
        if self.group_pattern or self.label_pattern:
            _check_patterns(self.naming)
        if not self.label_separator.strip():
            raise InputError("label_separator", "is one character or more, not white space", "none")
        check_least("windows", self.windows, 0)
        check_least("positions", self.positions, 0)
        if self.both_strands and _find_kind(self.kind).other_strand is None:
            raise InputError("both_strands", "is for DNA", self.kind, "Leave it out")
        if self.windows and not _find_kind(self.kind).has_windows:
            raise InputError("windows", "is for DNA", self.kind, "Leave it out")

    @property
    def kind(self) -> Kind:
        """The kind of the inputs."""
        return FORMS[self.form].kind

    @property
    def is_row(self) -> bool:
        """Whether an input is one row of numbers, read without recurrence."""
        return self.windows > 0 or bool(_find_kind(self.kind).is_row)

    @property
    def is_recurrent(self) -> bool:
        """Whether inputs are read step by step."""
        return not (self.is_row or self.positions)

    def describe_columns(self) -> list[str]:
        """Describe which columns of a table are inputs, and which is the label."""
        if self.form not in ("table", "long") or not self.features:
            return []
        more = f", and {len(self.features) - _SHOWN} others" if len(self.features) > _SHOWN else ""
        label = "".join(self.learned[1:])
        return [f"columns: numbers {', '.join(self.features[:_SHOWN])}{more}; label {label}"]

    @property
    def naming(self) -> Naming:
        """The words of the user on groups, parts and labels."""
        return Naming(self.group_column, self.split_column, self.group_pattern, self.label_pattern)

    @property
    def columns(self) -> Columns:
        """The columns to expect in another file."""
        given = (self.input_column or "", self.target_column or "")
        learned = self.learned or given
        return Columns(features=self.features, header=self.header, learned=learned, naming=self.naming)


@dataclass(frozen=True)
class HeadOptions:
    """The output layer: the `pooling` of steps and the `loss`.

    The loss is cross-entropy, or ½‖p − y‖², where p are the probabilities and y is the one-hot label. With
    `ngrams`, a logistic regression on the n-grams of a text, or the k-mers of DNA, is added to the recurrent
    network. `smoothing` is the label smoothing in training. `balance` weighs each label by the inverse of its
    frequency. With `thresholds`, an offset to ln P of each label is chosen on the held-out examples. `select`
    is the held-out metric that chooses the epoch.

    Raises InputError with the option if a value is invalid, or smoothing is combined with a squared loss.
    """

    pooling: PoolingName = option(
        "max",
        "Reduction of the steps to one vector.",
        usual="max; mean for clips",
        group="Model",
        tried=one_of("last", "mean", "max", "attention"),
    )
    loss: ClassLoss = option("cross-entropy", "Loss; squared is that of the probabilities.", group="Model")
    _: KW_ONLY
    ngrams: bool = option(
        False,
        "Answer together with a logistic regression on n-grams.",
        usual="for texts and DNA",
        group="Model",
        added=True,
    )
    smoothing: float = option(
        0.0,
        "Label smoothing.",
        usual="0.1 for texts, DNA and clips with cross-entropy, else 0",
        group="Model",
        share=True,
        added=True,
        tried=between(0, 0.2),
    )
    balance: bool = option(
        False,
        "Weigh each label by the inverse of its frequency, and choose decision thresholds by the macro F1 of "
        "the held-out examples.",
        group="Training",
        added=True,
    )
    select: Select = option(
        "loss",
        "Held-out metric that chooses the epoch.",
        usual="accuracy; f1 with `balance`",
        group="Training",
        added=True,
    )
    thresholds: bool = field(default=False, metadata=ADDED)
    multi_label: bool = option(
        False,
        "Learn several labels of an example, each true or false by itself: logistic outputs.",
        group="Model",
        added=True,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.multi_label:
            self._check_alone()
        if self.smoothing and self.loss != "cross-entropy":
            raise InputError("smoothing", "is of the cross-entropy", self.loss, "Leave it out")

    @property
    def criterion(self) -> str:
        """The metric that chooses the epoch."""
        return "macro_f1" if self.select == "f1" else self.select

    def _check_alone(self) -> None:
        """Raise InputError naming an option that several labels cannot have."""
        for name, given in (
            ("loss", self.loss != "cross-entropy"),
            ("smoothing", self.smoothing > 0),
            ("ngrams", self.ngrams),
            ("balance", self.balance),
        ):
            if given:
                rule = "is for one label of several, not with `multi_label`"
                raise InputError(name, rule, getattr(self, name), "Leave it out")


@dataclass(frozen=True)
class ClassifyAnswerOptions:
    """The options of `bptt predict` for classifiers. Raises InputError naming the option."""

    probabilities: bool = option(
        False, "Print the probability of every label, or of every predicted tag.", common=True
    )
    top: int = option(1, "Print the K most probable labels, a line each.", least=1, common=True)
    window: float = option(
        2.0, "With `stream` and clips: seconds of the past that each answer is about.", least=0.1
    )

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class ClassifyEvaluateOptions:
    """The options of `bptt evaluate` for classifiers."""

    part: Literal["train", "dev", "test", "all"] | None = option(
        None,
        "Part of the data to evaluate on.",
        usual="test or the groups held out, if the data name them",
    )


OPTIONS = JobOptions(
    name="classify",
    task="classify",
    called="classifier",
    title="Train a classifier of texts, DNA, series, sounds and videos.",
    about="One of several labels for each example: many to one, or one to one for a row of numbers.",
    stays="texts in TSV, CSV or JSON lines, not compressed, stay in their file",
    train=OptionSet(
        {
            "": ClassifyFiles,
            "data": ExampleOptions,
            "vocabulary": VocabularyOptions,
            "source": SourceOptions,
            "model": EncoderOptions,
            "tokens": TokenOptions,
            "head": HeadOptions,
            "clips": ClipOptions,
            "skeleton": SkeletonOptions,
        },
        usual={"level": "word", "token_dropout": 0.1},
        words={
            "dropout": "0.5 for texts, DNA and clips, else 0",
            "input_dropout": "0.3 for texts, DNA and clips, else 0",
        },
    ),
    predict=ClassifyAnswerOptions,
    evaluate=ClassifyEvaluateOptions,
    few=True,
)
