"""The facts of examples before anything is measured: sizes, lengths, right answers beside those found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bptt.languages.phrase import phrase
from bptt.nn.exposure import Exposure, Part
from bptt.probe.example_values import are_one_text


def notes(exposures: Sequence[Exposure], number: int) -> Iterator[str]:
    """Yield the right answer at each step of a sequence, and the model's, where there is a loss."""
    for exposure in exposures:
        terms = list(_compared(exposure)) if number == exposure.of else []
        yield from [""] * (len(exposure.sequences[number].tokens) - len(terms))
        yield from terms


def _compared(exposure: Exposure) -> Iterator[str]:
    for target, answer in zip(exposure.targets, exposure.answers, strict=False):
        found = phrase("found: {}", _visible(answer))
        yield phrase("right: {}, {}", _visible(target), found) if exposure.labelled else found


def _visible(answer: str) -> str:
    return answer if answer.strip(" ") else answer.replace(" ", "␣")


def facts(exposures: Sequence[Exposure]) -> Iterator[tuple[str, str]]:
    """Yield label and fact: the layers, the number of weights, the length of each sequence, the answers."""
    first = exposures[0]
    for part in first.parts:
        yield phrase(part.name or "recurrent layers"), _described(part)
    yield phrase("weights"), f"{sum(parameter.numel() for parameter in first.model.parameters()):,}"
    for number, sequence in enumerate(first.sequences):
        steps = sum(len(exposure.sequences[number].tokens) for exposure in exposures)
        if len(exposures) > 1 and not are_one_text(exposures):
            total = phrase("{} steps of {} examples", f"{steps:,}", str(len(exposures)))
        else:
            total = phrase("{} steps", f"{steps:,}")
        yield phrase(sequence.name), total
    pairs = [pair for each in exposures for pair in zip(each.targets, each.answers, strict=False)]
    if not pairs:
        return
    if first.loss_steps == 1:
        for number, exposure in enumerate(exposures):
            yield phrase("example {}", str(number)), next(_compared(exposure))
    elif first.labelled:
        right = sum(target == answer for target, answer in pairs)
        yield phrase("right answers"), phrase("{} of {}", f"{right:,}", f"{len(pairs):,}")


def _described(part: Part) -> str:
    stack = part.stack
    both = phrase(", in both directions" if stack.bidirectional else "")
    projected = phrase(", projected to {}", str(stack.proj_size)) if stack.proj_size else ""
    named = f"{stack.num_layers} x {stack.hidden_size} {stack.cell_name}"
    return phrase("{}{}{}", named, projected, both)
