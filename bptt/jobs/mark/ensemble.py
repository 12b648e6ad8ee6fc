"""Markers that answer together, as taggers do."""

from __future__ import annotations

from bptt.jobs.ensembling import Ensembling
from bptt.jobs.mark.trained import TrainedMarker
from bptt.jobs.tag.ensemble import TaggerEnsemble, shared


class MarkerEnsemble(TaggerEnsemble, TrainedMarker):
    """Markers of the same labels."""


ENSEMBLING = Ensembling(shared, MarkerEnsemble, "Train all on sequences with the same labels and `crf`")
