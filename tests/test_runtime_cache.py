"""The cache: damage, other users, full and read-only disks cost time, never a failure."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_kernels import ANSWER, answer, calls, script, start, tiny

from bptt import files
from bptt.runtime import cache, lock, notice
from bptt.runtime.build import load

fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def cxx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's compiler behind a script, an empty cache, and nothing said yet."""
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    monkeypatch.setattr(notice, "_noticed", set())
    return script(tmp_path / "cxx", 'exec c++ "$@"')


def kept(tmp_path: Path, suffix: str) -> Path:
    (found,) = (tmp_path / "cache").glob(f"tiny-*{suffix}")
    return found


def put_in_place(file: Path, content: bytes) -> None:
    """Make a new file of this name. Writing into the old one would change the library that this process has
    mapped: Python would die of a segmentation fault at its end, in the library's destructors.
    """
    file.unlink()
    file.write_bytes(content)


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
    put_in_place(file, damage(whole))
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


@pytest.mark.parametrize("change", ["another owner", "open to all", "open to a group"])
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
        as_somebody_else(monkeypatch)
    else:
        (tmp_path / "cache").chmod(0o777 if change == "open to all" else 0o770)
    assert answer(load(tiny())) == 42
    assert len(calls(cxx)) == 2
    said = capsys.readouterr().err
    assert "cache: must belong to you" in said and "Name a folder of your own in BPTT_CACHE" in said


def as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing belongs to root either: the one who runs the tests may be root."""
    real = os.lstat
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(Path, "lstat", lambda path: OtherOwner(real(path)))


class OtherOwner:
    """The status of a file, but for its owner."""

    st_uid = 4321

    def __init__(self, status: os.stat_result) -> None:
        self.st_mode = status.st_mode


def plant(path: Path, change: str, elsewhere: Path) -> None:
    """Let somebody else have put this file there."""
    if change == "a link":
        path.rename(elsewhere)
        path.symlink_to(elsewhere)
    elif change == "another owner":
        os.chown(path, 4321, -1)
    else:
        path.chmod(0o666 if change == "open to all" else 0o660)


@pytest.mark.parametrize("suffix", [".so", ".sha256"])
@pytest.mark.parametrize("change", ["a link", "open to all", "open to a group", "another owner"])
def test_a_planted_library_is_not_loaded(
    cxx: Path, tmp_path: Path, change: str, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within a folder that is ours: what is there under its name is replaced, and nothing through a link."""
    if change == "another owner" and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    load(tiny())
    file, elsewhere = kept(tmp_path, suffix), tmp_path / "elsewhere"
    whole = file.read_bytes()
    plant(file, change, elsewhere)
    assert start(ANSWER).communicate(timeout=60)[0] == "42\n"
    capsys.readouterr()
    assert answer(load(tiny())) == 42 and capsys.readouterr().err == ""
    assert not file.is_symlink() and file.stat().st_mode & 0o077 == 0
    assert len(calls(cxx)) == 2
    assert not elsewhere.exists() or elsewhere.read_bytes() == whole


def test_a_planted_library_is_said(cxx: Path, tmp_path: Path) -> None:
    load(tiny())
    kept(tmp_path, ".so").chmod(0o666)
    said = start(ANSWER).communicate(timeout=60)[1]
    assert "recompiling a cached kernel: " in said and "only you may write there, got -rw-rw-rw-" in said


def test_a_library_without_its_functions_is_built_again(cxx: Path, tmp_path: Path) -> None:
    """Whole, by its digest, and ours, but of something else."""
    load(tiny())
    other = replace(tiny(name="other"), text="int nothing;", doors=())
    load(other)
    for suffix in (".so", ".sha256"):
        (wrong,) = (tmp_path / "cache").glob(f"other-*{suffix}")
        put_in_place(kept(tmp_path, suffix), wrong.read_bytes())
    out, said = start(ANSWER).communicate(timeout=60)
    assert out == "42\n" and "must have the functions of its kernel, got no answer" in said
    assert start(ANSWER).communicate(timeout=60) == ("42\n", "")


def test_the_lock_is_not_taken_through_a_link(cxx: Path, tmp_path: Path) -> None:
    load(tiny())
    lock_file, outside = kept(tmp_path, ".lock"), tmp_path / "outside"
    lock_file.unlink()
    lock_file.symlink_to(outside)
    kept(tmp_path, ".so").unlink()
    assert answer(load(tiny())) == 42
    assert not outside.exists()


def test_a_cache_on_another_disk(cxx: Path, tmp_path: Path) -> None:
    """The folder may be a link, which is how a user moves it; where it leads to is looked at."""
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to(tmp_path / "disk")
    assert answer(load(tiny())) == answer(load(tiny())) == 42
    assert len(calls(cxx)) == 1
    (tmp_path / "disk").chmod(0o770)
    assert answer(load(tiny())) == 42
    assert len(calls(cxx)) == 2


@pytest.mark.parametrize(
    "name",
    ["-wrapper", "--help", "@list", "..", "a/b", "\x1b[31mred", "门", "", "x" * 4096, ".hidden", "a b;c"],
)
def test_names_of_kernels(cxx: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No option of the compiler, no other folder, no command to the terminal, no name too long for a disk."""
    assert answer(load(tiny(name=name))) == 42
    (file,) = (tmp_path / "cache").glob("*.so")
    assert file.name.isascii() and file.name[0].isalnum() and len(file.name) < 128
    assert "\x1b" not in capsys.readouterr().err
    assert not any(word.startswith(("-w", "--", "@")) for word in calls(cxx)[0].split())


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
    assert said[0].startswith("bptt: waiting for another process that compiles tiny-")
    assert said[1].endswith("is not there after 0 s, compiling it here too")
    assert len(calls(cxx)) == 2


def test_without_locks(cxx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    assert answer(load(tiny())) == 42
    monkeypatch.setattr(lock, "fcntl", None)
    assert answer(load(tiny(1))) == 2


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.delenv("BPTT_CACHE", raising=False)
    assert files.cache_folder() == tmp_path / ".cache" / "bptt"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert files.cache_folder() == tmp_path / "xdg" / "bptt"
    monkeypatch.setattr("sys.platform", "darwin")
    assert files.cache_folder() == tmp_path / "Library" / "Caches" / "bptt"
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "mine"))
    assert files.cache_folder() == tmp_path / "mine"
