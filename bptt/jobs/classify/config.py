"""What a classifier is made of: its choices in checked values, and config.json and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice, check_least, check_share
from bptt.data.levels import VocabularyOptions
from bptt.data.readers.forms import FORMS, Kind
from bptt.data.readers.grid import Columns
from bptt.errors import InputError
from bptt.jobs.supervised import ExampleOptions, Select
from bptt.models.encoder import EncoderOptions
from bptt.models.inputs import TokenOptions
from bptt.nn.pooling import PoolingKind
from bptt.runs.options import ADDED

TASK = "classify"

# The kinds of inputs that are made of letters.
HAS_NGRAMS: tuple[Kind, ...] = ("text", "dna")


def usual_smoothing(kind: Kind, loss: Loss) -> float:
    """Return the label smoothing for inputs of a kind. A squared loss has none."""
    return 0.1 if kind in HAS_NGRAMS and loss == "cross-entropy" else 0.0


def usual_dropout(kind: Kind) -> tuple[float, float]:
    """Return the dropout behind and before the network for inputs of a kind.

    Without any a recurrent network knows short texts by heart after two epochs.
    """
    return (0.5, 0.3) if kind in HAS_NGRAMS else (0.0, 0.0)


Loss = Literal["cross-entropy", "squared"]


# Names of columns that are listed.
_SHOWN = 8


@dataclass(frozen=True)
class SourceOptions:
    """How inputs are read: `form` is a name in `data.readers.forms.FORMS`, the columns are those that the
    user or the training data named; `learned` are those that a text and its label were read from, `header`
    says whether the first row of a file names them (None: as the rows show). With `both_strands` DNA is
    learned in both directions, and what is found in it is the mean over them. DNA in `windows` of N letters
    (0: of any length) is read at once, as a row of 4 N numbers. Raises InputError naming the option.
    """

    form: str = "columns"
    input_column: str | None = None
    target_column: str | None = None
    features: tuple[str, ...] = ()
    both_strands: bool = False
    header: bool | None = field(default=None, metadata=ADDED)
    learned: tuple[str, ...] = field(default=(), metadata=ADDED)
    windows: int = field(default=0, metadata=ADDED)

    def __post_init__(self) -> None:
        check_choice("input", self.form, tuple(FORMS))
        check_least("windows", self.windows, 0)
        for name in ("both_strands", "windows"):
            if getattr(self, name) and self.kind != "dna":
                raise InputError(name, "is for DNA", self.kind, "Leave it out")

    @property
    def kind(self) -> Kind:
        """The kind of the inputs."""
        return FORMS[self.form].kind

    @property
    def is_row(self) -> bool:
        """Whether an input is one row of numbers, read without recurrence."""
        return self.kind == "table" or self.windows > 0

    def describe_columns(self) -> list[str]:
        """Which columns of a table are the numbers that are learned from, and which is the label."""
        if self.form not in ("table", "long") or not self.features:
            return []
        more = f", and {len(self.features) - _SHOWN} others" if len(self.features) > _SHOWN else ""
        label = "".join(self.learned[1:])
        return [f"columns: numbers {', '.join(self.features[:_SHOWN])}{more}; label {label}"]

    @property
    def columns(self) -> Columns:
        """What is known about the columns of another file."""
        given = (self.input_column or "", self.target_column or "")
        return Columns(features=self.features, header=self.header, learned=self.learned or given)


@dataclass(frozen=True)
class HeadOptions:
    """What stands on top: the `pooling` of the steps, and the `loss`: cross-entropy, or ½‖p − y‖², where p
    are the probabilities and y is 1 for the label, else 0.

    With `ngrams` a logistic regression on the n-grams of a text, or the k-mers of DNA, answers beside the
    recurrent network. `smoothing` is that of the labels in training. `balance` weighs each label by the
    inverse of its frequency. With `thresholds` the held-out examples choose an offset to ln P of each label,
    by which answers are found. `select` is the metric of the held-out examples that chooses the epoch. Raises
    InputError naming the option.
    """

    pooling: PoolingKind = "max"
    loss: Loss = "cross-entropy"
    ngrams: bool = field(default=False, kw_only=True, metadata=ADDED)
    smoothing: float = field(default=0.0, kw_only=True, metadata=ADDED)
    balance: bool = field(default=False, kw_only=True, metadata=ADDED)
    select: Select = field(default="loss", kw_only=True, metadata=ADDED)
    thresholds: bool = field(default=False, kw_only=True, metadata=ADDED)

    def __post_init__(self) -> None:
        check_choice("pooling", self.pooling, get_args(PoolingKind))
        check_choice("select", self.select, get_args(Select))
        check_choice("loss", self.loss, get_args(Loss))
        check_share("smoothing", self.smoothing)
        if self.smoothing and self.loss != "cross-entropy":
            raise InputError("smoothing", "is of the cross-entropy", self.loss, "Leave it out")


@dataclass(frozen=True)
class ClassifierConfig:
    """Every choice for a classifier. A row of numbers is read by `model.feed_forward` alone. Raises
    InputError for n-grams of numbers.
    """

    cell: Cell
    source: SourceOptions
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: HeadOptions = field(default_factory=HeadOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)

    def __post_init__(self) -> None:
        if self.head.ngrams and self.source.kind not in HAS_NGRAMS:
            raise InputError("ngrams", "are of texts and DNA", self.source.kind, "Leave them out")


def in_windows(config: ClassifierConfig, length: int) -> ClassifierConfig:
    """Return the configuration for windows of DNA of this length, with a feed-forward layer at least.

    Raises InputError naming the option for other inputs.
    """
    widths = config.model.feed_forward or (config.model.hidden_size,)
    source, model = replace(config.source, windows=length), replace(config.model, feed_forward=widths)
    return replace(config, source=source, model=model)
