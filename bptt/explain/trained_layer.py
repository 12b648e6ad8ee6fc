"""The derivation of one layer of a trained model: its shapes, and a step with its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bptt.cells.cell import Cell
from bptt.derive.one_step import StepValues
from bptt.explain.derivation import derivation
from bptt.explain.document import Derivation, Excerpt, Part, Sentence, say
from bptt.explain.figures import figure
from bptt.explain.formula_tree import MathName
from bptt.explain.sizes import LayerSizes, shapes_section
from bptt.explain.step_in_numbers import busiest_unit, numbers_section, with_numbers
from bptt.languages.phrase import phrase


@dataclass(frozen=True)
class TrainedLayer:
    """A layer of a recurrent network to derive: the sizes of all layers, and the index `chosen`.

    `dtype` names the type of the weights, `bytes_each` is the size of one; `run` names the model.
    """

    cell: Cell
    layers: Sequence[LayerSizes]
    chosen: int
    dtype: str
    bytes_each: int
    run: str


@dataclass(frozen=True)
class StepContext:
    """The context of a step, and the loss E that its δ belong to; steps count from 0.

    Step `step` of a `sequence` of `steps` steps reads `token`, highlighted in the `excerpt` if the input is
    text. E is the sum of the losses of the steps `losses`; if that is one step, the loss of `target`. `own`
    is the target of the step itself and its loss, None if steps have no loss of their own. `backwards` marks
    a layer that reads from the end.
    """

    step: int
    steps: int
    sequence: str
    token: str
    excerpt: Excerpt | None
    losses: range
    target: str
    own: tuple[str, float] | None
    backwards: bool


def layer_derivation(layer: TrainedLayer) -> Derivation:
    """Return the derivation of the layer's cell, preceded by the layer's shapes."""
    document = derivation(layer.cell)
    shapes = shapes_section(layer.cell, layer.layers, layer.chosen, layer.dtype, layer.bytes_each)
    title = phrase("{}: {} of {}", phrase(document.title), layer.layers[layer.chosen].name, layer.run)
    return replace(document, title=title, sections=(shapes, *document.sections))


def with_step(
    document: Derivation, values: StepValues, context: StepContext, unit: int | None = None
) -> Derivation:
    """Add the numbers of a step to the document of `layer_derivation`.

    They are a section after the shapes, and the numbers of `unit`, from 0, below each equation. None: the
    unit with the largest δ.
    """
    shown = busiest_unit(values) if unit is None else unit
    title = phrase("Step {} in numbers", str(context.step + 1))
    numbers = numbers_section(values, shown, title, tuple(_where(context)))
    shapes, *others = with_numbers(document, values, shown).sections
    return replace(document, sections=(shapes, numbers, *others))


def _where(context: StepContext) -> Iterator[Part]:
    """Describe the step and its loss E."""
    step, steps = str(context.step + 1), str(context.steps)
    yield say("Step {} of {} of the {} reads “{}”:", step, steps, context.sequence, context.token)
    if context.excerpt is not None:
        yield context.excerpt
    yield _loss(context)
    if context.backwards:
        yield say("This direction reads from the end: t − 1 is the step after t.")


def _loss(context: StepContext) -> Sentence:
    """Describe E, after the loss of the step itself if it has one."""
    if len(context.losses) > 1:
        first, last = str(context.losses[0] + 1), str(context.losses[-1] + 1)
        of = say("{} is the sum of the losses of steps {} to {}.", MathName("E"), first, last)
    else:
        of = say("{} is the loss of “{}”.", MathName("E"), context.target)
    if context.own is None:
        return of
    target, loss = context.own
    return say("The target there is “{}”: its loss is {}. {}", target, figure(loss), of)
