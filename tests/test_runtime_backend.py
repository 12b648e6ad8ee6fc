"""The choice of the backend: one place, four ways to say it, one notice when there are no kernels."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from ctypes import CDLL
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from tiny_kernels import answer, calls, script, start, tiny

import bptt
from bptt.cells.cell import Cell
from bptt.codegen.kernel_source import KernelSource
from bptt.errors import InputError, MachineError
from bptt.runtime import dispatch, loaded, notice
from bptt.runtime.kernels.kernel_backend import KERNELS, Kernels
from bptt.runtime.loaded import kernels_of

# What makes the text that the backend `cpu` compiles before a run.
_asked: ContextVar[Callable[[], KernelSource]] = ContextVar("text")
TINY = Cell.define("tiny", "h = x", widths={"h": "I"})


@pytest.fixture(autouse=True)
def cxx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's compiler behind a script, an empty cache; nothing chosen, tried or said yet."""
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    monkeypatch.setenv("BPTT_BACKEND", "")
    monkeypatch.setattr(loaded, "_outcome", lru_cache(loaded._outcome.__wrapped__))
    monkeypatch.setattr(notice, "_noticed", set())
    monkeypatch.setattr(Kernels, "prepare", lambda self, cell, dtype: kernels_of(_asked.get()()))
    return script(tmp_path / "cxx", 'exec c++ "$@"')


def kernels_for(make: Callable[[], KernelSource]) -> CDLL | None:
    """The kernels of a text where the backend `cpu` is chosen for tensors in memory, else None."""
    token = _asked.set(make)
    chosen = dispatch.backend_for(TINY, [torch.ones(1, 1, 1)])
    _asked.reset(token)
    return kernels_of(make()) if chosen is KERNELS else None


def test_the_innermost_choice_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bptt.get_backend() == "auto"
    monkeypatch.setenv("BPTT_BACKEND", "reference")
    assert bptt.get_backend() == "reference"
    bptt.set_backend("cpu")
    with bptt.backend("auto"):
        with bptt.backend("reference"):
            assert bptt.get_backend() == "reference"
        with pytest.raises(KeyError), bptt.backend("reference"):
            raise KeyError
        assert bptt.get_backend() == "auto"
        with ThreadPoolExecutor(1) as other:
            assert other.submit(bptt.get_backend).result() == "cpu"
    assert bptt.get_backend() == "cpu"
    child = start("import bptt; print(bptt.get_backend())")
    assert child.communicate(timeout=30) == ("cpu\n", "")


def test_a_wrong_name_is_answered_with_the_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=r"set_backend: expected one of auto, cpu, reference, triton, got 'gpu'"
    ):
        bptt.set_backend("gpu")
    with pytest.raises(InputError, match=r"backend: expected one of"), bptt.backend(""):
        pass
    assert os.environ["BPTT_BACKEND"] == ""
    monkeypatch.setenv("BPTT_BACKEND", "CPU")
    with pytest.raises(InputError, match=r"environment variable BPTT_BACKEND: expected one of.*got 'CPU'"):
        bptt.get_backend()


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_kernels_are_built_once(name: str, cxx: Path) -> None:
    with bptt.backend(name):
        first = kernels_for(tiny)
        assert first is not None
        assert answer(first) == 42
        assert kernels_for(tiny) is first
        assert len(calls(cxx)) == 1


def test_reference_asks_for_no_text(cxx: Path) -> None:
    def unwanted() -> None:
        raise AssertionError

    with bptt.backend("reference"):
        assert kernels_for(unwanted) is None  # type: ignore[arg-type]
    assert not calls(cxx)


def test_threads_share_one_build(cxx: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(kernels_for, [tiny] * 8))
    assert len(found) == 1
    assert len(calls(cxx)) == 1


@pytest.mark.parametrize("state", ["missing", "broken"])
def test_auto_does_without_a_compiler(
    state: str, cxx: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if state == "missing":
        monkeypatch.setenv("CXX", "no-such-compiler")
    else:
        script(cxx, "echo broken >&2; exit 1")
    for number in (41, 42, 41):
        assert kernels_for(lambda number=number: tiny(number)) is None
    said = capsys.readouterr().err
    assert said.count("bptt: ") == 1
    assert "run in torch operations, which takes several times as long. No kernel for tiny-float32: " in said
    assert "got CXX=no-such-compiler" in said if state == "missing" else "\nbroken" in said
    assert "Install one (Debian, Ubuntu: apt install g++" in said
    log = cxx.parent / "log"
    assert (len(log.read_text("utf-8").splitlines()) if log.exists() else 0) == (state == "broken")


def test_cpu_raises_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with bptt.backend("cpu"):
        for _ in range(2):
            with pytest.raises(MachineError, match="got CXX=no-such-compiler"):
                kernels_for(tiny)
    assert capsys.readouterr().err == ""
