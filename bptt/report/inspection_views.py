"""The plain data that a page shows of a model, over the T steps of each sequence, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bptt.timeline import Timeline

Array: TypeAlias = NDArray[np.float64]
Bytes: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ExpectedView:
    """The likeliest answers at each of T steps, the largest probability first; none at a step without a loss.

    `predicted` names what an answer is: a "next" token, a "tag", a "label". `targets` are the right answers,
    "" where there is none, and `ranks` their places among all answers, from 1.
    """

    predicted: str
    answers: tuple[tuple[str, ...], ...]
    probabilities: tuple[tuple[float, ...], ...]
    targets: tuple[str, ...]
    target_probabilities: tuple[float, ...]
    ranks: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PicturesView:
    """The pictures of steps: N `pictures` (N, H, W, C) of bytes, C of 1 (grey) or 3 (red, green and blue).

    Each is of the steps from its own of `starts` to before its own of `ends`, (N,). With `columns` these are
    its columns.
    """

    pictures: Bytes
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    columns: bool = False


@dataclass(frozen=True, eq=False)
class SequenceView:
    """A sequence that a model read or wrote: its tokens as they are shown, and the loss (T,) in nats of the
    step that reads each, NaN where there is none; None if no step has one.

    `texts` are what the tokens stand for: joined they are the text, in which patterns are looked for. None if
    the tokens do by themselves. `notes` are shown with the numbers of a step, "" for none: the right label
    and the one that was found. `expected` holds the likeliest answers at each step, if the job has some;
    `pictures` what steps look like, of every example those of one size; `timelines` the time of the steps of
    each example, one after the other.
    """

    name: str
    tokens: tuple[str, ...]
    losses: Array | None = None
    texts: tuple[str, ...] | None = None
    notes: tuple[str, ...] | None = None
    expected: ExpectedView | None = None
    pictures: PicturesView | None = None
    timelines: tuple[Timeline, ...] = ()


@dataclass(frozen=True, eq=False)
class ValueView:
    """A named value of a layer, (T, units): a "state" (h, c), a "gate" (within 0 and 1), or another one."""

    name: str
    kind: Literal["state", "gate", "other"]
    numbers: Array


@dataclass(frozen=True, eq=False)
class LayerView:
    """A layer in one direction: "layer 2", "encoder layer 1 ←". `sequence` is the number of what it reads."""

    name: str
    sequence: int
    values: tuple[ValueView, ...]


@dataclass(frozen=True, eq=False)
class CurveView:
    """A norm by lag, entry k of each (K,) belonging to lag k: δ of the sums (the nets), from lag 0, or the
    gradient by a state carried (from lag 1; entry 0 is NaN). Quartiles over examples and loss steps.

    `bound` is (β_W β_f)^k times the first value, None where the cell has no such bound; `memory` the lag at
    which a tenth is left, None if at none.
    """

    layer: str
    quantity: str
    lower: Array
    median: Array
    upper: Array
    bound: Array | None
    memory: int | None


@dataclass(frozen=True, eq=False)
class MapView:
    """‖∂E_m/∂net_n‖, (M, N): rows are loss steps of sequence `of`, columns are steps of the layer's."""

    layer: str
    of: int
    sequence: int
    loss_steps: tuple[int, ...]
    steps: tuple[int, ...]
    norms: Array


@dataclass(frozen=True, eq=False)
class AttributionView:
    """How much each input (N) plays for each loss (M), in nats: (M, N). `method` names how it was found."""

    method: str
    of: int
    sequence: int
    loss_steps: tuple[int, ...]
    steps: tuple[int, ...]
    scores: Array


@dataclass(frozen=True, eq=False)
class SaturationView:
    """Of each unit of a gate, the share of steps at which it is below 0.1 and above 0.9, (units,) each."""

    layer: str
    gate: str
    left: Array
    right: Array


@dataclass(frozen=True)
class DeadUnitsView:
    """Units of a layer, of `count`, that never leave zero: those of a ReLU whose sum is never positive."""

    layer: str
    units: tuple[int, ...]
    count: int


@dataclass(frozen=True, eq=False)
class SpectrumView:
    """The Jacobian ∂s_t/∂s_{t-1} of a layer: its singular values (S, K), largest first, at S `steps` t; and
    its Lyapunov exponents (N,), nats a step, largest first, -inf where a direction is wiped out.
    """

    layer: str
    steps: tuple[int, ...]
    singular_values: Array
    exponents: Array


@dataclass(frozen=True)
class UnitView:
    """A unit that follows a property, and how well: see `PropertyView`."""

    layer: str
    value: str
    unit: int
    score: float


@dataclass(frozen=True)
class PropertyView:
    """A property of tokens, as "quotes", and the units that follow it, best first.

    `pattern`, as of Python's `re`, finds it; `measure` is what of a token is meant: whether it is "inside" a
    match (or a group, if the pattern has any), its "position" there, or the "length" of the match. The score
    of "inside" is the area under the ROC curve: 1 for a unit that is high inside, 0 for one that is low, 0.5
    is chance; that of the others Spearman's correlation. If `held_out`, units were chosen on the first half
    of the text, and measured on the second.
    """

    name: str
    pattern: str
    hits: tuple[UnitView, ...]
    measure: Literal["inside", "position", "length"] = "inside"
    held_out: bool = False


@dataclass(frozen=True)
class FindingView:
    """A sentence of the verdict with its numbers, and what to try if something is wrong."""

    level: Literal["good", "warning", "bad"]
    headline: str
    evidence: str
    advice: str = ""


@dataclass(frozen=True, eq=False)
class Inspection:
    """All that a page shows."""

    title: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[FindingView, ...]
    sequences: tuple[SequenceView, ...]
    layers: tuple[LayerView, ...]
    flows: tuple[CurveView, ...]
    maps: tuple[MapView, ...]
    attributions: tuple[AttributionView, ...]
    saturations: tuple[SaturationView, ...]
    spectra: tuple[SpectrumView, ...]
    properties: tuple[PropertyView, ...]
    dead: tuple[DeadUnitsView, ...] = ()
