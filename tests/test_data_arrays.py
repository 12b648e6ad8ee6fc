"""Files that claim more than they hold, or hold more than they seem: refused before memory is taken."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from soak.targets.arrays import HEADERS, MEMBERS, reheaded, saved, zipped

from bptt.data import memory
from bptt.data.readers.arrays import read_npz
from bptt.data.readers.forms import read_grid
from bptt.data.readers.vectors import read_vectors
from bptt.errors import BpttError, InputError, MachineError

MEGABYTES = 2**20


def write(path: Path, **members: bytes) -> Path:
    path.write_bytes(zipped({**MEMBERS, **members}, packed=True))
    return path


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.decode()[:40])
def test_a_header_that_lies_is_refused_without_the_memory_it_claims(tmp_path: Path, header: bytes) -> None:
    class Chosen:
        def choice(self, headers: tuple[bytes, ...]) -> bytes:
            return header

    path = write(tmp_path / "a.npz", X=reheaded(MEMBERS["X"], Chosen()))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"a\.npz"):
            read_npz(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTES
    finally:
        tracemalloc.stop()


def test_a_small_archive_that_inflates_beyond_data_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", X=saved(np.zeros((2, 2**25, 2), np.int8)))
    assert path.stat().st_size < MEGABYTES
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"a\.npz: X: compressed data may grow 200-fold .*Unpack"):
            read_npz(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTES
    finally:
        tracemalloc.stop()


def test_arrays_larger_than_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=np.ones((1, 2**22, 2)))
    monkeypatch.setattr(memory, "available_memory", lambda: 100 * MEGABYTES)
    with pytest.raises(MachineError, match=r"a\.npz: X: must fit into memory: it needs 0\.2 GB, got"):
        read_npz(path)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        (
            {"y": saved([1 + 2j] * 3)},
            "must be an .npz file of plain numbers and, as labels, .*, got y of complex",
        ),
        ({"y": saved(np.zeros(3, "M8[s]"))}, "got y of datetime64"),
        ({"y": saved(np.array([0x110000] * 3, np.uint32).view("U1"))}, "a.npz: y: labels must be Unicode"),
        ({"y": saved(np.array([0xD83D] * 3, np.uint32).view("U1"))}, "a.npz: y: labels must be Unicode"),
        ({"y": saved([b"\xff"] * 3)}, "a.npz: y: labels must be Unicode"),
        ({"y": saved(["a", "b", " "])}, r"a.npz: y\[2\]: must be a label, got an empty text"),
        ({"y": saved([1.0, np.nan, 2.0])}, r"a.npz: y\[1\]: must be a label, got NaN"),
        ({"y": b"\x93NUMPY\x01\x00"}, "must be an .npz file of arrays of one shape"),
        ({"lengths": saved([2**63] * 3)}, r"X\[0\]: must have 1 to 4 steps, got 9223372036854775808"),
        ({"X": saved(np.full((1, 1, 1), np.inf))}, "y must be"),
    ],
    ids="complex dates beyond-Unicode surrogates bytes empty nan header-alone huge-length shapes".split(),
)
def test_members_of_other_kinds_are_refused(tmp_path: Path, members: dict[str, bytes], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_npz(write(tmp_path / "a.npz", **members))


def test_labels_of_bytes_are_text_and_other_members_are_not_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", y=saved([b"a", "好".encode(), b"a"]), other=b"no array")
    assert read_npz(path).targets == ("a", "好", "a")


def test_an_archive_that_is_encrypted_or_packed_in_unknown_ways_is_refused(tmp_path: Path) -> None:
    whole = bytearray(zipped(MEMBERS, packed=False))
    for offset, value in ((6, 1), (8, 99)):
        data = bytearray(whole)
        # The same field of the member's own header and of the central directory.
        directory = whole.index(b"PK\x01\x02")
        data[offset] = data[directory + offset + 2] = value
        (tmp_path / "a.npz").write_bytes(data)
        with pytest.raises(InputError, match=r"a\.npz: must be an \.npz file"):
            read_npz(tmp_path / "a.npz")
    assert zipfile.is_zipfile(io.BytesIO(whole))


def test_a_parquet_of_more_rows_than_memory_holds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million equal rows take a few kilobytes in the file."""
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": np.ones(10**6), "label": np.ones(10**6, np.int8)}), path)
    assert path.stat().st_size < MEGABYTES // 10
    monkeypatch.setattr(memory, "available_memory", lambda: 300 * MEGABYTES)
    with pytest.raises(MachineError, match=r"a\.parquet: must fit into memory: it needs 0\.3 GB"):
        read_grid(path)


@pytest.mark.parametrize("at", range(4, 600, 7))
def test_a_parquet_with_a_wrong_byte_is_read_or_refused(tmp_path: Path, at: int) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": ["好", "b"], "label": ["x", "y"]}), file)
    data = bytearray(file.getvalue())
    data[at] ^= 255
    (tmp_path / "a").write_bytes(data)
    try:
        read_grid(tmp_path / "a")
    except BpttError as error:
        assert str(tmp_path / "a") in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("1 ²\nthe 1 2\n", "v:1: must be a word and 1 numbers|v:2"),
        (f"1 {'9' * 5000}\nthe 1 2\n", "must have vectors of some|v:2: must be a word and 1 numbers"),
        ("1 1000000000000\nthe 1 2\n", "v:2: must be a word and"),
        (f"the 1 {'9' * 5000}\n", "v:1: must be a finite number of float32"),
        ("the " + "1 " * 2**21 + "\n", "v:1: must be a word and numbers in less than 4,194,304 bytes"),
    ],
    ids="superscript digits claim huge-number huge-line".split(),
)
def test_sizes_and_numbers_without_measure_in_vectors(tmp_path: Path, data: str, fault: str) -> None:
    (tmp_path / "v").write_text(data, encoding="utf-8")
    with pytest.raises(InputError, match=fault):
        read_vectors(tmp_path / "v", {"the"})
