"""What a classifier is made of: its choices in checked values, and config.json and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice
from bptt.data.levels import VocabularyOptions
from bptt.data.readers.forms import FORMS, Kind
from bptt.data.readers.grid import Columns
from bptt.errors import InputError
from bptt.nn.pooling import PoolingKind
from bptt.tasks.encoder import EncoderOptions
from bptt.tasks.inputs import TokenOptions
from bptt.tasks.options import ADDED
from bptt.tasks.supervised import ExampleOptions

TASK = "classify"

Loss = Literal["cross-entropy", "squared"]


@dataclass(frozen=True)
class SourceOptions:
    """How inputs are read: `form` is a name in `data.readers.forms.FORMS`, the columns are those that the
    user or the training data named; `learned` are those that a text and its label were read from, `header`
    says whether the first row of a file names them (None: as the rows show). With `both_strands` DNA is
    learned in both directions, and what is found in it is the mean over them. Raises InputError naming the
    option.
    """

    form: str = "columns"
    input_column: str | None = None
    target_column: str | None = None
    features: tuple[str, ...] = ()
    both_strands: bool = False
    header: bool | None = field(default=None, metadata=ADDED)
    learned: tuple[str, ...] = field(default=(), metadata=ADDED)

    def __post_init__(self) -> None:
        check_choice("input", self.form, tuple(FORMS))
        if self.both_strands and self.kind != "dna":
            raise InputError("both_strands", "is for DNA", self.kind, "Leave it out")

    @property
    def kind(self) -> Kind:
        """The kind of the inputs."""
        return FORMS[self.form].kind

    @property
    def columns(self) -> Columns:
        """What is known about the columns of another file."""
        given = (self.input_column or "", self.target_column or "")
        return Columns(features=self.features, header=self.header, learned=self.learned or given)


@dataclass(frozen=True)
class HeadOptions:
    """What stands on top: the `pooling` of the steps, and the `loss`: cross-entropy, or ½‖p − y‖², where p
    are the probabilities and y is 1 for the label, else 0. Raises InputError naming the option.
    """

    pooling: PoolingKind = "max"
    loss: Loss = "cross-entropy"

    def __post_init__(self) -> None:
        check_choice("pooling", self.pooling, get_args(PoolingKind))
        check_choice("loss", self.loss, get_args(Loss))


@dataclass(frozen=True)
class ClassifierConfig:
    """Every choice for a classifier. A row of a table is read by `model.feed_forward` alone."""

    cell: Cell
    source: SourceOptions
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: HeadOptions = field(default_factory=HeadOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)
