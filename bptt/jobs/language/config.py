"""What a language model is made of: its choices in checked values, and config.json and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from bptt.cells.cell import Cell
from bptt.data.batches import NOTHING
from bptt.data.checks import check_choice, check_least, check_share
from bptt.data.levels import END, VocabularyOptions
from bptt.errors import InputError
from bptt.models.recurrent_options import RecurrentOptions
from bptt.runs.config import read_sections
from bptt.runs.options import ADDED, to_section

TASK = "language-model"

Mode = Literal["continuous", "sentences"]

_EMBEDDING = 64


@dataclass(frozen=True)
class ModelOptions(RecurrentOptions):
    """The sizes of a language model, beside those of its stack.

    `embedding_size` is D (0: one-hot input; None: 64, or the width of the output if `tied`). `tied`
    takes the embedding as output matrix too (Press and Wolf 2017). `dropout` acts on the embedding,
    between the layers and before the output (Zaremba et al. 2014). `frozen` keeps the embedding as it
    begins. Raises InputError naming the option.
    """

    embedding_size: int | None = None
    tied: bool = False
    frozen: bool = field(default=False, kw_only=True, metadata=ADDED)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_least("embedding_size", self.width, 0)
        if self.frozen and not self.width:
            raise InputError("frozen", "is of an embedding", "one-hot input", "Leave it out")
        self.check_tied(self.output_size)

    def check_tied(self, output_size: int) -> None:
        """Raise InputError if the weights are tied and the output has another width than the embedding."""
        if self.tied and self.width != output_size:
            rule = f"tied weights need an embedding as wide as the output, {output_size}"
            raise InputError("embedding_size", rule, self.width, "Leave it out")

    def of_width(self, width: int) -> ModelOptions:
        """Return the options with an embedding as wide as vectors trained elsewhere.

        Raises InputError if another width was asked for, or none, or the weights are tied to another one.
        """
        if self.embedding_size == 0:
            cure = "Leave out --vectors or --one-hot"
            raise InputError("vectors", "are of an embedding", "one-hot input", cure)
        if self.embedding_size not in (None, width):
            rule = f"must be as wide as the embedding, {self.embedding_size}"
            raise InputError("vectors", rule, width, "Leave out --embedding")
        if self.tied and width != self.output_size:
            rule = f"tied weights need vectors as wide as the output, {self.output_size}"
            raise InputError("vectors", rule, width, "Leave out --tied, or change --hidden")
        return replace(self, embedding_size=width)

    @property
    def width(self) -> int:
        """D, or 0 for one-hot input."""
        if self.embedding_size is not None:
            return self.embedding_size
        return self.output_size if self.tied else _EMBEDDING


@dataclass(frozen=True)
class DataOptions:
    """How a text is read.

    In the mode "continuous" it is cut into `batch_size` streams, of which `sequence_length` tokens are
    read at a time with the states carried over; in "sentences" each line stands alone. `seed` is for
    the order of the sentences. The last fraction `held_out` of the text, which may be 0, is never
    learned from, unless another text is given for that. Raises InputError naming the option.
    """

    mode: Mode = "continuous"
    batch_size: int = 32
    sequence_length: int = 50
    held_out: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, get_args(Mode))
        check_least("batch_size", self.batch_size, 1)
        check_least("sequence_length", self.sequence_length, 1)
        check_least("seed", self.seed, 0)
        check_share("held_out", self.held_out)

    @property
    def before_line(self) -> int:
        """The input before the first token of a line that is scored by itself.

        A model of sentences learned to begin from nothing, a zero input (L2). In a continuous text the end
        of another line comes before a line; from zero the model has begun only once in each stream.
        """
        return NOTHING if self.mode == "sentences" else END

    @property
    def line_context(self) -> str:
        """The same in words, for the user."""
        if self.mode == "sentences":
            return "each line is read from a zero input, as the model learned sentences"
        return "each line is read after <eos>, the end of a line, as the model learned a continuous text"


@dataclass(frozen=True)
class LanguageModelConfig:
    """Every choice for a language model: what is computed, on which text, cut into which tokens."""

    cell: Cell
    model: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)

    def to_dict(self) -> dict[str, Any]:
        """The sections of config.json, with the usual values filled in."""
        return {
            "model": to_section(self.model) | {"embedding_size": self.model.width},
            "cell": self.cell.to_dict(),
            "data": to_section(self.data),
            "vocabulary": to_section(self.vocabulary),
        }


@dataclass(frozen=True)
class Source:
    """What a run was trained on: the names and the fingerprint of its text, V and the fingerprint of
    its vocabulary.
    """

    names: tuple[str, ...]
    text_sha256: str
    vocabulary_size: int
    vocabulary_sha256: str


@dataclass(frozen=True)
class _Whole:
    """All sections of config.json."""

    cell: Cell
    model: ModelOptions
    data: DataOptions
    vocabulary: VocabularyOptions
    source: Source


def read_language_config(run: Path) -> tuple[LanguageModelConfig, Source]:
    """What `run` says about itself. Raises InputError if it is no language model, or damaged."""
    found = read_sections(_Whole, run, TASK)
    return LanguageModelConfig(found.cell, found.model, found.data, found.vocabulary), found.source
