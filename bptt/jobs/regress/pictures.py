"""The picture of an evaluation of a regressor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bptt.report.numbers_figure import draw_numbers


def draw(found: Sequence[tuple[str, Sequence[float], Sequence[float]]], path: Path) -> None:
    """Draw predictions over targets. Raises MachineError if the file cannot be written."""
    draw_numbers(found, path)
