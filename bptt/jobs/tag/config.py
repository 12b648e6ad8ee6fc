"""What a tagger is made of: its choices in checked values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice
from bptt.data.schemes import SCHEMES, Scheme
from bptt.errors import InputError
from bptt.jobs.supervised import ExampleOptions, Select
from bptt.models.codecs.words import WordOptions
from bptt.models.encoder import EncoderOptions
from bptt.runs.options import ADDED

TASK = "tag"

# What a user says of tags that look like those of entities and are none.
NO_SCHEME = "none"

Unit = Literal["word", "character"]


@dataclass(frozen=True)
class TagOptions:
    """How tags are found.

    With `crf` they are the most probable sequence, of those that the scheme allows; without it, each is
    the most probable for its word. `scheme` is a name in `data.schemes.SCHEMES`, None for tags that spell
    no entities; where a task is made, None is for what the tags show, and "none" for no scheme whatever
    they show. `unit` is what plain text is cut
    into: what all words of the training data are. `select` is the held-out metric that chooses the epoch;
    None is for f1 if the tags spell entities, else accuracy. Raises InputError naming the option.
    """

    crf: bool = True
    scheme: str | None = None
    unit: Unit = "word"
    select: Select | None = field(default=None, kw_only=True, metadata=ADDED)

    def __post_init__(self) -> None:
        if self.scheme is not None:
            check_choice("scheme", self.scheme, (*SCHEMES, NO_SCHEME))
        if self.select is not None:
            check_choice("select", self.select, get_args(Select))

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
class TaggerConfig:
    """Every choice for a tagger."""

    cell: Cell
    tags: TagOptions = field(default_factory=TagOptions)
    words: WordOptions = field(default_factory=WordOptions)
    model: EncoderOptions = field(default_factory=EncoderOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)
