"""Metrics of marking by base: how many bases have the label that they should have."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.data.examples import Words
from bptt.data.schemes import OUTSIDE
from bptt.jobs.tag.metrics import EntityScores, entity_scores


def base_scores(gold: Sequence[Words], found: Sequence[Words]) -> EntityScores:
    """Return precision, recall and F1 of marked bases, over all and by label; tags are of scheme BIO."""
    scores = entity_scores([_alone(tags) for tags in gold], [_alone(tags) for tags in found])
    return EntityScores("bases", scores.whole, scores.types)


def _alone(tags: Words) -> Words:
    """Return the tags with a stretch of its own for each base."""
    return tuple(tag if tag == OUTSIDE else f"S-{tag.partition('-')[2]}" for tag in tags)
