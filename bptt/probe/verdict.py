"""A verdict on the measurements of a model, in words and numbers, with remedies (R6 in docs/equations.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bptt.cells.carried import forget_gates, recurrent_matrices
from bptt.cells.cell import Cell
from bptt.languages.phrase import phrase
from bptt.notebook import text_html
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

ORTHOGONAL = phrase("`recurrent_init` orthogonal: all singular values of the recurrent matrix begin at 1")
COMPARISON = phrase("`bptt compare FILE --cells ... --remedies ...` trains them side by side.")
SMALLER = phrase(
    "smaller inputs (their mean and deviation taken out), a smaller learning rate, or `recurrent_scale`"
)
CLIPPING = phrase(
    "`clip_norm` 1: a step is never longer than the learning rate allows, whatever the gradient's norm"
)
ORIGIN = phrase("`bptt.probe.find_non_finite` says where it begins.")


@dataclass(frozen=True)
class Finding:
    """A sentence of the verdict, the numbers that it rests on, and what to try where something is wrong."""

    level: Severity
    headline: str
    evidence: str
    advice: str = ""

    def _repr_html_(self) -> str:
        """Return the finding for a notebook."""
        return verdict_html((self,))


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


def verdict_html(findings: Iterable[Finding]) -> str:
    """Return findings for a notebook, an advice that several of them share once."""
    shown, said = [], set[str]()
    for each in findings:
        lines = [f"<b>{each.level}</b>: {text_html(each.headline)}", text_html(each.evidence)]
        if each.advice and each.advice not in said:
            said.add(each.advice)
            lines.append(f"<i>try</i>: {text_html(each.advice)}")
        shown.append(f"<p>{'<br/>'.join(lines)}</p>")
    return "".join(shown)


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
        headline = phrase("{}: no state is carried, so no gradient goes back", layer)
        return Finding("good", headline, phrase("{} looks at each step by itself", evidence.cell.name))
    if curve.undefined is not None:
        headline = phrase("{}: the gradient is NaN", layer)
        return Finding("bad", headline, phrase("‖δ‖ is NaN at lag {}", str(curve.undefined)), ORIGIN)
    match fate(curve):
        case "vanishing":
            headline = phrase("{}: the gradient vanishes", layer)
            advice = phrase("{} {}", _against_vanishing(evidence), COMPARISON)
            return Finding("bad", headline, phrase("{}{}", numbers, _bounded(evidence)), advice)
        case "exploding":
            headline = phrase("{}: the gradient explodes", layer)
            remedies = (CLIPPING, ORTHOGONAL, COMPARISON)
            advice = phrase("{}. {}, or a smaller `recurrent_scale`. {}", *remedies)
            if not recurrent_matrices(evidence.cell):
                advice = phrase("{}. {}", CLIPPING, COMPARISON)
            return Finding("bad", headline, phrase("{}{}", numbers, _bounded(evidence)), advice)
        case "absent":
            return _of_nothing(evidence)
    if len(curve.median) == 1:
        headline = phrase("{}: there is no step to look back to", layer)
        return Finding("warning", headline, phrase("half of the losses or more have no step before them"))
    if _lags(curve) < FEW:
        headline = phrase("{}: too few steps to judge whether the gradient vanishes", layer)
        return Finding("warning", headline, numbers)
    headline = phrase("{}: the gradient neither vanishes nor explodes", layer)
    return Finding("good", headline, phrase("{}{}", numbers, _bounded(evidence)))


def _of_nothing(evidence: Evidence) -> Finding:
    """Explain a gradient of zero at all lags: the losses do not depend on the layer, or its units are
    saturated.
    """
    if not evidence.arrives:
        headline = phrase("{}: no gradient arrives", evidence.layer)
        return Finding("warning", headline, phrase("the loss does not depend on this layer"))
    headline = phrase("{}: no gradient passes", evidence.layer)
    numbers = phrase(
        "the loss depends on this layer, but ‖δ‖ is exactly 0 for half of the losses or more: the derivative "
        "of saturated or dead units, here or in a layer above, is 0"
    )
    return Finding("bad", headline, numbers, SMALLER)


def _numbers(curve: LagCurve) -> str:
    first, last = curve.start, curve.median[-1]
    tenth = (
        phrase("a tenth of ‖δ‖ is left at lag {}", str(curve.tenth))
        if curve.tenth
        else phrase("more than a tenth is left at every lag")
    )
    share = f"{last / first:.2g}" if first else phrase("nothing")
    factor = f"{curve.factor:.3g}"
    return phrase("{}, {} at lag {}: ×{} a step", tenth, share, str(_lags(curve)), factor)


def _lags(curve: LagCurve) -> int:
    return len(curve.median) + curve.first - 1


def _bounded(evidence: Evidence) -> str:
    if evidence.bound is None:
        return ""
    bound = evidence.bound
    factors = f"{bound.matrix:.3g} · {bound.function:g} = {bound.factor:.3g}"
    return phrase("; bound β_W β_f = {} a step", factors)


def _against_vanishing(evidence: Evidence) -> str:
    """Yield the remedies for this cell, each with the numbers that it would change."""
    gates, has_matrices = forget_gates(evidence.cell), bool(recurrent_matrices(evidence.cell))
    kept = [
        phrase("gate {} keeps {} of the state a step on the average", gate, _share(mean, sign))
        for gate, sign in gates.items()
        if (mean := evidence.gates.get(gate)) is not None
    ]
    if kept:
        gates_keep = phrase("; ".join("{}" for _ in kept), *kept)
        begun = f"{1 / (1 + math.exp(-2)):.0%}"
        remedy = phrase("{}: `forget_bias` 2 would begin with {}", gates_keep, begun)
        if any(f"b_{gate}" not in evidence.cell.vectors for gate in gates):
            own = "{}: with a bias of its own, `forget_bias` 2 would begin with {}"
            remedy = phrase(own, gates_keep, begun)
        return phrase("{}. {}.", remedy, ORTHOGONAL) if has_matrices else phrase("{}.", remedy)
    if evidence.bound is not None and evidence.bound.function < 1:
        return phrase(
            "f' is at most {}, so no matrix of norm 1 can keep the gradient up: `cell` elman-tanh, lstm or"
            " gru.",
            f"{evidence.bound.function:g}",
        )
    relu = phrase("`cell` elman-relu `recurrent_init` identity: f' = 1 and W = 1 where a unit is active")
    carried = phrase("`cell` lstm or gru: a state that is carried past the matrix")
    return phrase("{}. {}. {}.", carried, ORTHOGONAL, relu) if has_matrices else phrase("{}.", carried)


def _share(mean: float, sign: int) -> str:
    return f"{mean if sign > 0 else 1 - mean:.0%}"


def _of_spectrum(evidence: Evidence) -> Iterator[Finding]:
    found = evidence.spectrum
    if found is None or not found.exponents:
        return
    exponent, error = found.exponents[0], found.errors[0]
    doubt = f" ± {error:.2g}" if math.isfinite(error) else ""
    numbers = phrase(
        "largest Lyapunov exponent {} nats a step, σ_max up to {}",
        f"{exponent:.3g}{doubt}",
        f"{found.bound:.3g}",
    )
    # A value that differs from zero by less than twice its standard error may be chance.
    if exponent > max(SLIGHT, 2 * error if math.isfinite(error) else 0.0):
        headline = phrase("{}: states that begin close drift apart (chaos)", evidence.layer)
        smaller = phrase("{}, or a smaller `recurrent_scale`.", ORTHOGONAL)
        yield Finding("warning", headline, numbers, smaller if recurrent_matrices(evidence.cell) else "")
    else:
        headline = phrase("{}: states that begin close stay close", evidence.layer)
        yield Finding("good", headline, numbers)


def _of_gates(evidence: Evidence) -> Iterator[Finding]:
    for found in evidence.saturations:
        for share, end in ((found.stuck_left, "shut"), (found.stuck_right, "open")):
            if found.kind == "gate" and share > STUCK:
                headline = phrase(
                    "{}: gate {} is nearly always {} in {} of its units",
                    evidence.layer,
                    found.value,
                    phrase(end),
                    f"{share:.0%}",
                )
                numbers = phrase(
                    "below 0.1 at nine steps in ten or more"
                    if end == "shut"
                    else "above 0.9 at nine steps in ten or more"
                )
                advice = phrase(
                    "Units that never change their mind learn nothing: try fewer units, or a smaller rate."
                )
                # A forget gate that stays open is what carries a state on.
                keeps = forget_gates(evidence.cell).get(found.value) == (1 if end == "open" else -1)
                level: Severity = "good" if keeps else "warning"
                yield Finding(level, headline, numbers, "" if keeps else advice)


def _of_dead(evidence: Evidence) -> Iterator[Finding]:
    for found in evidence.activities:
        if found.dead > DEAD:
            headline = phrase(
                "{}: {} of the ReLU units of {} are dead", evidence.layer, f"{found.dead:.0%}", found.value
            )
            advice = phrase(
                "A smaller learning rate, or `recurrent_init` identity, which begins with all of them alive."
            )
            if not recurrent_matrices(evidence.cell):
                advice = phrase("A smaller learning rate.")
            numbers = phrase("never above zero on this text: no gradient passes")
            yield Finding("warning", headline, numbers, advice)
