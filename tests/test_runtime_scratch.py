"""Temporary folders of compilations: those of killed processes go, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_kernels import TESTS

from bptt.runtime import scratch

pytest.importorskip("fcntl")
HOLD = "from bptt.runtime.scratch import scratch\nwith scratch() as f: print(f, flush=True); input()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch._remove_left_over.cache_clear()
    yield tmp_path
    scratch._remove_left_over.cache_clear()


def holder(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that compiles, as long as it is let."""
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(TESTS.parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_folder_of_a_killed_process_is_removed(temporary: Path) -> None:
    process, left = holder(temporary)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert left.exists()
    with scratch.scratch() as mine:
        assert [path.name for path in temporary.iterdir()] == [mine.name]
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_living_process_stays(temporary: Path) -> None:
    process, left = holder(temporary)
    with scratch.scratch():
        assert left.exists()
    process.communicate("\n", timeout=30)
    assert not left.exists()


def test_a_process_of_another_container_is_known_by_its_lock(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it has another number, which here is that of no process."""
    process, left = holder(temporary)
    monkeypatch.setattr(scratch, "_lives", lambda number: False)
    with scratch.scratch():
        assert left.exists()
    process.communicate("\n", timeout=30)


@pytest.mark.parametrize("kind", ["another name", "no number", "a link", "a file", "another user", "no lock"])
def test_what_is_not_ours_stays(temporary: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = 2**30
    name = {"another name": f"other-{dead}-x", "no number": "bptt-abc"}.get(kind, f"bptt-{dead}-x")
    path, target = temporary / name, temporary / "target"
    target.mkdir()
    (target / "alive").touch()
    if kind == "a link":
        path.symlink_to(target)
    elif kind == "a file":
        path.touch()
    else:
        path.mkdir()
        if kind != "no lock":
            (path / "alive").touch()
    if kind == "another user":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with scratch.scratch():
        assert path.exists() and (target / "alive").exists()
