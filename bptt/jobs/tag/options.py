"""The options of a tagger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bptt.data.cutting import Cutting, Level
from bptt.data.readers.asked import Said
from bptt.data.schemes import SCHEMES, Scheme
from bptt.errors import InputError
from bptt.jobs.options import ExampleFiles, ExampleOptions, JobOptions, Select, VectorFiles
from bptt.models.options import EncoderOptions, WordOptions
from bptt.options.field import ADDED, argument, check_fields, option
from bptt.options.option_set import OptionSet

# The value for tags that look like a scheme of entities and are none.
NO_SCHEME = "none"

SchemeName = Literal["IOB1", "BIO", "BIOES", "BMES", "BMEWO", "BILOU", "none"]
Unit = Literal["word", "character"]


@dataclass(frozen=True, kw_only=True)
class SentenceFiles(VectorFiles, ExampleFiles):
    """The files of a job that predicts a tag for each word, in any format of sentences."""

    header: bool | None = None

    def said(self) -> Said:
        """Return what the user says about DATA."""
        return Said(header=self.header)


@dataclass(frozen=True, kw_only=True)
class TagFiles(SentenceFiles):
    """The files of a tagger."""

    data: Path = argument(
        "CoNLL file: word in the first column, tag in the last, blank lines between sentences."
    )
    header: bool | None = option(None, "Whether the first row is a header.", usual="detected", group="Data")


@dataclass(frozen=True)
class TagOptions:
    """How tags are predicted.

    With `crf`, the answer is the most probable sequence that the scheme allows; without, the most probable
    tag of each word. `scheme` is a name in `data.schemes.SCHEMES`, None for tags that spell no entities;
    before training, None means detection, and "none" means no scheme. `unit` is character if all words of the
    training data are single characters. `level` is the rule by which plain text is cut, None before training
    for the one that the words show, and `kept` the words that it keeps whole (`data.cutting`). `select` is
    the held-out metric that chooses the epoch; None: f1 if the tags spell entities, else accuracy.

    Raises InputError with the option if a value is invalid.
    """

    crf: bool = option(True, "Score whole tag sequences with a conditional random field.", group="Model")
    scheme: SchemeName | None = option(
        None, "Tagging scheme of the entities.", usual="detected from the tags", group="Data"
    )
    unit: Unit = "word"
    _: KW_ONLY
    level: Level | None = option(
        None,
        "Words of plain text: whitespace, what lies between spaces; word, punctuation apart; character; "
        "jieba.",
        usual="as the words of DATA are cut",
        group="Data",
        added=True,
    )
    kept: tuple[str, ...] = field(default=(), metadata=ADDED)
    select: Select | None = option(
        None,
        "Held-out metric that chooses the epoch.",
        usual="f1 of entities, else accuracy",
        group="Training",
        added=True,
    )

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def spelling(self) -> Scheme | None:
        """The tagging scheme of the entities, None for none."""
        return None if self.scheme in (None, NO_SCHEME) else SCHEMES[self.scheme]

    @property
    def cutting(self) -> Cutting:
        """The rule by which plain text is cut; in older runs at white space or into characters."""
        usual: Level = "character" if self.unit == "character" else "whitespace"
        return Cutting(self.level or usual, self.kept)

    @property
    def criterion(self) -> Select:
        """The metric that chooses the epoch. Raises InputError for f1 if tags spell no entities.

        By default not the loss: entities are rare, and many are not yet found at the epoch of the smallest
        loss.
        """
        if self.select == "f1" and self.spelling is None:
            cure = "Choose accuracy or loss"
            raise InputError("select", "f1 is of entities", "tags that spell none", cure)
        return self.select or ("accuracy" if self.spelling is None else "f1")


@dataclass(frozen=True)
class TagAnswerOptions:
    """The options of `bptt predict` for taggers."""

    level: Level | None = option(
        None,
        "Words of plain text: whitespace for a text that is cut already, word, character or jieba (tag).",
        usual="as learned",
        group="Input",
        common=True,
    )
    probabilities: bool = option(
        False, "Print the probability of every label, or of every predicted tag.", common=True
    )
    n_best: int | None = option(
        None,
        "Number of answers to each input, with their scores (translate, transcribe, tag with a CRF).",
        least=1,
        common=True,
    )


def _recall(section: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a section as options; the scheme None becomes "none", to prevent detection."""
    if section == "tags" and fields["scheme"] is None:
        return {**fields, "scheme": NO_SCHEME}
    return fields


OPTIONS = JobOptions(
    name="tag",
    task="tag",
    called="tagger",
    title="Train a tagger of words, such as entities or parts of speech.",
    stays="sentences of a word a line, not compressed, stay in their file",
    train=OptionSet(
        {
            "": TagFiles,
            "data": ExampleOptions,
            "tags": TagOptions,
            "words": WordOptions,
            "model": EncoderOptions,
        },
        usual={"embedding_size": 100, "token_dropout": 0.2},
    ),
    predict=TagAnswerOptions,
    recall=_recall,
)
