"""`bptt derive RUN`: the derivation of a trained model's layer, with its shapes, kernel and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.forms import Source
    from bptt.explain.document import Derivation, Section
    from bptt.explain.document import Part as DocumentPart
    from bptt.jobs.loading import AnyTrained
    from bptt.nn.exposure import Exposure, Part
    from bptt.nn.stack import Stack

# So many steps are read, and so many loss terms added up.
STEPS, LOSSES = 256, 64
# So many steps are shown to either side of a token.
AROUND = 24


@dataclass(frozen=True)
class Question:
    """Which numbers of a run are wanted; steps, layers and units count from 1, None is for the usual."""

    text: str | None = None
    data: Path | None = None
    part: str | None = None
    layer: int = 1
    reverse: bool = False
    step: int | None = None
    unit: int | None = None

    @property
    def of_a_step(self) -> bool:
        """Whether numbers are wanted, as something is asked that only they have."""
        return any(each is not None for each in (self.text, self.data, self.step, self.unit))

    @property
    def is_asked(self) -> bool:
        """Whether anything but the usual is wanted."""
        return self != Question()


def derive_run(run: Path, question: Question, *, numbers: bool, kernel: bool) -> Derivation:
    """The derivation of the layer that is asked for, with what is wanted beside it. Raises InputError."""
    from dataclasses import replace

    from bptt.cli.machine import prepare

    prepare()
    from bptt.derive.normal_form import normal_form
    from bptt.explain.annotate import passages
    from bptt.explain.derivation import derivation
    from bptt.explain.kernel import with_kernel
    from bptt.jobs.loading import load
    from bptt.probe.layers import layer_names

    trained = load(run)
    stack = _stack(run, trained, question.part)
    layer = _layer(stack, question)
    document = derivation(stack.cell)
    sections: tuple[Section, ...] = (_shapes(stack, layer),)
    if kernel:
        document = with_kernel(document, normal_form(stack.cell), passages(stack.cell))
    if numbers:
        document, found = _numbers(document, run, trained, stack, layer, question)
        sections += (found,)
    title = f"{document.title}: {layer_names(stack)[layer]} of {run.resolve().name}"
    return replace(document, title=title, sections=(*sections, *document.sections))


def has_text_of_its_own(run: Path) -> bool:
    """Whether a run keeps the text that was held out."""
    from bptt.runs.run_folder import HELD_OUT

    return (run / HELD_OUT).is_file()


def _stack(run: Path, trained: AnyTrained, part: str | None) -> Stack:
    """The recurrent stack of a model, or that of its encoder or decoder."""
    from bptt.nn.stack import Stack

    # What spells words character by character is a stack by another name.
    named = ((name.split("."), module) for name, module in trained.model.named_modules())
    stacks = {path[-2:][0]: m for path, m in named if isinstance(m, Stack) and path[-1] == "recurrent"}
    if not stacks:
        raise InputError(str(run), "must have a recurrent network to be derived", "feed-forward layers alone")
    if part is not None and part not in stacks:
        raise InputError("--part", f"is one of {', '.join(stacks)}", part)
    return stacks[part or next(iter(stacks))]


def _layer(stack: Stack, question: Question) -> int:
    """The number of the layer and direction in torch's order."""
    if not 1 <= question.layer <= stack.num_layers:
        raise InputError("--layer", f"is from 1 to {stack.num_layers}", question.layer)
    if question.reverse and not stack.bidirectional:
        raise InputError("--reverse", "is for a layer that is read in both directions", "one direction")
    if question.unit is not None and not 1 <= question.unit <= stack.hidden_size:
        raise InputError("--unit", f"is from 1 to {stack.hidden_size}", question.unit)
    return (question.layer - 1) * stack.num_directions + question.reverse


def _shapes(stack: Stack, layer: int) -> Section:
    from bptt.explain.sizes import LayerSizes, shapes_section
    from bptt.probe.layers import layer_names

    names = zip(layer_names(stack), stack.layers, strict=True)
    sizes = [LayerSizes(name, one.sizes) for name, one in names]
    weight = next(stack.parameters())
    return shapes_section(stack.cell, sizes, layer, str(weight.dtype).split(".")[1], weight.element_size())


