"""What a tagger is made of: its choices in checked values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice
from bptt.data.schemes import SCHEMES, Scheme
from bptt.tasks.codecs.words import WordOptions
from bptt.tasks.encoder import EncoderOptions
from bptt.tasks.supervised import ExampleOptions

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
    into: what all words of the training data are. Raises InputError naming the option.
    """

    crf: bool = True
    scheme: str | None = None
    unit: Unit = "word"

    def __post_init__(self) -> None:
        if self.scheme is not None:
            check_choice("scheme", self.scheme, (*SCHEMES, NO_SCHEME))

    @property
    def spelling(self) -> Scheme | None:
        """The scheme, by its letters."""
        return None if self.scheme in (None, NO_SCHEME) else SCHEMES[self.scheme]


@dataclass(frozen=True)
class TaggerConfig:
    """Every choice for a tagger."""

    cell: Cell
    tags: TagOptions = field(default_factory=TagOptions)
    words: WordOptions = field(default_factory=WordOptions)
    model: EncoderOptions = field(default_factory=EncoderOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)
