"""The configuration of a tagger."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.load import Cells
from bptt.jobs.options import ExampleOptions
from bptt.jobs.tag.options import NO_SCHEME as NO_SCHEME
from bptt.jobs.tag.options import OPTIONS, TagOptions
from bptt.jobs.tag.options import Unit as Unit
from bptt.models.options import EncoderOptions, WordOptions

TASK = OPTIONS.task


@dataclass(frozen=True)
class TaggerConfig:
    """All options of a tagger."""

    cell: Cells
    tags: TagOptions = field(default_factory=TagOptions)
    words: WordOptions = field(default_factory=WordOptions)
    model: EncoderOptions = field(default_factory=EncoderOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)
