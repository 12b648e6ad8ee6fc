"""What a translator is made of: its choices in checked values, and config.json and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice
from bptt.data.levels import VocabularyOptions
from bptt.data.readers.grid import Columns
from bptt.data.readers.translations import TRANSLATED, SourceKind, kind_of
from bptt.errors import InputError
from bptt.jobs.supervised import ExampleOptions
from bptt.jobs.translate.decoder_options import DecoderOptions
from bptt.jobs.translate.hypotheses import LengthLimit
from bptt.models.encoder import EncoderOptions
from bptt.models.inputs import TokenOptions
from bptt.runs.options import ADDED

TASK = "translate"


@dataclass(frozen=True)
class PairOptions:
    """How pairs are read: `form` is a name in `data.readers.translations.TRANSLATED`, the columns are those
    that the user or the training data named; `learned` are those that pairs were read from, `header` says
    whether the first row of a file names them (None: as the rows show). Raises InputError naming the option.
    """

    form: str = "text"
    source_column: str | None = None
    target_column: str | None = None
    features: tuple[str, ...] = ()
    header: bool | None = field(default=None, metadata=ADDED)
    learned: tuple[str, ...] = field(default=(), metadata=ADDED)

    def __post_init__(self) -> None:
        check_choice("input", self.form, TRANSLATED)

    @property
    def kind(self) -> SourceKind:
        """The kind of the inputs."""
        return kind_of(self.form)

    @property
    def is_vector(self) -> bool:
        """Whether an input is one vector, not a sequence: there is nothing to encode or attend to."""
        return self.kind in ("class", "table")

    @property
    def columns(self) -> Columns:
        """What is known about the columns of another file."""
        given = (self.source_column or "", self.target_column or "")
        return Columns(features=self.features, header=self.header, learned=self.learned or given)


@dataclass(frozen=True)
class TranslatorConfig:
    """Every choice for a translator. An input that is one vector is read by the decoder alone.

    `vocabulary` and `tokens` are for the source, if it is a text; `target` for what is written. `limit` is
    as long as a translation may become. Raises InputError naming the option.
    """

    cell: Cell
    pairs: PairOptions = field(default_factory=PairOptions)
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    decoder: DecoderOptions = field(default_factory=DecoderOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    target: VocabularyOptions = field(default_factory=VocabularyOptions)
    limit: LengthLimit = field(default_factory=LengthLimit)
    data: ExampleOptions = field(default_factory=ExampleOptions)

    def __post_init__(self) -> None:
        if self.decoder.shared and self.pairs.kind != "text":
            raise InputError("shared", "is for texts on both sides", self.pairs.kind, "Leave it out")
        if self.decoder.shared and self.vocabulary != self.target:
            raise InputError("shared", "needs one kind of tokens on both sides", "two", "Leave it out")
        if self.decoder.attention != "none" and self.pairs.is_vector:
            rule = "needs a sequence to attend to"
            raise InputError("attention", rule, f"a {self.pairs.kind}", "Choose none")
