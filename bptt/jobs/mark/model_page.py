"""A marker of DNA as a page runs it."""

from __future__ import annotations

from pathlib import Path

from bptt.data.nucleotides import LETTERS
from bptt.jobs.mark.trained import TrainedMarker
from bptt.jobs.model_page import ModelPage
from bptt.jobs.tag.model_page import tagger_page
from bptt.languages.phrase import phrase


def describe(trained: TrainedMarker, run: Path | None = None) -> ModelPage:
    """Return the model with its stretches; its words are the letters of DNA."""
    return tagger_page(
        trained,
        phrase("Marker of DNA"),
        {"kind": "letters", "letters": LETTERS},
        "ACGTTGCAACGTACGT",
    )
