"""The picture of a translation's attention."""

from __future__ import annotations

from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.translate.answering import AttentionPicture
from bptt.report.attention_figure import draw_attention


def draw(found: AttentionPicture, path: Path) -> None:
    """Draw the attention weights.

    Raises InputError if there are none, MachineError if the file cannot be written.
    """
    if not found.weights or not found.weights[0]:
        raise InputError(str(path), "is for a text that attended to its source", "none", "Leave it out")
    draw_attention(found.weights, found.source, found.tokens, path)
