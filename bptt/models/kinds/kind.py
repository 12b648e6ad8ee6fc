"""The record of a kind of input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bptt.data.forms.form import InputForms
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.models.options import TokenOptions

if TYPE_CHECKING:
    from bptt.data.audio.options import AugmentOptions, SoundOptions
    from bptt.data.clips.clip_options import ClipOptions
    from bptt.data.ngrams import NgramRule
    from bptt.data.skeletons.options import SkeletonOptions
    from bptt.models.codecs.codec import Codec
    from bptt.models.summaries import StepSummary
    from bptt.runs.origin import Origin


@dataclass(frozen=True)
class CodecOptions:
    """The choices for a codec: the number of `columns`, D, of numbers; of texts the `vocabulary`, and the
    `tokens` of their embedding; DNA in `windows` of N letters (0: of any length) is one step; how `sound` is
    read, and its `changes` in training; how `clips` are; how a `skeleton` is read and changed. As many
    `workers` read training inputs that do not fit into memory. `labels` are those to be learned.
    """

    columns: int = 0
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    windows: int = 0
    sound: SoundOptions | None = None
    changes: AugmentOptions | None = None
    clips: ClipOptions | None = None
    workers: int = 0
    skeleton: SkeletonOptions | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InputKind(InputForms):
    """A kind of input: the forms of its files, its codec, and what jobs have to know.

    `new` makes the codec from the inputs of the training, `saved` from a run folder, `continued` from the
    codec of the run that a new one begins from (None: as `saved` in a folder without files), `vectors` with
    a file of word vectors (None: there is no such thing). Examples that do not fit into memory
    (`fits_memory` False) are encoded when a batch needs them: their inputs say where they are, and the codec
    reads them.
    """

    new: Callable[[Sequence[Any], CodecOptions], Codec[Any]]
    saved: Callable[[Path, CodecOptions], Codec[Any]]
    continued: Callable[[Origin[Codec[Any]], Sequence[Any], CodecOptions], Codec[Any]] | None = None
    vectors: Callable[[Sequence[Any], CodecOptions, Path], Codec[Any]] | None = None
    # A single row of numbers, without time.
    is_row: bool = False
    fits_memory: bool = True
    # A text, which an answer repeats, and of which a stream of lines is read as it arrives.
    is_text: bool = False
    # The n-grams of a linear model beside the network; None without.
    ngrams: NgramRule | None = None
    # The same input read from the other end; None where there is no other strand.
    other_strand: Callable[[Any], Any] | None = None
    # Whether inputs of one length can be read at once, by feed-forward layers.
    has_windows: bool = False
    # Dropout behind and before the network, and label smoothing, where the user says nothing.
    dropout: tuple[float, float] = (0.0, 0.0)
    smoothing: float = 0.0
    # The reduction of the steps to one vector where the user says nothing; the least number of updates of a
    # training whose epochs are not chosen, 0 for the usual one.
    pooling: Literal["last", "mean", "max", "attention"] = "max"
    updates: int = 0
    # Vectors of the steps of an input, for linear models beside the network.
    summaries: tuple[StepSummary, ...] = ()
