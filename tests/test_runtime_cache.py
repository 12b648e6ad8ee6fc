"""The cache: damage, other users, full and read-only disks cost time, never a failure."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_kernels import ANSWER, answer, calls, script, start, tiny

from bptt.runtime import cache, notice
from bptt.runtime.build import load

fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def cxx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's compiler behind a script, an empty cache, and nothing said yet."""
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    monkeypatch.setattr(notice, "_told", set())
    return script(tmp_path / "cxx", 'exec c++ "$@"')


def kept(tmp_path: Path, suffix: str) -> Path:
    (found,) = (tmp_path / "cache").glob(f"tiny-*{suffix}")
    return found


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".so", lambda content: content[: len(content) // 2]),
        (".so", lambda content: b""),
        (".so", lambda content: content[:5000] + b"\xff" + content[5001:]),
        (".sha256", lambda content: b"\xff\xfe"),
    ],
    ids=["half", "empty", "one byte", "digest"],
)
def test_a_damaged_kernel_is_built_again(
    cxx: Path, tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    load(tiny())
    file = kept(tmp_path, suffix)
    whole = file.read_bytes()
    file.unlink()  # what this process has loaded must stay as it is
    file.write_bytes(damage(whole))
    # In another process: it might crash.
    assert start(ANSWER).communicate(timeout=30)[0] == "42\n"
    assert start(ANSWER).communicate(timeout=30) == ("42\n", "")
    assert len(calls(cxx)) == 2


def test_without_a_place_for_the_cache(
    cxx: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BPTT_CACHE", str(cxx / "below a file"))
    assert (answer(load(tiny())), answer(load(tiny(1)))) == (42, 2)
    assert (
        capsys.readouterr().err.count(
            "kernels are not kept for the next process (name a folder in BPTT_CACHE): "
        )
        == 1
    )


def test_on_a_full_disk(
    cxx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    assert answer(load(tiny())) == 42
    assert "BPTT_CACHE): [Errno 28] No space left on device" in capsys.readouterr().err
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".lock"]


@pytest.mark.parametrize("change", ["another owner", "open to all"])
def test_kernels_of_others_are_not_loaded(
    cxx: Path,
    tmp_path: Path,
    change: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load(tiny())
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    if change == "another owner":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    else:
        (tmp_path / "cache").chmod(0o777)
    assert answer(load(tiny())) == 42
    assert len(calls(cxx)) == 2
    assert "cache: must belong to you, and only you may write there. Name" in capsys.readouterr().err


def test_waiting_ends(
    cxx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only who has to build waits for the builder, and not for ever."""
    load(tiny())
    monkeypatch.setattr(cache, "PATIENCE", 0.1)
    with kept(tmp_path, ".lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        capsys.readouterr()
        assert answer(load(tiny())) == 42
        assert capsys.readouterr().err == ""
        kept(tmp_path, ".so").unlink()
        assert answer(load(tiny())) == 42
    said = capsys.readouterr().err.splitlines()
    assert [line.split(",")[-1] for line in said[:2]] == [" waiting for it", " not waiting any longer"]
    assert len(calls(cxx)) == 2


def test_without_locks(cxx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    assert answer(load(tiny())) == 42
    monkeypatch.setattr(cache, "fcntl", None)
    assert answer(load(tiny(1))) == 2


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.delenv("BPTT_CACHE", raising=False)
    assert cache.folder() == tmp_path / ".cache" / "bptt"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "bptt"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache.folder() == tmp_path / "Library" / "Caches" / "bptt"
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "mine"))
    assert cache.folder() == tmp_path / "mine"
