"""Files as bytes: pipes and devices, compressed data that grow, and memory that is not there."""

from __future__ import annotations

import gzip
import io
import os
import threading
import zlib
from pathlib import Path

import pytest

from bptt.data import memory
from bptt.data.memory import available_memory, check_inflation, check_memory
from bptt.data.reading import read_bytes, unpack
from bptt.data.text import decode_text, read_text
from bptt.errors import InputError, MachineError


@pytest.mark.parametrize(("path", "kind"), [("/dev/zero", "a device"), ("/dev/null", "a device")])
def test_a_device_has_no_end_and_is_refused(path: str, kind: str) -> None:
    with pytest.raises(InputError, match=f"{path}: must be a file, got {kind}. Write it into a file first"):
        read_bytes(Path(path))


def test_a_fifo_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="fifo: must be a file, got a pipe that is empty or was read before"):
        read_text(tmp_path / "fifo")


@pytest.mark.parametrize("size", [3, 300_000], ids=["at once", "more than a pipe holds"])
def test_what_is_written_into_a_pipe_is_read_to_its_end(size: int) -> None:
    """As of `bptt train lm <(zcat book.gz)`."""
    reading, writing = os.pipe()
    data = b"abc" * (size // 3)

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_bytes(Path(f"/dev/fd/{reading}")) == data
    writer.join()
    os.close(reading)


def test_a_socket_and_a_path_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="must be readable, got File name too long"):
        read_bytes(tmp_path / ("x" * 300))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(MachineError, match="loop: must be readable"):
        read_bytes(tmp_path / "loop")


def test_a_file_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**42)
    with pytest.raises(MachineError, match=r"sparse: must fit into memory: it needs 8,192\.0 GB, got"):
        read_text(tmp_path / "sparse")


def test_what_gzip_inflates_beyond_data_is_refused_while_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(2**27), mtime=0)
    assert len(bomb) < 2**18
    with pytest.raises(InputError, match=r"b: compressed data may grow 200-fold beyond 64 MB, got at least"):
        unpack(bomb, "b")


def test_members_of_gzip_one_after_the_other_are_one_text() -> None:
    assert unpack(gzip.compress(b"one\n") + gzip.compress(b"two\n"), "g") == b"one\ntwo\n"
    broken = bytearray(gzip.compress(b"one two three " * 50))
    broken[20] ^= 255
    for data in (bytes(broken), gzip.compress(b"one")[:-3], b"\x1f\x8b\x08"):
        with pytest.raises(InputError, match="g: must be a whole gzip file"):
            unpack(data, "g")


@pytest.mark.parametrize(
    ("packed", "unpacked", "refused"),
    [(1, 2**26, False), (2**20, 2**26 + 1, False), (1, 2**26 + 1, True), (2**20, 201 * 2**20, True)],
)
def test_the_bound_of_inflation(packed: int, unpacked: int, refused: bool) -> None:
    if not refused:
        return check_inflation("f", packed, unpacked)
    with pytest.raises(InputError, match="Unpack it first if this is meant"):
        check_inflation("f", packed, unpacked)


def test_memory_is_that_of_the_machine_the_group_and_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   3000000 kB\n",
        "/sys/fs/cgroup/memory.max": "1500000000\n",
        "/sys/fs/cgroup/memory.current": "500000000\n",
        "/proc/self/statm": "1000 10 10\n",
    }
    monkeypatch.setattr(memory, "_read", lambda path: found.get(path, ""))
    limit = [memory.resource.RLIM_INFINITY]
    monkeypatch.setattr(memory.resource, "getrlimit", lambda kind: (limit[0], limit[0]))
    assert available_memory() == 10**9
    found["/sys/fs/cgroup/memory.max"] = "max\n"
    assert available_memory() == 3_000_000 * 1024
    limit[0] = 10**8
    assert available_memory() == 10**8 - 1000 * os.sysconf("SC_PAGE_SIZE")
    check_memory("f", 9 * 10**7)
    with pytest.raises(MachineError, match=r"f: must fit into memory: it needs 0\.1 GB, got 0\.1 GB free"):
        check_memory("f", 10**8)


def test_a_machine_that_says_nothing_sets_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_read", lambda path: "")
    monkeypatch.setattr(memory, "resource", None)
    check_memory("f", 2**60)


def test_the_content_of_a_packed_text_is_what_zlib_unpacks() -> None:
    data = os.urandom(1000) * 3
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(data)
    whole = packed.getvalue()
    assert unpack(whole, "g") == zlib.decompress(whole, 31) == data


def test_zstandard_is_unpacked_as_gzip_is() -> None:
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(b"one\n") + zstandard.ZstdCompressor().compress(b"two\n")
    assert unpack(packed, "z") == b"one\ntwo\n"
    assert decode_text(packed, "z") == "one\ntwo\n"
    with pytest.raises(InputError, match="z: must be a whole Zstandard file, got it ends within a frame"):
        unpack(packed[:-1], "z")
    bomb = zstandard.ZstdCompressor().compress(bytes(2**28))
    with pytest.raises(InputError, match="compressed data may grow"):
        unpack(bomb, "z")


def test_without_zstandard_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bptt.data.zstandard_files.zstandard", None)
    with pytest.raises(InputError, match=r"needs the package zstandard.*pip install 'bptt\[zstd\]'"):
        unpack(b"(\xb5/\xfd....", "z")
