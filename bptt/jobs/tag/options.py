"""The options of a tagger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Literal

from bptt.data.schemes import SCHEMES, Scheme
from bptt.errors import InputError
from bptt.jobs.options import ExampleFiles, ExampleOptions, JobOptions, Select, VectorFiles
from bptt.models.options import EncoderOptions, WordOptions
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet

# What a user says of tags that look like those of entities and are none.
NO_SCHEME = "none"

SchemeName = Literal["IOB1", "BIO", "BIOES", "BMES", "BMEWO", "BILOU", "none"]
Unit = Literal["word", "character"]


@dataclass(frozen=True, kw_only=True)
class SentenceFiles(VectorFiles, ExampleFiles):
    """The files of a job that finds a tag for each word, whatever its sentences are read from."""

    header: bool | None = None


@dataclass(frozen=True, kw_only=True)
class TagFiles(SentenceFiles):
    """The files of a tagger."""

    data: Path = argument(
        "CoNLL file: word in the first column, tag in the last, blank lines between sentences."
    )
    header: bool | None = option(None, "Whether the first row is a header.", usual="detected", group="Data")


@dataclass(frozen=True)
class TagOptions:
    """How tags are found.

    With `crf` they are the most probable sequence, of those that the scheme allows; without it, each is
    the most probable for its word. `scheme` is a name in `data.schemes.SCHEMES`, None for tags that spell
    no entities; where a task is made, None is for what the tags show, and "none" for no scheme whatever
    they show. `unit` is what plain text is cut into: what all words of the training data are. `select` is
    the held-out metric that chooses the epoch; None is for f1 if the tags spell entities, else accuracy.
    Raises InputError naming the option.
    """

    crf: bool = option(True, "Score whole tag sequences with a conditional random field.", group="Model")
    scheme: SchemeName | None = option(
        None, "Tagging scheme of the entities.", usual="detected from the tags", group="Data"
    )
    unit: Unit = "word"
    _: KW_ONLY
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
        """The scheme, by its letters."""
        return None if self.scheme in (None, NO_SCHEME) else SCHEMES[self.scheme]

    @property
    def criterion(self) -> Select:
        """The metric that chooses the epoch. Raises InputError for f1 where tags spell no entities.

        Entities are few: when the loss is the smallest, most of them are not found yet.
        """
        if self.select == "f1" and self.spelling is None:
            cure = "Choose accuracy or loss"
            raise InputError("select", "f1 is of entities", "tags that spell none", cure)
        return self.select or ("accuracy" if self.spelling is None else "f1")


@dataclass(frozen=True)
class TagAnswerOptions:
    """How the answers of a tagger are shown."""

    probabilities: bool = option(
        False, "Print the probability of every label, or of every predicted tag.", common=True
    )
    n_best: int | None = option(
        None,
        "Number of answers to each input, with their scores (translate, tag with a CRF).",
        least=1,
        common=True,
    )


def _recall(section: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a section as options: without a scheme it would be looked for in the tags."""
    if section == "tags" and fields["scheme"] is None:
        return {**fields, "scheme": NO_SCHEME}
    return fields


OPTIONS = JobOptions(
    name="tag",
    task="tag",
    called="tagger",
    title="Train a tagger of words, such as entities or parts of speech.",
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
