"""SIGKILL at every moment at which a run touches its files, and in every step; then resumed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="there is no SIGKILL on Windows")

import kill_worker
from tiny_task import BATCHES, Quiet, TinyTask, everything, same

from bptt.training.loop import train

WORKER = Path(kill_worker.__file__)


def test_killed_at_any_instant_a_run_goes_on_exactly(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(TinyTask(), kill_worker.OPTIONS, whole, Quiet())
    subprocess.run([sys.executable, WORKER, killed], check=True)
    runs = sorted(killed.iterdir())
    names = [run.name for run in runs]
    # The last run of each kind is the one that was not killed.
    assert sum(name.startswith("step") for name in names) == 2 * BATCHES + 1
    assert sum(name.startswith("touch") for name in names) > 60
    for run in runs:
        train(TinyTask(), kill_worker.OPTIONS, run, Quiet(), resume=True)
        assert same(everything(run), everything(whole)), run.name
