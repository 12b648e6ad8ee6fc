"""A verdict on the measurements of a model, in words and numbers, with remedies (R6 in docs/equations.md)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bptt.cells.carried import forget_gates
from bptt.cells.cell import Cell
from bptt.probe.decay_bound import DecayBound
from bptt.probe.flow import LagCurve
from bptt.probe.saturation import Activity, Saturation
from bptt.probe.spectrum import LayerSpectrum

Fate = Literal["vanishing", "healthy", "exploding", "absent"]
Severity = Literal["good", "warning", "bad"]

# A gradient vanishes if it falls to a tenth within ten steps, on the average, and to a thousandth in all: the
# decay of trained LSTMs slows down and stays above this, that of contracting maps does not. It explodes if it
# grows tenfold. The choice is explained in docs/decisions.md, and the numbers are shown beside the verdict.
FAST = 0.1 ** (1 / 10)
GONE = 1e-3
GROWN = 10.0
# With fewer lags than these a slow decay looks like a fast one: a tenth in ten steps needs ten lags to be
# seen.
FEW = 10
# In nats a step. States that drift apart no faster need over two thousand steps for a factor of ten.
SLIGHT = 1e-3
# Shares of stuck gates and of dead units above which a finding is reported. A few of each are usual in
# trained networks.
STUCK = 0.25
DEAD = 0.1

ORTHOGONAL = "`recurrent_init` orthogonal: all singular values of the recurrent matrix begin at 1"
COMPARISON = "`bptt compare FILE --cells ... --remedies ...` trains them side by side."
SMALLER = "smaller inputs (their mean and deviation taken out), a smaller learning rate, or `recurrent_scale`"
CLIPPING = "`clip_norm` 1: a step is never longer than the learning rate allows, whatever the gradient's norm"
ORIGIN = "`bptt.probe.find_non_finite` says where it begins."


@dataclass(frozen=True)
class Finding:
    """A sentence of the verdict, the numbers that it rests on, and what to try where something is wrong."""

    level: Severity
    headline: str
    evidence: str
    advice: str = ""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The measurements of one layer and direction: the δ of its nets by lag, and further ones if there are
    any.

    `gates` are the means of its gates over all units and steps, by name. `arrives` says whether a loss
    depends on the layer's output: if `curve` has no gradient, that distinguishes saturated units from unused
    ones.
    """

    layer: str
    cell: Cell
    curve: LagCurve
    bound: DecayBound | None = None
    spectrum: LayerSpectrum | None = None
    saturations: Sequence[Saturation] = ()
    activities: Sequence[Activity] = ()
    gates: Mapping[str, float] = field(default_factory=dict)
    arrives: bool = False


def fate(curve: LagCurve) -> Fate:
    """Return whether the gradient of a curve vanishes, explodes, or does neither."""
    first, last = curve.start, curve.median[-1]
    if not (math.isfinite(first) and math.isfinite(last)) or last > GROWN * first:
        return "exploding"
    if not first:
        return "absent"
    fast = not last or curve.factor < FAST
    return "vanishing" if fast and last < GONE * first else "healthy"


def verdict(layers: Sequence[Evidence]) -> tuple[Finding, ...]:
    """Return the findings for all layers of a model, the worst first."""
    found = [finding for evidence in layers for finding in _findings(evidence)]
    order: Sequence[Severity] = ("bad", "warning", "good")
    return tuple(sorted(found, key=lambda finding: order.index(finding.level)))


def _findings(evidence: Evidence) -> Iterator[Finding]:
    yield _of_gradient(evidence)
    yield from _of_spectrum(evidence)
    yield from _of_gates(evidence)
    yield from _of_dead(evidence)


def _of_gradient(evidence: Evidence) -> Finding:
    curve, layer = evidence.curve, evidence.layer
    numbers = _numbers(curve)
    if not evidence.cell.states:
        headline = f"{layer}: no state is carried, so no gradient goes back"
        return Finding("good", headline, f"{evidence.cell.name} looks at each step by itself")
    if curve.undefined is not None:
        headline = f"{layer}: the gradient is NaN"
        return Finding("bad", headline, f"‖δ‖ is NaN at lag {curve.undefined}", ORIGIN)
    match fate(curve):
        case "vanishing":
            headline = f"{layer}: the gradient vanishes"
            advice = f"{_against_vanishing(evidence)} {COMPARISON}"
            return Finding("bad", headline, f"{numbers}{_bounded(evidence)}", advice)
        case "exploding":
            headline = f"{layer}: the gradient explodes"
            advice = f"{CLIPPING}. {ORTHOGONAL}, or a smaller `recurrent_scale`. {COMPARISON}"
            return Finding("bad", headline, f"{numbers}{_bounded(evidence)}", advice)
        case "absent":
            return _of_nothing(evidence)
    if len(curve.median) == 1:
        headline = f"{layer}: there is no step to look back to"
        return Finding("warning", headline, "half of the losses or more have no step before them")
    if _lags(curve) < FEW:
        return Finding("warning", f"{layer}: too few steps to judge whether the gradient vanishes", numbers)
    headline = f"{layer}: the gradient neither vanishes nor explodes"
    return Finding("good", headline, f"{numbers}{_bounded(evidence)}")


