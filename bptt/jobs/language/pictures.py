"""The picture of an evaluation of a language model on minimal pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bptt.jobs.language.minimal_pairs import Summary
from bptt.report.agreement import AgreementPoint, draw_agreement


def draw(found: Mapping[str, Summary], path: Path) -> None:
    """Draw the accuracy by distance. Raises MachineError if the file cannot be written."""
    curves = {
        f"{name}: {each.whole.accuracy:.1%}": [
            AgreementPoint(distance, tally.pairs, tally.accuracy, tally.interval)
            for distance, tally in each.by_distance.items()
        ]
        for name, each in found.items()
    }
    draw_agreement(curves, path)
