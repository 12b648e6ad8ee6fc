"""Runs of the command line on several processes, forked off one that has imported everything.

A plan is a list of runs that follow each other: `size`, the number of processes; `arguments` of `bptt`, in
which {rank} is the number of a process; `output`, the file for what they print, to whose name the rank is
added; perhaps `signal`, which process `rank` sends itself before the update `step` (before that epoch, if an
update is on all batches); perhaps `clock`, a file for the times of `update_clock`, named likewise; perhaps
`large`, the bytes from which rows stay in their file.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from forked import run_forked
from update_clock import start

from bptt.data.readers import sources

TESTS = Path(__file__).parent


def run_ranks(plan: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Run a plan, and return the exit statuses of the processes of each run; a signal is negative."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "RANKS": json.dumps(plan)}
    code = "import ranks; ranks.main()"
    found = run_forked(code, environment=environment)
    assert found.returncode == 0, found.stderr
    statuses: list[list[int]] = json.loads(found.stdout)
    return statuses


def main() -> None:
    """Do what the plan says."""
    import bptt.training.job_run  # noqa: F401  # once, for all processes

    plan = json.loads(os.environ["RANKS"])
    sys.stdout.write(json.dumps([_run(**each) for each in plan]))


def _run(size: int, arguments: list[str], output: str, clock: str = "", **faults: int) -> list[int]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(size):
        if not (child := os.fork()):
            names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
            os.environ.update({name: str(value) for name, value in names.items()}, MASTER_ADDR="127.0.0.1")
            _become(arguments, f"{output}{rank}", clock and f"{clock}{rank}", rank, **faults)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _become(
    arguments: list[str],
    output: str,
    clock: str,
    own: int,
    signal: int = 0,
    rank: int = 0,
    step: int = 0,
    large: int = sources.LARGE,
) -> None:
    from bptt.cli.main import main as command

    sources.LARGE = large
    from bptt.training.grouped import _GroupedUpdater

    handle = os.open(output, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(handle, stream.fileno())
    for name in ("on_batch", "on_whole_set"):
        plain = getattr(_GroupedUpdater, name)

        def with_fault(self: Any, number: int, *more: Any, plain: Any = plain) -> Any:
            if signal and own == rank and number == step:
                os.kill(os.getpid(), signal)
            return plain(self, number, *more)

        setattr(_GroupedUpdater, name, with_fault)
    sys.argv = ["bptt", *(each.replace("{rank}", str(own)) for each in arguments)]
    status = 70
    write = start(Path(clock)) if clock else None
    try:
        command()
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        if write:
            write()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


SIGKILL, SIGTERM = int(signal.SIGKILL), int(signal.SIGTERM)
