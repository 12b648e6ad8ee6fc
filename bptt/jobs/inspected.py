"""A record of all that a probe finds in a model on one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from bptt.jobs.answers import Answer
from bptt.languages.available import Language
from bptt.languages.phrase import table_of, translated_phrases

# The significant digits of a number: those of float32.
_DIGITS = 7


class Looked(Protocol):
    """A Look of the room probe, as far as a record needs it."""

    @property
    def losses(self) -> Tensor:
        """The losses of the steps, (M,)."""

    @property
    def layers(self) -> Sequence[Any]:
        """The layers with their values, (T, B, units) each."""

    @property
    def flow(self) -> Any:
        """The gradient by lag: `curves`."""

    @property
    def findings(self) -> tuple[Any, ...]:
        """The verdict."""


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

    @classmethod
    def of(cls, row: int, text: str, tokens: Sequence[str], found: Looked) -> InspectAnswer:
        """Return the record of a look at a text that the model has read as these tokens."""
        losses = tuple(None if each != each else each for each in _rounded(found.losses))
        layers = tuple(
            InspectedLayer(
                layer.name,
                tuple(
                    InspectedValue(each.name, str(each.kind), tuple(map(_rounded, each.tensor[:, 0])))
                    for each in layer.values.values
                ),
            )
            for layer in found.layers
        )
        gradients = tuple(
            GradientByLag(
                each.layer, each.quantity, each.first, each.lower_quartile, each.median, each.upper_quartile
            )
            for each in found.flow.curves
        )
        said = translated_phrases(found.findings, table_of(Language.EN))
        findings = tuple(InspectedFinding(each.level, each.headline, each.evidence) for each in said)
        return cls(row, text, tuple(tokens), losses, layers, gradients, findings)


def _rounded(values: Tensor) -> tuple[float, ...]:
    """Return a vector as numbers with the digits that float32 has."""
    return tuple(float(f"{each:.{_DIGITS}g}") for each in values.tolist())
