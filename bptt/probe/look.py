"""A look into a model on examples of its job: everything that probes measure, gathered by layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.exposure import Exposure, Part
from bptt.notebook import list_html
from bptt.probe.arrivals import own_anchors
from bptt.probe.attribution import gradient_x_input, integrated_gradients
from bptt.probe.decay_bound import DecayBound, decay_bounds
from bptt.probe.example_values import rank_properties, values_of
from bptt.probe.flow import NET, Anchors, Flow, check_lags, flow
from bptt.probe.last_loss import call_of, go_back
from bptt.probe.layer_values import LayerValues
from bptt.probe.listener import only_vectors
from bptt.probe.maps import GradientMap, gradient_maps
from bptt.probe.properties import Property
from bptt.probe.saturation import Saturations, saturation
from bptt.probe.spectrum import LayerSpectrum, spectrum
from bptt.probe.stack_layers import layer_names
from bptt.probe.undisturbed import undisturbed
from bptt.probe.units import Ranking
from bptt.probe.verdict import Evidence, Finding, verdict, verdict_html

# The number of losses of an example, the largest ones, that integrated gradients explain: each takes about a
# hundred passes.
INTEGRATED = 4
# Lyapunov exponents and singular values are computed along this number of steps, and this number of each.
SPECTRUM_STEPS = 200


@dataclass(frozen=True, eq=False)
class LayerMeasurements:
    """A layer of a part in one direction, named as it is shown, on all examples after each other.

    `sequence` is the number of what it reads; `values` are (T, 1, width) each; `bound` is that of its decay,
    where the cell has one and no layer above could carry the gradient around it.
    """

    name: str
    part: Part
    sequence: int
    values: LayerValues
    bound: DecayBound | None
    spectrum: LayerSpectrum | None


@dataclass(frozen=True, eq=False)
class Look:
    """All that was measured. `losses` (T,) belong to the steps of sequence `of`, NaN where there are none.

    The flow goes back from each loss at its own step, or from where a loss of all steps enters last.
    The maps and the attributions are those of the first example: `gradient_times_input` (M, N), and
    `integrated` (m, N) for the loss steps `integrated_steps`, both of the first part's input.
    """

    of: int
    losses: Tensor
    layers: tuple[LayerMeasurements, ...]
    flow: Flow
    maps: tuple[GradientMap, ...]
    gradient_times_input: Tensor
    integrated_steps: tuple[int, ...]
    integrated: Tensor
    saturations: Saturations
    rankings: tuple[tuple[Property, Ranking], ...]
    findings: tuple[Finding, ...]

    def _repr_html_(self) -> str:
        """Return the verdict and the curves of the gradient, in words, for a notebook."""
        return verdict_html(self.findings) + list_html(curve.sentence for curve in self.flow.curves)


def look(
    subjects: Sequence[Exposure],
    lags: int,
    properties: Sequence[Property] = (),
    most: int = 200,
    progress: Callable[[str, int, int], None] = lambda what, done, all_: None,
) -> Look:
    """Look into a model on one or more examples of the same job.

    Args:
        subjects: the examples.
        lags: how far back the gradient is followed.
        properties: of the tokens; units are ranked by how well they follow each.
        most: the number of losses of an example that are gone back from, evenly chosen, if it has more.
        progress: called with the stage, the steps done and the steps in all.

    Raises InputError if there is no example, or NaN or infinity in what a layer computes of one.

    """
    if not subjects:
        raise InputError("look", "there is at least one example", "none")
    check_lags(lags)
    if most < 1:
        raise InputError("look", "one loss of each example is gone back from, or more", most)
    count = len(subjects) + 4
    maps = []
    for number, subject in enumerate(subjects):
        progress("gradients", number, count)
        modules = [(part.name, part.stack) for part in subject.parts]
        terms = _evenly(subject.loss_steps, most)
        maps.append(gradient_maps(subject.model, subject.losses, terms, modules=modules))
    progress("gates and states", count - 4, count)
    seen = values_of(subjects)
    used = saturation([found for _, found in seen])
    progress("spectra", count - 3, count)
    layers = tuple(_layers(subjects[0], seen))
    progress("attribution", count - 2, count)
    first, (times_input, chosen, integrated) = subjects[0], _attribute(subjects[0], maps[0][0])
    progress("units", count - 1, count)
    ways = [way for subject, found in zip(subjects, maps, strict=True) for way in _ways_back(subject, found)]
    found = flow([way for way, _ in ways], [anchors for _, anchors in ways], lags)
    return Look(
        of=first.of,
        losses=_losses(subjects, maps),
        layers=layers,
        flow=found,
        maps=maps[0],
        gradient_times_input=times_input,
        integrated_steps=chosen,
        integrated=integrated,
        saturations=used,
        rankings=tuple(
            rank_properties(subjects, [(layer.sequence, layer.values) for layer in layers], properties)
        ),
        findings=verdict(list(_evidence(layers, found, used, _arriving(ways)))),
    )


def _evenly(count: int, most: int) -> list[int]:
    """Return at most `most` of the numbers below `count`, evenly chosen, the last among them."""
    return [count - 1 - k * count // min(count, most) for k in reversed(range(min(count, most)))]


def _layers(subject: Exposure, seen: Sequence[tuple[Part, LayerValues]]) -> Iterator[LayerMeasurements]:
    """Return each layer with its bound and its spectrum, along the first steps of the first example."""
    for part in subject.parts:
        here = [found for other, found in seen if other is part]
        bounds, top = decay_bounds(part.stack), part.stack.num_layers
        x = part.inputs[:SPECTRUM_STEPS]
        long = any(cell.states for cell in part.stack.cells) and len(x) > 1
        spectra = spectrum(part.stack, x, part.initial) if long else ()
        named = [replace(one, name=part.shown(one.name)) for one in spectra]
        measured = {one.name: one for one in named}
        for found, bound in zip(here, bounds, strict=True):
            shown = bound if found.layer == top else None
            yield LayerMeasurements(found.name, part, part.sequence, found, shown, measured.get(found.name))


def _attribute(subject: Exposure, found: GradientMap) -> tuple[Tensor, tuple[int, ...], Tensor]:
    """Compute gradient x input for every loss of a map; integrated gradients for the largest, with their
    numbers.
    """
    inputs, terms = subject.parts[0].inputs, found.loss_steps
    largest = found.losses.topk(min(INTEGRATED, len(terms))).indices.tolist()
    chosen = tuple(sorted(terms[k] for k in largest))
    stacks = [part.stack for part in subject.parts]
    with undisturbed(subject.model), only_vectors(subject.model, stacks):
        times_input = gradient_x_input(subject.losses_of, inputs, terms)
        integrated = integrated_gradients(subject.losses_of, inputs, chosen)
    return times_input, chosen, integrated.scores


# Maps of the layers, and by layer the step at which each loss enters it: what `flow` takes of an example.
_Way: TypeAlias = tuple[Sequence[GradientMap], Anchors]


def _ways_back(subject: Exposure, maps: Sequence[GradientMap]) -> Iterator[_Way]:
    """Return the maps and anchors from which the gradient by lag of each part is computed."""
    for part in subject.parts:
        names = [part.shown(name) for name in layer_names(part.stack)]
        here = [found for found in maps if found.layer in names]
        if subject.has_own_losses(part):
            yield here, own_anchors(subject, part, dict(zip(names, here, strict=True)))
        else:
            yield from _ways_from_last(subject, part, here)


def _ways_from_last(subject: Exposure, part: Part, maps: Sequence[GradientMap]) -> Iterator[_Way]:
    """Yield the map of a loss of all steps, pooled or attended to, from the step where it enters last alone:
    it enters at each of them, which hides what is lost on the way.
    """
    every, silent = maps[0].loss_steps, {found.layer: found for found in maps}
    for examples, anchors in go_back(call_of(subject.model, part.stack, lambda: subject.losses(every))):
        for found, places in zip(examples, anchors, strict=True):
            named = [replace(one, layer=part.shown(one.layer)) for one in found]
            silent = {layer: one for layer, one in silent.items() if layer not in {n.layer for n in named}}
            yield named, {part.shown(layer): steps for layer, steps in places.items()}
    for layer, none in silent.items():
        yield [none], {layer: [None] * len(every)}


def _losses(subjects: Sequence[Exposure], maps: Sequence[Sequence[GradientMap]]) -> Tensor:
    """Order losses by the step of the sequence that they belong to; a single one belongs to the last step."""
    found = []
    for subject, (first, *_) in zip(subjects, maps, strict=True):
        steps = torch.full((len(subject.sequences[subject.of].tokens),), torch.nan, dtype=torch.float64)
        before = len(steps) - subject.loss_steps
        steps[[before + term for term in first.loss_steps]] = first.losses
        found.append(steps)
    return torch.cat(found)


def _arriving(ways: Iterable[_Way]) -> set[str]:
    """Return the layers that a loss depends on."""
    return {
        layer
        for _, anchors in ways
        for layer, places in anchors.items()
        if any(at is not None for at in places)
    }


def _evidence(
    layers: Sequence[LayerMeasurements], found: Flow, used: Saturations, arriving: Collection[str]
) -> Iterator[Evidence]:
    curves = {curve.layer: curve for curve in found.curves if curve.quantity == NET}
    for layer in layers:
        gates = {v.name: float(v.tensor.mean()) for v in layer.values.values if v.kind == "gate"}
        yield Evidence(
            layer=layer.name,
            cell=layer.part.stack.cells[layer.values.layer - 1],
            curve=curves[layer.name],
            bound=layer.bound,
            spectrum=layer.spectrum,
            saturations=[s for s in used.bounded if s.layer == layer.name],
            activities=[a for a in used.rectified if a.layer == layer.name],
            gates=gates,
            arrives=layer.name in arriving,
        )
