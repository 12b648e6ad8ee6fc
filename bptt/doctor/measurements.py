"""Measurements: the speed of an LSTM beside torch's, and the error of its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from bptt.bench.case_measurement import Entrants, compare
from bptt.bench.cases import QUICK_SHAPES, Case
from bptt.bench.contender_names import LAYER, OURS
from bptt.bench.layer_problem import draw
from bptt.bench.own_layer import own_layer
from bptt.bench.peak import Peak
from bptt.bench.peers import torch_layers
from bptt.bench.request import Budget
from bptt.bench.results import Measurement
from bptt.cells.catalogue import get
from bptt.doctor.observation import Observation
from bptt.errors import MachineError
from bptt.probe.self_check import LIMITS, self_check

_CELL = "lstm"
# Half a second for each of two cases, where others do not disturb.
_BUDGET = Budget(rounds=7, seconds=0.5)
# A ratio below this is slower than torch by more than a machine at work varies.
_SLOWER = 0.9


def speed() -> Iterator[Observation]:
    """Time an LSTM forward, then forward and backward, in turns with torch.nn.LSTM."""
    peak = None
    # Without a compiler, what the processor can do stays unknown.
    with suppress(MachineError):
        peak = Peak()
    for training in (False, True):
        case = Case("layers", _CELL, QUICK_SHAPES[0], training)
        problem = draw(case)
        peers = {LAYER: partial(torch_layers.make, problem)}
        found = compare(case, Entrants(own_layer(OURS, problem), peers, problem.flops), peak, _BUDGET)
        yield observe_speed("training" if training else "forward", found)


def observe_speed(name: str, found: Measurement) -> Observation:
    """Check one measurement: broken if the numbers differ from torch's, a warning if torch is faster."""
    if LAYER not in found.seconds:
        return Observation(name, "; ".join(found.notes), "broken", "report this with this output")
    ours, theirs = (
        f"{1e3 * found.median(each):.2f} ± {1e3 * found.spread(each):.2f} ms" for each in (OURS, LAYER)
    )
    ratio = found.ratio(LAYER)
    steps, batch, inputs, hidden = found.case.shape
    text = f"{_CELL}, T {steps}, B {batch}, I {inputs}, H {hidden}: bptt {ours}, torch {theirs}, "
    text += f"torch / bptt {ratio:.2f}"
    numbers = {"seconds": found.median(OURS), "torch_seconds": found.median(LAYER), "ratio": ratio}
    if found.peak:
        share = found.speed / found.peak
        text, numbers = f"{text}, {share:.0%} of peak", {**numbers, "share_of_peak": share}
    if found.noisy:
        text += "; other processes were at work"
    if ratio < _SLOWER and not found.noisy:
        cure = "see kernels and threads above; `bptt bench layers` measures longer"
        return Observation(name, text, "warning", cure, numbers)
    return Observation(name, text, numbers=numbers)


def gradients() -> Iterator[Observation]:
    """Compare every gradient of an LSTM with three truths, as `bptt check lstm` does."""
    checks = self_check(get(_CELL))
    worst = {name: max(getattr(each, name) for each in checks) for name in LIMITS}
    errors = ", ".join(f"{name} {worst[name]:.1e} (limit {limit:.0e})" for name, limit in LIMITS.items())
    failed = [each.argument for each in checks if not each.passed]
    if failed:
        text = f"{_CELL}: wrong for {', '.join(failed)}: worst errors {errors}"
        cure = (
            f"`BPTT_BACKEND=reference bptt check {_CELL}` shows whether the kernels are at fault; report both"
        )
        yield Observation("gradients", text, "broken", cure, worst)
    else:
        text = f"{_CELL}: {len(checks)} arguments agree with three truths: worst errors {errors}"
        yield Observation("gradients", text, numbers=worst)
