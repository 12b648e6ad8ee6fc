"""The configuration of a model of music."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.load import Cells
from bptt.jobs.music.options import OPTIONS, MusicModelOptions, NotationOptions, PieceOptions

TASK = OPTIONS.task


@dataclass(frozen=True)
class MusicConfig:
    """All options of a model of music; those of the notation have their values, no None."""

    cell: Cells
    notation: NotationOptions
    model: MusicModelOptions = field(default_factory=MusicModelOptions)
    data: PieceOptions = field(default_factory=PieceOptions)
