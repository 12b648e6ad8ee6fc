"""The values of all layers of a model on its examples, and the units that follow a property of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from bptt.errors import InputError
from bptt.nn.exposure import Exposure, Part
from bptt.probe.layer_values import LayerValues, values
from bptt.probe.properties import Property
from bptt.probe.units import Ranking, rank_units, varies


def are_one_text(subjects: Sequence[Exposure]) -> bool:
    """Return whether they are stretches of one text, each with the states that the one before left."""
    return subjects[-1].parts[0].initial is not None


def values_of(subjects: Sequence[Exposure]) -> list[tuple[Part, LayerValues]]:
    """Return every layer's values on all examples, concatenated, with its part in the first example."""
    each = [
        [(part, found) for part in subject.parts for found in values(part.stack, part.inputs, part.initial)]
        for subject in subjects
    ]
    return [
        (same[0][0], _joined(same[0][0], [found for _, found in same])) for same in zip(*each, strict=True)
    ]


def _joined(part: Part, found: Sequence[LayerValues]) -> LayerValues:
    same = zip(*(one.values for one in found), strict=True)
    values_ = tuple(replace(v[0], tensor=torch.cat([one.tensor for one in v])) for v in same)
    name = part.shown(found[0].name)
    for value in values_:
        if not value.tensor.isfinite().all():
            cure = "`bptt.probe.find_non_finite` says where it begins"
            raise InputError(f"{name} {value.name}", "expected finite numbers", "NaN or infinity", cure)
    return replace(found[0], name=name, values=values_)


def rank_properties(
    subjects: Sequence[Exposure],
    layers: Sequence[tuple[int, LayerValues]],
    properties: Sequence[Property],
) -> Iterator[tuple[Property, Ranking]]:
    """Yield each property that varies with the units that follow it best.

    Args:
        subjects: the examples.
        layers: the values of layers on all examples, one after the other, each with the number of the
            sequence that it reads.
        properties: of the tokens of that sequence.

    """
    together = [subjects] if are_one_text(subjects) else [[subject] for subject in subjects]
    for number in dict.fromkeys(sequence for sequence, _ in layers):
        texts = [[text for one in each for text in one.sequences[number].texts] for each in together]
        found = [(property_, torch.cat([property_.of(each) for each in texts])) for property_ in properties]
        asked = [(property_, steps) for property_, steps in found if varies(steps)]
        here = [values_ for sequence, values_ in layers if sequence == number]
        if asked:
            rankings = rank_units(here, [steps for _, steps in asked])
            yield from zip((property_ for property_, _ in asked), rankings, strict=True)
