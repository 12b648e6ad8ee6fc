"""`python -m soak.kills`: trainings of every job killed at random, on full disks too, then resumed.

A trial trains with `--resume` until a SIGKILL: at a random instant, or at a random touch of the run folder,
a file then half written (`kill_worker`). In one trial of three the disk is full, or soon will be. The last
training of a trial is left alone, and has to end with the bits of one that was never stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib import import_module
from math import inf
from pathlib import Path
from random import Random

import torch
from job_files import data_of, small_options
from kill_worker import Fuse, light
from torch.nn import Parameter
from torch.optim import Adam

from bptt.cli.main import main as bptt
from bptt.jobs.registry import find_job, job_names
from bptt.runs.run_folder import WEIGHTS

# The room on a disk that is not full, in bytes.
PLENTY = 2**26
# Seconds; far above what any training here takes.
LONGEST = 300.0
EACH_STEP = ("--checkpoint-every", "0", "--threads", "1")
ROW = "{:<12} {:>7} {:>7} {:>9} {:>7} {:>8}"


class Training:
    """The command that trains a job in a folder, each time in a process of its own."""

    def __init__(self, job: str, folder: Path) -> None:
        data = data_of(job, folder)
        self.arguments = ("train", job, str(data), "--resume", *small_options(job), *EACH_STEP)
        self.printed = folder / "printed.txt"

    def run(self, run: Path, before: Callable[[], object] = lambda: None, seconds: float = inf) -> int:
        """Train in `run` for that many seconds at most, and return the exit status; `before` is called in
        the process.
        """
        sys.stdout.flush()
        child = os.fork()
        if not child:
            self._become(run, before)
        # Names the process also when it has ended and its number belongs to another.
        handle = os.pidfd_open(child)
        clock = threading.Timer(min(seconds, LONGEST), _kill, (handle,))
        clock.start()
        _, status = os.waitpid(child, 0)
        clock.cancel()
        clock.join()
        os.close(handle)
        return os.waitstatus_to_exitcode(status)

    def _become(self, run: Path, before: Callable[[], object]) -> None:
        code = 1
        try:
            output = os.open(self.printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            before()
            sys.argv = ["bptt", *self.arguments, "-o", str(run)]
            bptt()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def soak(job: str, trials: range, folder: Path) -> Counter[str]:
    """Run the trials of a job and return what was counted. Raises AssertionError at the first fault."""
    training = Training(job, folder)
    counts: Counter[str] = Counter()
    started = time.monotonic()
    _ended(training, training.run(folder / "whole"), "never stopped")
    seconds = time.monotonic() - started
    wanted, touches = _digest(folder / "whole"), _touches(training, folder)
    # As much as the folder of the whole run, which held one checkpoint more for a while, does not last.
    needed = sum(file.stat().st_size for file in (folder / "whole").rglob("*"))
    for number in trials:
        random = Random(f"{job}:{number}")
        room = 0 if number % 3 else random.randrange(4096, needed)
        with disk(folder / f"{number}", room) as (run, enlarge):
            for _ in range(random.choice((1, 1, 2, 3))):
                if random.random() < 0.5:
                    status = training.run(run, light(run, Fuse(random.randrange(touches) + 1)))
                else:
                    status = training.run(run, seconds=random.uniform(0, seconds))
                _count(training, status, counts, f"{job}, trial {number}")
            enlarge()
            _ended(training, training.run(run), f"{job}, trial {number}")
            assert _digest(run) == wanted, f"{job}, trial {number}: other weights"
        counts["trials"] += 1
    return counts


def _kill(handle: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)


def _count(training: Training, status: int, counts: Counter[str], what: str) -> None:
    printed = training.printed.read_text(encoding="utf-8")
    assert "Traceback" not in printed, f"{what}: {printed}"
    if status == -signal.SIGKILL:
        counts["kills"] += 1
    elif status == 2:
        assert "No space left" in printed, f"{what}: {printed}"
        counts["disks full"] += 1
    else:
        _ended(training, status, what)


def _ended(training: Training, status: int, what: str) -> None:
    assert status == 0, f"{what}: exit status {status}\n{training.printed.read_text(encoding='utf-8')}"


def _digest(run: Path) -> str:
    return sha256((run / WEIGHTS).read_bytes()).hexdigest()


def _touches(training: Training, folder: Path) -> int:
    """How often a training that is not killed touches its run folder."""
    counted, run = folder / "touches.json", folder / "counted"

    def count() -> None:
        fuse, end = Fuse(10**9), os._exit

        def ending(code: int) -> None:
            left = fuse.left
            counted.write_text(json.dumps(10**9 - left))
            end(code)

        light(run, fuse)()
        os._exit = ending  # type: ignore[assignment]

    _ended(training, training.run(run, count), "counted")
    found = json.loads(counted.read_text())
    assert isinstance(found, int) and found > 20
    return found


@contextmanager
def disk(folder: Path, room: int) -> Iterator[tuple[Path, Callable[[], object]]]:
    """A run folder, on a disk of its own of `room` bytes if any, and what gives that disk more."""
    folder.mkdir()
    if not room or os.geteuid():
        yield folder / "run", lambda: None
        return

    def mount(size: int, *more: str) -> None:
        options = ",".join((*more, f"size={size}"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)

    mount(room)
    try:
        yield folder / "run", lambda: mount(PLENTY, "remount")
    finally:
        subprocess.run(["umount", folder], check=True)


def main() -> None:
    """Run all trials and print a table."""
    parser = argparse.ArgumentParser(prog="python -m soak.kills", description=__doc__)
    parser.add_argument("jobs", nargs="*", choices=[[], *job_names()], help="default: all")
    parser.add_argument("--trials", type=int, default=40, help="trials of each job")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    chosen = parser.parse_args()
    if os.geteuid():
        print("No disk is filled: only root mounts one.")
    # Once here, not in every child: what a training imports. Nothing is computed before a fork, which
    # torch's threads survive.
    Adam([Parameter(torch.zeros(1))])
    import_module("bptt.training.job_run")
    for job in job_names():
        find_job(job)
    print(ROW.format("job", "trials", "kills", "disks full", "equal", "seconds"))
    sums: Counter[str] = Counter()
    for job in chosen.jobs or job_names():
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bptt-kills-") as folder:
            counts = soak(job, range(chosen.first, chosen.first + chosen.trials), Path(folder))
        counts["seconds"] = round(time.monotonic() - started)
        sums += counts
        _print(job, counts)
    _print("all", sums)


def _print(name: str, counts: Counter[str]) -> None:
    numbers = (counts[each] for each in ("trials", "kills", "disks full", "trials", "seconds"))
    print(ROW.format(name, *(f"{number:,}" for number in numbers)), flush=True)


if __name__ == "__main__":
    main()
