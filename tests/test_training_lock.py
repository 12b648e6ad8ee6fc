"""One folder, one process that trains in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_task import Quiet, TinyTask, everything, same

from bptt.errors import InputError
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.run_lock import FILE, locked

HOLDER = """
import sys
from pathlib import Path
from bptt.training.run_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["resume", "overwrite"])
def test_a_run_that_another_process_trains_is_left_alone(tmp_path: Path, how: str) -> None:
    run, options = tmp_path / "run", TrainingOptions(epochs=1)
    train(TinyTask(), options, run, Quiet())
    before = everything(run)
    command = [sys.executable, "-c", HOLDER, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=r"run: is being written by another process"):
            train(TinyTask(), options, run, Quiet(), **{how: True})
        assert same(everything(run), before)
        holder.kill()
    # A lock dies with its process.
    assert train(TinyTask(), options, run, Quiet(), **{how: True}).step == 3


def test_the_lock_is_held_while_it_trains_and_given_back(tmp_path: Path) -> None:
    run = tmp_path / "run"

    def try_too(epoch: int, index: int) -> None:
        with pytest.raises(InputError, match="another process"), locked(run):
            pass

    train(TinyTask(before_step=try_too), TrainingOptions(epochs=1), run, Quiet())
    with locked(run):
        assert (run / FILE).exists()