def _of_nothing(evidence: Evidence) -> Finding:
    """Explain a gradient of zero at all lags: the losses do not depend on the layer, or its units are
    saturated.
    """
    if not evidence.arrives:
        headline = f"{evidence.layer}: no gradient arrives"
        return Finding("warning", headline, "the loss does not depend on this layer")
    headline = f"{evidence.layer}: no gradient passes"
    numbers = (
        "the loss depends on this layer, but ‖δ‖ is exactly 0 for half of the losses or more: the derivative "
        "of saturated or dead units, here or in a layer above, is 0"
    )
    return Finding("bad", headline, numbers, SMALLER)


def _numbers(curve: LagCurve) -> str:
    first, last = curve.start, curve.median[-1]
    tenth = (
        f"a tenth of ‖δ‖ is left at lag {curve.tenth}"
        if curve.tenth
        else "more than a tenth is left at every lag"
    )
    share = f"{last / first:.2g}" if first else "nothing"
    return f"{tenth}, {share} at lag {_lags(curve)}: ×{curve.factor:.3g} a step"


def _lags(curve: LagCurve) -> int:
    return len(curve.median) + curve.first - 1


def _bounded(evidence: Evidence) -> str:
    if evidence.bound is None:
        return ""
    bound = evidence.bound
    return f"; bound β_W β_f = {bound.matrix:.3g} · {bound.function:g} = {bound.factor:.3g} a step"


def _against_vanishing(evidence: Evidence) -> str:
    """Yield the remedies for this cell, each with the numbers that it would change."""
    gates = forget_gates(evidence.cell)
    kept = [
        f"gate {gate} keeps {mean if sign > 0 else 1 - mean:.0%} of the state a step on the average"
        for gate, sign in gates.items()
        if (mean := evidence.gates.get(gate)) is not None
    ]
    if kept:
        return (
            f"{'; '.join(kept)}: `forget_bias` 2 would begin with {1 / (1 + math.exp(-2)):.0%}. {ORTHOGONAL}."
        )
    if evidence.bound is not None and evidence.bound.function < 1:
        slope = f"f' is at most {evidence.bound.function:g}, so no matrix of norm 1 can keep the gradient up"
        return f"{slope}: `cell` elman-tanh, lstm or gru."
    relu = "`cell` elman-relu `recurrent_init` identity: f' = 1 and W = 1 where a unit is active"
    return f"`cell` lstm or gru: a state that is carried past the matrix. {ORTHOGONAL}. {relu}."


def _of_spectrum(evidence: Evidence) -> Iterator[Finding]:
    found = evidence.spectrum
    if found is None or not found.exponents:
        return
    exponent, error = found.exponents[0], found.errors[0]
    doubt = f" ± {error:.2g}" if math.isfinite(error) else ""
    numbers = f"largest Lyapunov exponent {exponent:.3g}{doubt} nats a step, σ_max up to {found.bound:.3g}"
    # A value that differs from zero by less than twice its standard error may be chance.
    if exponent > max(SLIGHT, 2 * error if math.isfinite(error) else 0.0):
        headline = f"{evidence.layer}: states that begin close drift apart (chaos)"
        yield Finding("warning", headline, numbers, f"{ORTHOGONAL}, or a smaller `recurrent_scale`.")
    else:
        yield Finding("good", f"{evidence.layer}: states that begin close stay close", numbers)


def _of_gates(evidence: Evidence) -> Iterator[Finding]:
    for found in evidence.saturations:
        for share, end in ((found.stuck_left, "shut"), (found.stuck_right, "open")):
            if found.kind == "gate" and share > STUCK:
                headline = (
                    f"{evidence.layer}: gate {found.value} is nearly always {end} in {share:.0%} of its units"
                )
                numbers = "below 0.1" if end == "shut" else "above 0.9"
                advice = (
                    "Units that never change their mind learn nothing: try fewer units, or a smaller rate."
                )
                # A forget gate that stays open is what carries a state on.
                keeps = forget_gates(evidence.cell).get(found.value) == (1 if end == "open" else -1)
                level: Severity = "good" if keeps else "warning"
                yield Finding(
                    level, headline, f"{numbers} at nine steps in ten or more", "" if keeps else advice
                )


def _of_dead(evidence: Evidence) -> Iterator[Finding]:
    for found in evidence.activities:
        if found.dead > DEAD:
            headline = f"{evidence.layer}: {found.dead:.0%} of the ReLU units of {found.value} are dead"
            advice = (
                "A smaller learning rate, or `recurrent_init` identity, which begins with all of them alive."
            )
            yield Finding("warning", headline, "never above zero on this text: no gradient passes", advice)
