"""One case from who takes part to what came out: the work checked to be the same, then timed in rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bptt.bench.cases import Case
from bptt.bench.contender import Contender, difference
from bptt.bench.peak import PEAK, Peak
from bptt.bench.peak_memory import peak_memory
from bptt.bench.request import Budget
from bptt.bench.results import Measurement
from bptt.bench.rounds import measure


@dataclass(frozen=True)
class Entrants:
    """`ours`, and `peers` by name, made when their turn comes: None if one does not do this work.

    `flops` is what a step has of floating-point operations, 0 if nobody counts. `companions` are timed
    too, and compared with nobody. `memory` asks for the peak memory of each.
    """

    ours: Contender
    peers: Mapping[str, Callable[[], Contender | None]]
    flops: float = 0.0
    companions: Sequence[Contender] = ()
    memory: bool = False


def compare(case: Case, entrants: Entrants, peak: Peak | None, budget: Budget) -> Measurement:
    """Check all against ours, measure those that do the same work."""
    first, notes = dict[str, float](), list[str]()
    contenders = [entrants.ours, *entrants.companions]
    start = time.perf_counter()
    truth = entrants.ours.numbers()
    first[entrants.ours.name] = time.perf_counter() - start
    for companion in entrants.companions:
        companion.numbers()
    for name, make in entrants.peers.items():
        start = time.perf_counter()
        # A peer may raise any error of its own: it is named, and the others go on.
        try:
            peer = make()
            if peer is None:
                continue
            different = difference(truth, peer.numbers())
        except Exception as error:
            words = str(error).strip().splitlines() or [""]
            notes.append(f"{name}: {type(error).__name__}: {words[0]:.150}")
            continue
        first[name] = time.perf_counter() - start
        if different:
            notes.append(f"{name}: {different}")
        else:
            contenders.append(peer)
    memory = {c.name: peak_memory(c.step) for c in contenders} if entrants.memory else {}
    timed = [*contenders, peak] if peak and entrants.flops else contenders
    rounds = measure(timed, budget)
    seconds = {contender.name: rounds.seconds[contender.name] for contender in contenders}
    most = peak.flops / min(rounds.seconds[PEAK]) if peak and entrants.flops else 0.0
    return Measurement(
        case, seconds, first, entrants.flops, most, memory, rounds.rejected, rounds.noisy, tuple(notes)
    )
