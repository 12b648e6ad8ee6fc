"""Kernels are compiled once, whoever asks at the same time, and in words when they are not."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from tiny_kernels import ANSWER, answer, calls, script, start, tiny

from bptt.codegen.kernel_source import KernelSource
from bptt.errors import MachineError
from bptt.runtime import compiler
from bptt.runtime.build import load
from bptt.runtime.processor import Processor

REAL = 'exec c++ "$@"'


@pytest.fixture
def cxx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's compiler behind a script, and an empty cache."""
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    return script(tmp_path / "cxx", REAL)


def test_compiled_once_with_one_line_about_it(cxx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(load(tiny())) == 42
    assert re.fullmatch(
        r"bptt: compiling tiny for this machine \(once\) \.\.\. \d+\.\d s\n", capsys.readouterr().err
    )
    second = start(ANSWER)
    assert second.communicate(timeout=30) == ("42\n", "")
    assert len(calls(cxx)) == 1


def test_headers_are_found(cxx: Path) -> None:
    assert answer(load(KernelSource("tiny", f'#include "vector.h"\n{tiny().text}'))) == 42


def test_the_key_is_all_that_decides_the_code(cxx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer(load(tiny())) == 42
    assert answer(load(tiny(1))) == 2
    assert len(calls(cxx)) == 2
    monkeypatch.setattr("bptt.runtime.fingerprint._headers", lambda: "another header")
    load(tiny())
    assert len(calls(cxx)) == 3
    monkeypatch.setattr("bptt.runtime.build.processor", lambda: Processor("another", ()))
    load(tiny())
    assert len(calls(cxx)) == 4
    os.utime(cxx, (1, 1))
    load(tiny())
    assert len(calls(cxx)) == 5
    load(tiny())
    assert len(calls(cxx)) == 5


def test_ten_processes_at_once(cxx: Path) -> None:
    processes = [start(ANSWER) for _ in range(10)]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["42\n"] * 10
    assert len(calls(cxx)) == 1


def test_a_killed_builder_holds_nobody_up(cxx: Path) -> None:
    """Killed while its compiler runs, it leaves a lock that is free and a cache without half a kernel."""
    sleeper = cxx.parent / "sleeper"
    sleep = f'case "$*" in *tiny*) echo $$ > {sleeper}; exec sleep 60;; esac'
    script(cxx, f"if [ ! -e {sleeper} ]; then {sleep}; fi\n{REAL}")
    first = start(ANSWER)
    deadline = time.monotonic() + 30
    while not (sleeper.exists() and sleeper.read_text("utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.kill()
    assert first.wait(timeout=30) == -signal.SIGKILL
    try:
        out, err = start(ANSWER).communicate(timeout=30)
        assert (out, "another process" in err) == ("42\n", False)
    finally:
        os.kill(int(sleeper.read_text("utf-8")), signal.SIGKILL)
        first.communicate()


@pytest.mark.parametrize("flag", ["-fopenmp", "-march=native"])
def test_flags_that_the_compiler_does_not_know_are_left_out(cxx: Path, flag: str) -> None:
    script(cxx, f'case "$*" in *{flag}*) echo "unsupported option" >&2; exit 1;; esac\n{REAL}')
    assert answer(load(tiny())) == 42
    (call,) = calls(cxx)
    assert flag not in call
    assert {"-fopenmp", "-march=native"} - {flag} <= set(call.split())


def test_a_text_that_does_not_compile_is_shown(cxx: Path) -> None:
    text = "\n".join(
        [*(f"// line {k}" for k in range(1, 10)), "int wrong = ;", "// after", "// far", "// away"]
    )
    with pytest.raises(compiler.BuildError) as caught:
        load(KernelSource("my cell/float32", text))
    message = str(caught.value)
    assert message.startswith("kernel my cell/float32: the compiler must take it, got exit status 1\n$ ")
    assert f"$ {cxx} -std=c++17" in message
    assert "my_cell_float32.cpp:10:13: error: expected primary-expression" in message
    listing = (
        "     8 | // line 8\n     9 | // line 9\n>   10 | int wrong = ;\n    11 | // after\n    12 | // far"
    )
    assert message.endswith(listing)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo cannot execute cc1plus >&2; exit 1", r"got exit status 1\n\$ .*\ncannot execute cc1plus"),
        ("exit 0", "got no library"),
        ("kill -9 $$", "got exit status -9"),
        ("sleep 60", "got no end after 0 s"),
    ],
)
def test_a_broken_compiler_is_named(
    cxx: Path, text: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(cxx, text if text != "sleep 60" else f"exec {text}")
    if text == "sleep 60":
        monkeypatch.setattr(compiler, "PATIENCE", 0.2)
    with pytest.raises(
        MachineError, match=rf"^C\+\+ compiler: must compile .*{words}[\s\S]*Install one .*CXX"
    ):
        load(tiny())
    assert capsys.readouterr().err == ""


def test_which_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        MachineError, match=r"expected c\+\+, g\+\+, clang\+\+ on the path, got none\. Install"
    ):
        compiler.find()
    for name in reversed(compiler.PROGRAMS):
        path = script(tmp_path / name, REAL)
        assert compiler.find().command == (str(path),)
    monkeypatch.setenv("CXX", "clang++ -m64")
    assert compiler.find().command == (str(tmp_path / "clang++"), "-m64")
    monkeypatch.setenv("CXX", "icpx")
    with pytest.raises(MachineError, match=r"got CXX=icpx"):
        compiler.find()
