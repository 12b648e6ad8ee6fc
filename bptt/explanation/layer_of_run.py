"""The derivation of a run: its whole model, one layer of it, and a step with its numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path

import torch

from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.explain.annotate import with_kernel_lines
from bptt.explain.diagrams.architectures import STEPS as EACH_STEP
from bptt.explain.diagrams.architectures import Architecture
from bptt.explain.document import Derivation, Excerpt, Section, Stage, say
from bptt.explain.drawn import with_diagrams
from bptt.explain.network.run_sections import run_facts, run_sections
from bptt.explain.sizes import LayerSizes
from bptt.explain.trained_layer import StepContext, TrainedLayer, layer_derivation, with_step
from bptt.explanation.network_of_run import network_of_run
from bptt.jobs.expose import expose
from bptt.jobs.job import TrainedModel
from bptt.jobs.loading import load
from bptt.nn.crf import CRF
from bptt.nn.decoder import Decoder
from bptt.nn.exposure import Exposure, Part
from bptt.nn.pooling import Pooling
from bptt.nn.stack import Stack
from bptt.options.checks import as_path, shown
from bptt.probe.stack_layers import layer_names
from bptt.probe.step_numbers import step_numbers
from bptt.runs.run_folder import HELD_OUT, read_held_out

# A text is read to this step at least, and E is the sum of this number of losses at most.
STEPS, LOSSES = 256, 64
# Steps of the text that are shown on either side of the one in numbers.
AROUND = 24
# The names, in a diagram, of the ways from all steps to one vector; arrows alone lead from the last one.
POOLINGS = {"last": "", "mean": "mean", "max": "maximum", "attention": "attention"}


def explain_run(
    run: str | Path,
    *,
    numbers: bool | None = None,
    kernel: bool = False,
    diagrams: bool = False,
    text: str | Source | None = None,
    data: str | Path | None = None,
    part: str | None = None,
    layer: int = 1,
    reverse: bool = False,
    step: int | None = None,
    unit: int | None = None,
) -> Derivation:
    """Derive back-propagation through a trained model, and through one layer of it with its shapes.

    `bptt derive RUN` prints the same. `bptt.explain.text`, `latex` and `page` write the document out.

    Args:
        run: the run folder.
        numbers: whether a step is shown with all its numbers. None: if `text`, `data`, `step` or `unit` is
            given.
        kernel: whether each equation is shown beside its lines of the generated kernel.
        diagrams: whether the model's architecture, the cell, and the network in time are drawn.
        text: a text, or a file or document of one, whose step is shown; the example is the first of it.
            None: the text that the run has held out.
        data: a file in the format that the run learned, whose first example is shown with its labels.
        part: the part of the model, "encoder" or "decoder". None: the first.
        layer: the layer, from 1.
        reverse: whether the layer's backward direction is taken.
        step: the step, from 1. None: one with the median loss, or the last where steps have no loss.
        unit: the unit, from 1, whose numbers are shown below the equations. None: the one with the largest δ.

    Raises InputError if the folder is no run, or an argument does not fit its model.

    """
    if text is not None and data is not None:
        raise InputError(str(run), "is shown with `text` or `data`, not both")
    if text is not None and not isinstance(text, str | Path | Document):
        raise InputError("text", "is a text, or the Path of a file", shown(text))
    for name, number in (("layer", layer), ("step", step), ("unit", unit)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, Integral)):
            raise InputError(name, "is a whole number from 1", shown(number))
    folder = as_path("run", run)
    trained = load(folder)
    if not _stacks(trained):
        given = {"part": part, "unit": unit, "step": step, "text": text, "data": data}
        named = [name for name, value in given.items() if value is not None]
        if named or numbers or reverse or layer != 1:
            rule = f"`{named[0] if named else 'layer'}` is for a run with recurrent layers"
            raise InputError(str(run), rule, "feed-forward layers alone")
        return _feed_forward(trained, folder, diagrams)
    stack = _stack(trained, part)
    chosen = _layer(stack, layer, reverse, unit)
    document = layer_derivation(_described(stack, chosen, folder))
    shapes, *of_layer = document.sections
    whole = _whole_model(trained)
    document = replace(document, sections=(shapes, *whole, *of_layer)).numbered()
    if kernel:
        document = with_kernel_lines(document, stack.layers[chosen].cell)
    if diagrams:
        document = with_diagrams(document, (stack.layers[chosen].cell,), architecture(trained))
    if numbers is None:
        numbers = any(given is not None for given in (text, data, step, unit))
    if not numbers:
        return document
    source = Path(data) if data is not None else _text(folder, text)
    limit = max(STEPS, (step or 0) + LOSSES)
    # Gradients are recorded, whatever mode the caller is in.
    with torch.inference_mode(False), torch.enable_grad():
        exposure = expose(trained, source, labelled=data is not None, limit=limit)
        read = _StepOfPart.of(exposure, stack, step)
        found = step_numbers(exposure.model, stack, read.loss, read.step, chosen)
        return with_step(document, found, read.context(reverse), None if unit is None else unit - 1)


def _whole_model(trained: TrainedModel) -> tuple[Section, ...]:
    """Return the sections on the whole model, or the reason why it is not derived beside its layers."""
    try:
        return tuple(run_sections(*network_of_run(trained.model)))
    except InputError as error:
        reason = say("The model has a part that is not derived: {}. Its layers follow.", str(error))
        return (Section(Stage.NETWORK, "The whole network, forward", (reason,)),)


def _feed_forward(trained: TrainedModel, folder: Path, diagrams: bool) -> Derivation:
    """Return the derivation of a model without recurrent layers, which is that of its whole network."""
    whole, parts = network_of_run(trained.model)
    sections = tuple(run_sections(whole, parts))
    document = Derivation(folder.resolve().name, tuple(run_facts(whole, parts)), sections).numbered()
    return with_diagrams(document, (), architecture(trained)) if diagrams else document


def architecture(trained: TrainedModel) -> Architecture:
    """Return what a trained model is made of, to be drawn."""
    model = trained.model
    stacks = _stacks(trained)
    modules = tuple(model.modules())
    decoder = next((module for module in modules if isinstance(module, Decoder)), None)
    pooling = next((module for module in modules if isinstance(module, Pooling)), None)
    above = next((m for name, m in model.named_modules() if name.split(".")[-1] == "feed_forward"), None)
    main = next((s for s in stacks.values() if decoder is None or s is not decoder.recurrent), None)
    return Architecture(
        name="model",
        cells=_cell_names(main) if main else (),
        inputs=EACH_STEP if main else 1,
        bidirectional=main is not None and main.bidirectional,
        embedding=any(name.split(".")[-1] == "embedding" for name, _ in model.named_parameters()),
        answers_once=pooling is not None,
        pooling=POOLINGS[pooling.kind] if pooling else "",
        feed_forward=sum(isinstance(module, torch.nn.Linear) for module in above.modules()) if above else 0,
        output="output layer",
        joint="CRF" if any(isinstance(module, CRF) for module in modules) else "",
        decoder=_cell_names(decoder.recurrent) if decoder else (),
        attention=decoder is not None and decoder.attention is not None,
        input_feeding=decoder is not None and decoder.input_feeding,
    )


def _cell_names(stack: Stack) -> tuple[str, ...]:
    return tuple(cell.name for cell in stack.cells)


def has_text_of_its_own(run: str | Path) -> bool:
    """Return whether a run keeps the text that was held out."""
    return (Path(run) / HELD_OUT).is_file()


def _stack(trained: TrainedModel, part: str | None) -> Stack:
    """Return the recurrent stack of a model, or that of its encoder or decoder."""
    stacks = _stacks(trained)
    if part is not None and part not in stacks:
        raise InputError("part", f"is one of {', '.join(stacks)}", part)
    return stacks[part or next(iter(stacks))]


def _stacks(trained: TrainedModel) -> dict[str, Stack]:
    """Return the recurrent stacks of a model by the names of its parts."""
    # A stack by another name spells words character by character.
    named = ((name.split("."), module) for name, module in trained.model.named_modules())
    return {path[-2:][0]: m for path, m in named if isinstance(m, Stack) and path[-1] == "recurrent"}


def _layer(stack: Stack, layer: int, reverse: bool, unit: int | None) -> int:
    """Return the number of the layer and direction in torch's order, from 0."""
    if not 1 <= layer <= stack.num_layers:
        raise InputError("layer", f"is from 1 to {stack.num_layers}", layer)
    if reverse and not stack.bidirectional:
        raise InputError("reverse", "is for a layer that is read in both directions", "one direction")
    if unit is not None and not 1 <= unit <= stack.hidden_size:
        raise InputError("unit", f"is from 1 to {stack.hidden_size}", unit)
    return (layer - 1) * stack.num_directions + reverse


