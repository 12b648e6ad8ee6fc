"""Trains the tiny task again and again, each time killed (SIGKILL) at a later moment.

`python kill_worker.py FOLDER`: run N, in FOLDER/N, dies at its N-th touch of the run folder: a file
opened, renamed, removed, made; or forced to the disk, where the file then loses its second half, as if
the kill had come while it was written. Then one run for each step, killed inside it. Ends after the
first run that was not killed.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable
from fcntl import F_GETFL, fcntl
from itertools import count
from pathlib import Path

import torch
from tiny_task import Quiet, TinyTask
from torch.nn import Parameter
from torch.optim import Adam

from bptt.training.loop import train
from bptt.training.options import TrainingOptions

OPTIONS = TrainingOptions(epochs=2, log_every=2, checkpoint_every=0.0)
TOUCHES = ("open", "os.mkdir", "os.remove", "os.rename", "os.truncate")


class Fuse:
    """Kills the process at the `length`-th call of `burn`."""

    def __init__(self, length: int) -> None:
        self.left = length

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def light(run: Path, fuse: Fuse) -> Callable[[], None]:
    """What makes a process burn the fuse at every touch of `run`."""
    fsync = os.fsync

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in TOUCHES and str(arguments[0]).startswith(str(run)):
            fuse.burn()

    def half_synced(handle: int) -> None:
        """Before the kill, lose half of a file that is being written anew; records are appended."""
        status, flags = os.fstat(handle), fcntl(handle, F_GETFL)
        if fuse.left == 1 and stat.S_ISREG(status.st_mode) and not flags & os.O_APPEND:
            os.ftruncate(handle, status.st_size // 2)
        fuse.burn()
        fsync(handle)

    def start() -> None:
        os.fsync = half_synced
        sys.addaudithook(watch)

    return start


def kill_at_touch(run: Path, number: int) -> None:
    """Train in `run` until the `number`-th touch."""
    light(run, Fuse(number))()
    train(TinyTask(), OPTIONS, run, Quiet())


def kill_in_step(run: Path, number: int) -> None:
    """Train in `run` until the `number`-th step."""
    fuse = Fuse(number)
    train(TinyTask(before_step=lambda epoch, index: fuse.burn()), OPTIONS, run, Quiet())


def main() -> None:
    folder = Path(sys.argv[1])
    # torch's first optimiser imports a thousand modules: once here, not in every child.
    Adam([Parameter(torch.zeros(1))])
    for name, kill in (("touch", kill_at_touch), ("step", kill_in_step)):
        for number in count(1):
            # Forked before this process has computed anything, which torch's threads survive.
            child = os.fork()
            if child == 0:
                kill(folder / f"{name}{number:03}", number)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status):
                assert os.waitstatus_to_exitcode(status) == 0
                break


if __name__ == "__main__":
    main()
