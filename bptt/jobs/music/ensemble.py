"""Models of music that score together: P of each step is the mean of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from bptt.jobs.ensembling import Ensembling
from bptt.jobs.language.ensemble import Mixture
from bptt.jobs.music.trained import TrainedMusicModel


def _combine(members: Sequence[TrainedMusicModel]) -> TrainedMusicModel:
    """Return a model whose pieces are judged beside the corpus of the first."""
    first, model = members[0], cast(Any, Mixture([each.model for each in members]))
    found = TrainedMusicModel(model, first.notation, first.config, first.corpus)
    found.members = tuple(members)
    return found


def _shared(trained: TrainedMusicModel) -> Mapping[str, object]:
    return {"notation": tuple(f"{name} {value}" for name, value in trained.notation.to_json().items())}


ENSEMBLING = Ensembling(_shared, _combine, "Train all on the same pieces, in the same representation")
