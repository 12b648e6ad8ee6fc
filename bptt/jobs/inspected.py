"""A record of all that a probe finds in a model on one input."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.jobs.answers import Answer


@dataclass(frozen=True)
class InspectedValue:
    """A gate, a state or another quantity of a layer: a number for each step and unit."""

    name: str
    kind: str
    steps: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class InspectedLayer:
    """A layer in one direction, with its values in the order of the equations of its cell."""

    name: str
    values: tuple[InspectedValue, ...]


@dataclass(frozen=True)
class GradientByLag:
    """The norm of the gradient in a layer, of δ or of a state, by the number of steps back from a loss.

    The first entry belongs to lag `first`; the quartiles are over the losses.
    """

    layer: str
    quantity: str
    first: int
    lower_quartile: tuple[float, ...]
    median: tuple[float, ...]
    upper_quartile: tuple[float, ...]


@dataclass(frozen=True)
class InspectedFinding:
    """A sentence of the verdict, and the numbers that it rests on."""

    level: str
    headline: str
    evidence: str


@dataclass(frozen=True)
class InspectAnswer(Answer):
    """The inside of a model while it reads input number `row`, from 1.

    `tokens` are the steps that were read, `losses` those of the steps, null where there is none.
    """

    row: int
    input: str
    tokens: tuple[str, ...]
    losses: tuple[float | None, ...]
    layers: tuple[InspectedLayer, ...]
    gradients: tuple[GradientByLag, ...]
    findings: tuple[InspectedFinding, ...]