def _numbers(
    document: Derivation, run: Path, trained: AnyTrained, stack: Stack, layer: int, question: Question
) -> tuple[Derivation, Section]:
    """The document with the numbers of a step, and the section that says of which."""
    from bptt.explain.numbers import busiest_unit, numbers_section, with_numbers
    from bptt.jobs.expose import expose
    from bptt.probe.step_numbers import step_numbers

    source = _source(run, question)
    limit = max(STEPS, (question.step or 0) + LOSSES)
    exposure = expose(trained, source, labelled=question.data is not None, limit=limit)
    part = next(part for part in exposure.parts if part.stack is stack)
    step = _step(exposure, part, question.step)
    terms = _terms(exposure, part, step)
    found = step_numbers(exposure.model, stack, lambda: exposure.losses(terms).sum(), step, layer)
    unit = busiest_unit(found) if question.unit is None else question.unit - 1
    title = f"Step {step + 1} in numbers"
    about = _about(exposure, part, step, terms, question.reverse)
    return with_numbers(document, found, unit), numbers_section(found, unit, title, about)


def _source(run: Path, question: Question) -> Source:
    from bptt.cli.sources import source_of
    from bptt.data.readers.document import Document
    from bptt.runs.run_folder import read_held_out

    if question.data is not None:
        return question.data
    if question.text is None and not has_text_of_its_own(run):
        raise InputError("bptt derive", "a step is one of a text", "none", "Give --text or --data")
    return Document("text", read_held_out(run)) if question.text is None else source_of(question.text)


def _step(exposure: Exposure, part: Part, wanted: int | None) -> int:
    """The step that is wanted, from 0; else one with the median loss; or the last, if steps have none."""
    import torch

    steps = len(part.inputs)
    if wanted is not None:
        if not 1 <= wanted <= steps:
            raise InputError("--step", f"is from 1 to {steps}, as many as the text has", wanted)
        return wanted - 1
    if not exposure.has_own_losses(part):
        return steps - 1
    some = sorted({round(k * (steps - 1) / (LOSSES - 1)) for k in range(LOSSES)})
    with torch.no_grad():
        return some[int(exposure.losses(some).argsort()[len(some) // 2])]


def _terms(exposure: Exposure, part: Part, step: int) -> range:
    """The loss terms that are added up: those that a step has a part in, at most LOSSES."""
    first = step if exposure.has_own_losses(part) else 0
    first = max(0, first - LOSSES // 2) if part.stack.bidirectional else first
    return range(first, min(first + LOSSES, exposure.loss_steps))


def _about(
    exposure: Exposure, part: Part, step: int, terms: range, reverse: bool
) -> tuple[DocumentPart, ...]:
    """What is read at the step, and what E is."""
    import torch

    from bptt.explain.document import Excerpt, say
    from bptt.explain.figures import figure
    from bptt.explain.formula import Name

    sequence, loss = exposure.sequences[part.sequence], Name("E")
    before = "".join(sequence.texts[max(0, step - AROUND) : step])
    after = "".join(sequence.texts[step + 1 : step + 1 + AROUND])
    place = f"Step {step + 1} of {len(sequence.tokens)} of the {sequence.name}"
    read = say(f"{place} reads “{{}}”:", sequence.tokens[step])
    if len(terms) > 1:
        of = say(f"{{}} is the sum of the losses of steps {terms[0] + 1} to {terms[-1] + 1}.", loss)
    else:
        of = say("{} is the loss of “{}”.", loss, exposure.targets[terms[0]])
    if exposure.has_own_losses(part):
        with torch.no_grad():
            own = figure(exposure.losses([step]).item())
        of = say("“{}” is to be found there: its loss is {}. {}", exposure.targets[step], own, of)
    here = Excerpt(before, sequence.texts[step] or sequence.tokens[step], after)
    excerpt = (here,) if any(sequence.texts) else ()
    order = (say("This direction reads from the end: t − 1 is the step after t."),) if reverse else ()
    return read, *excerpt, of, *order
