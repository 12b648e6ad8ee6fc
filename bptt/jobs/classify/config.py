"""What a classifier is made of: its choices in checked values, and config.json and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bptt.cells.cell import Cell
from bptt.data.readers.forms import Kind
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.classify.options import OPTIONS, HeadOptions, Loss, SourceOptions
from bptt.jobs.options import ExampleOptions
from bptt.models.kinds.registry import find_kind
from bptt.models.options import EncoderOptions, TokenOptions

TASK = OPTIONS.task


def has_ngrams(kind: Kind) -> bool:
    """Return whether a linear model can read n-grams of inputs of a kind, as they are made of letters."""
    return find_kind(kind).ngrams is not None


def usual_smoothing(kind: Kind, loss: Loss) -> float:
    """Return the label smoothing for inputs of a kind. A squared loss has none."""
    return find_kind(kind).smoothing if loss == "cross-entropy" else 0.0


def usual_dropout(kind: Kind) -> tuple[float, float]:
    """Return the dropout behind and before the network for inputs of a kind."""
    return find_kind(kind).dropout


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
        if self.head.ngrams and not has_ngrams(self.source.kind):
            raise InputError("ngrams", "are of texts and DNA", self.source.kind, "Leave them out")


def in_windows(config: ClassifierConfig, length: int) -> ClassifierConfig:
    """Return the configuration for windows of DNA of this length, with a feed-forward layer at least.

    Raises InputError naming the option for other inputs.
    """
    widths = config.model.feed_forward or (config.model.hidden_size,)
    source, model = replace(config.source, windows=length), replace(config.model, feed_forward=widths)
    return replace(config, source=source, model=model)
