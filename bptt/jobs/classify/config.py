"""The configuration of a classifier, as it is written to config.json."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bptt.cells.load import Cells
from bptt.data.clips.clip_options import ClipOptions
from bptt.data.readers.forms import Kind
from bptt.data.skeletons.options import SkeletonOptions
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.classify.options import OPTIONS, ClassLoss, HeadOptions, SourceOptions
from bptt.jobs.options import ExampleOptions
from bptt.models.kinds.registry import find_kind
from bptt.models.options import EncoderOptions, TokenOptions

TASK = OPTIONS.task


def has_ngrams(kind: Kind) -> bool:
    """Return whether inputs of a kind have n-grams for a linear model, being made of letters."""
    return find_kind(kind).ngrams is not None


def usual_smoothing(kind: Kind, loss: ClassLoss) -> float:
    """Return the default label smoothing for inputs of a kind; 0 for a squared loss."""
    return find_kind(kind).smoothing if loss == "cross-entropy" else 0.0


def usual_dropout(kind: Kind) -> tuple[float, float]:
    """Return the default dropout after and before the recurrent layers for inputs of a kind."""
    return find_kind(kind).dropout


@dataclass(frozen=True)
class ClassifierConfig:
    """All options of a classifier. Rows of numbers are read by the layers `model.feed_forward` only.

    Raises InputError for n-grams of inputs that are not made of letters.
    """

    cell: Cells
    source: SourceOptions
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: HeadOptions = field(default_factory=HeadOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)
    clips: ClipOptions = field(default_factory=ClipOptions)
    skeleton: SkeletonOptions = field(default_factory=SkeletonOptions)

    def __post_init__(self) -> None:
        if self.head.ngrams and not has_ngrams(self.source.kind):
            raise InputError("ngrams", "are of texts and DNA", self.source.kind, "Leave them out")


def in_windows(config: ClassifierConfig, length: int) -> ClassifierConfig:
    """Return the configuration for windows of DNA of this length, with at least one feed-forward layer.

    Raises InputError with the option if inputs are not DNA.
    """
    widths = config.model.feed_forward or (config.model.hidden_size,)
    source, model = replace(config.source, windows=length), replace(config.model, feed_forward=widths)
    return replace(config, source=source, model=model)