def _described(stack: Stack, chosen: int, run: Path) -> TrainedLayer:
    names = zip(layer_names(stack), stack.layers, strict=True)
    sizes = [LayerSizes(name, layer.sizes, layer.cell) for name, layer in names]
    weight = next(stack.parameters())
    dtype = str(weight.dtype).removeprefix("torch.")
    return TrainedLayer(
        stack.layers[chosen].cell, sizes, chosen, dtype, weight.element_size(), run.resolve().name
    )


def _text(run: Path, text: str | Source | None) -> Source:
    """Return the text that is read. Raises InputError if none is given and the run holds none."""
    if text is None and not has_text_of_its_own(run):
        raise InputError(str(run), "a step is one of a text", "none", "Give `text` or `data`")
    if text is None:
        return Document("text", read_held_out(run))
    return Document("text", text) if isinstance(text, str) else text


@dataclass(frozen=True, eq=False)
class _StepOfPart:
    """A step that a part of a model reads, from 0, and the loss terms that it is followed from."""

    exposure: Exposure
    part: Part
    step: int

    @classmethod
    def of(cls, exposure: Exposure, stack: Stack, step: int | None) -> _StepOfPart:
        """Find the step of this number, from 1; None: that with the median loss, or the last without any."""
        part = next(part for part in exposure.parts if part.stack is stack)
        steps = len(part.inputs)
        if step is not None:
            if not 1 <= step <= steps:
                raise InputError("step", f"is from 1 to {steps}, as many as the text has", step)
            return cls(exposure, part, step - 1)
        if not exposure.has_own_losses(part):
            return cls(exposure, part, steps - 1)
        some = sorted({round(k * (steps - 1) / (LOSSES - 1)) for k in range(LOSSES)})
        with torch.no_grad():
            median = some[int(exposure.losses(some).argsort()[len(some) // 2])]
        return cls(exposure, part, median)

    @property
    def terms(self) -> range:
        """The loss terms that are added up: those that the step has a part in, at most LOSSES."""
        first = self.step if self.exposure.has_own_losses(self.part) else 0
        first = max(0, first - LOSSES // 2) if self.part.stack.bidirectional else first
        return range(first, min(first + LOSSES, self.exposure.loss_steps))

    def loss(self) -> torch.Tensor:
        """Compute E, the sum of these terms."""
        return self.exposure.losses(self.terms).sum()

    def context(self, reverse: bool) -> StepContext:
        """Return the same as plain data."""
        exposure, step = self.exposure, self.step
        sequence, own = exposure.sequences[self.part.sequence], None
        token, texts = sequence.tokens[step], sequence.texts
        if exposure.has_own_losses(self.part):
            with torch.no_grad():
                own = exposure.targets[step], exposure.losses([step]).item()
        around = "".join(texts[max(0, step - AROUND) : step]), "".join(texts[step + 1 : step + 1 + AROUND])
        return StepContext(
            step=step,
            steps=len(sequence.tokens),
            sequence=sequence.name,
            token=token,
            excerpt=Excerpt(around[0], texts[step] or token, around[1]) if any(texts) else None,
            losses=self.terms,
            target=exposure.targets[self.terms[0]],
            own=own,
            backwards=reverse,
        )
