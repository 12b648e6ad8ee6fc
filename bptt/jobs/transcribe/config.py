"""The configuration of a transcriber."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.load import Cells
from bptt.data.audio.options import AugmentOptions, SoundOptions
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.options import ExampleOptions
from bptt.jobs.transcribe.options import (
    OPTIONS,
    RecordingOptions,
    TargetOptions,
    TranscriberOptions,
    TranscriptOptions,
)

TASK = OPTIONS.task


@dataclass(frozen=True)
class TranscriberConfig:
    """All options of a transcriber."""

    cell: Cells
    source: RecordingOptions
    sound: SoundOptions = field(default_factory=SoundOptions)
    changes: AugmentOptions = field(default_factory=AugmentOptions)
    text: TranscriptOptions = field(default_factory=TranscriptOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    model: TranscriberOptions = field(default_factory=TranscriberOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)
