"""Measuring processes, one after the other: each with its own threads and its own set-up of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import datetime, timezone
from tempfile import TemporaryFile

from bptt.bench.cases import Case
from bptt.bench.request import Request
from bptt.bench.results import Environment, Measurement, ProcessRun, Report
from bptt.errors import InternalError

# glibc's own variables, for what `bptt train` sets by mallopt: freed blocks are kept for the next step.
_TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
# OpenMP takes its number of threads from torch; the pool of JAX asks NPROC.
_THREADS = ("OMP_NUM_THREADS", "NPROC")
_LAST_WORDS = 2000


def carry_out(
    requests: Sequence[Request],
    command: str,
    on_start: Callable[[Request, Case], None],
    on_machine: Callable[[Environment], None] = lambda _: None,
) -> Report:
    """Measure; `on_machine` is called with the machine of a process before its cases, `on_start` with every
    case before it begins. Raises InternalError if a process fails.
    """
    found = (_carry_out(request, on_start, on_machine) for request in requests)
    environments, runs = zip(*found, strict=True)
    return Report(command, datetime.now(timezone.utc).strftime("%Y-%m-%d"), environments[0], runs)


def _carry_out(
    request: Request, on_start: Callable[[Request, Case], None], on_machine: Callable[[Environment], None]
) -> tuple[Environment, ProcessRun]:
    found = []
    with closing(_answers(request)) as answers:
        environment = Environment(**json.loads(next(answers)))
        on_machine(environment)
        for case in request.cases:
            on_start(request, case)
            found.append(Measurement.from_dict(json.loads(next(answers))))
    return environment, ProcessRun(request.threads, request.tuned, found)


def _answers(request: Request) -> Generator[str, None, None]:
    """Yield the lines of a process that carries out a request."""
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "bptt.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            encoding="utf-8",
            env=_environment(request),
        )
        with process:
            try:
                if process.stdin is not None and process.stdout is not None:
                    process.stdin.write(request.to_json() + "\n")
                    process.stdin.close()
                    yield from process.stdout
            finally:
                process.kill()
        words.seek(0)
        raise InternalError("bench", "the measuring process must finish", words.read()[-_LAST_WORDS:])


def _environment(request: Request) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    threads = dict.fromkeys(_THREADS, str(request.threads))
    return {**plain, **threads, "JAX_PLATFORMS": "cpu", **(_TUNED if request.tuned else {})}
