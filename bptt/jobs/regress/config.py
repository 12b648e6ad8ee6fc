"""The configuration of a regressor."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.load import Cells
from bptt.data.readers.forms import Kind
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.classify.options import PoolingName
from bptt.jobs.options import ExampleOptions
from bptt.jobs.regress.options import OPTIONS, MeasuredOptions, RegressionOptions
from bptt.models.kinds.registry import find_kind
from bptt.models.options import EncoderOptions, TokenOptions

TASK = OPTIONS.task


@dataclass(frozen=True)
class RegressorConfig:
    """All options of a regressor. Rows of numbers are read by the layers `model.feed_forward` only."""

    cell: Cells
    source: MeasuredOptions
    model: EncoderOptions = field(default_factory=EncoderOptions)
    head: RegressionOptions = field(default_factory=RegressionOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)


def usual_pooling(kind: Kind) -> PoolingName:
    """Return the default pooling for inputs of a kind.

    The last step of a series can carry its length and sums; in a text, a few words decide.
    """
    return "last" if find_kind(kind).ngrams is None else "max"


def usual_feed_forward(kind: Kind) -> tuple[int, ...]:
    """Return the default widths of the feed-forward layers for inputs of a kind; rows have no others."""
    return (64,) if find_kind(kind).is_row else ()
