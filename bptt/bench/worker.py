"""A process that measures. A request comes on standard input; results go to standard output, as JSON,
a line each: first the environment, then the outcome of one case after the other.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version

import torch

from bptt.bench import layer_contenders, output_layer_loss, streaming, training, word_models
from bptt.bench.barrier import Barrier
from bptt.bench.case_measurement import Entrants, compare
from bptt.bench.cases import Case
from bptt.bench.contender_names import TORCH
from bptt.bench.peak import Peak
from bptt.bench.request import Request
from bptt.bench.results import Environment, Measurement
from bptt.errors import MachineError
from bptt.runtime.processor import processor

# Of half a millisecond each: the first ones find a processor at rest.
_PEAK_RUNS = 50
_PACKAGES = ("bptt", "torch", "torchrecurrent", "jax", "onnxruntime")


def main() -> None:
    """Answer the request of standard input."""
    # Libraries may print what they like: it goes where errors go.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = Request.from_json(sys.stdin.readline())
    answers.write(json.dumps(asdict(environment(request))) + "\n")
    for outcome in outcomes(request):
        answers.write(json.dumps(asdict(outcome)) + "\n")


def environment(request: Request) -> Environment:
    """Describe the machine, as fast as it is on the threads asked for, and the software on it."""
    torch.set_num_threads(request.threads)
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    missing = [peer.name for peer in layer_contenders.PEERS if request.others and not peer.installed]
    return Environment(
        processor=processor().name,
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        vectors=torch.backends.cpu.get_cpu_capability(),
        versions=found,
        missing=missing,
        peak=_peak_rate(),
    )


def _peak_rate() -> float:
    """Return the most floating-point operations per second in a few runs; 0 without a compiler."""
    with suppress(MachineError):
        peak = Peak()
        return max(_rate_of(peak) for _ in range(_PEAK_RUNS))
    return 0.0


def _rate_of(peak: Peak) -> float:
    start = time.perf_counter()
    peak.step()
    return peak.flops / (time.perf_counter() - start)


def outcomes(request: Request) -> Iterator[Measurement]:
    """Measure one case after the other, on the threads asked for."""
    torch.set_num_threads(request.threads)
    peak = barrier = None
    # Without a compiler, what the processor can do stays unknown.
    with suppress(MachineError):
        peak, barrier = Peak(), Barrier()
    for case in request.cases:
        # Before each case: a host may move a virtual core at any time.
        waited = barrier.seconds() if barrier and request.threads > 1 else 0.0
        yield replace(compare(case, _entrants(case, request), peak, request.budget), barrier=waited)


def _entrants(case: Case, request: Request) -> Entrants:
    if case.kind == "streaming":
        return streaming.entrants(case)
    if case.kind == "training":
        return training.entrants(case)
    if case.kind == "vocabulary":
        return word_models.entrants(case)
    if case.kind == "loss":
        # Memory that a tuned malloc keeps of earlier work would not be counted.
        return replace(output_layer_loss.entrants(case), memory=not request.tuned)
    asked = (p for p in layer_contenders.PEERS if request.others or p.name in TORCH)
    return layer_contenders.entrants(case, [p for p in asked if p.installed and (request.slow or not p.slow)])


if __name__ == "__main__":
    main()
