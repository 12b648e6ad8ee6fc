"""Files of MATLAB: what SciPy reads is read, and what would end its process is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from bptt.data.readers.matlab import read_matlab
from bptt.errors import InputError

CELL = np.empty((1, 2), object)
CELL[0, 0], CELL[0, 1] = np.eye(3), "音乐"
VALUES: dict[str, Any] = {
    "numbers": np.arange(24.0).reshape(2, 3, 4),
    "complex": np.array([1 + 2j]),
    "small": np.arange(3, dtype=np.int8),
    "flags": np.array([True]),
    "none": np.zeros((0, 3)),
    "text": "hallo 你好",
    "structure": {"a": 1, "bb": {"c": [1, 2, 3]}},
    "several": np.array([(1, 2.5), (3, 4.5)], dtype=[("p", int), ("q", float)]),
    "cell": CELL,
    "sparse": scipy.sparse.csc_array(np.eye(4) * 2j),
}


def message(path: Path) -> str:
    with pytest.raises(InputError, match=r"must be a MATLAB file \(version 4 to 7\.2\)") as caught:
        read_matlab(path, "music")
    return str(caught.value)


def damaged(path: Path, before: bytes, after: bytes) -> Path:
    """One float in a cell, with these bytes of the file replaced."""
    cell = np.empty((1, 1), object)
    cell[0, 0] = np.array([[0.5]])
    scipy.io.savemat(path, {"trial": cell})
    data = path.read_bytes()
    assert data.count(before) == 1
    path.write_bytes(data.replace(before, after))
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_all_classes_are_read_as_scipy_reads_them(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "all.mat"
    scipy.io.savemat(path, VALUES, do_compression=packed)
    found, expected = read_matlab(path, "music"), scipy.io.loadmat(path)
    assert found.keys() == expected.keys() > VALUES.keys()
    for name in VALUES:
        assert str(found[name]) == str(expected[name])
        assert found[name].dtype == expected[name].dtype


def test_version_4_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.mat"
    scipy.io.savemat(path, {"a": np.eye(3)}, format="4")
    assert np.array_equal(read_matlab(path, "music")["a"], np.eye(3))


# The tag of the number in the cell: type 9, 8 bytes; what SciPy has in its table, behind it, or nowhere.
NUMBER = struct.pack("<IId", 9, 8, 0.5)


@pytest.mark.parametrize("kind", [0, 8, 10, 14, 15, 19, 21, 60_000])
def test_a_type_that_scipy_would_look_up_anywhere_is_refused(tmp_path: Path, kind: int) -> None:
    path = damaged(tmp_path / "a.mat", NUMBER, struct.pack("<IId", kind, 8, 0.5))
    assert f"type {kind} with 8 bytes" in message(path)


# The shape of the cell and the beginning of the tag of its name.
SHAPE = struct.pack("<6I", 5, 8, 1, 1, 1, 5)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (NUMBER, struct.pack("<IId", 9, 80, 0.5), "an element of 80 bytes, where 8 are left"),
        # Room for so many would be taken before one is read.
        (SHAPE, struct.pack("<6I", 5, 8, 2**31 - 1, 1, 1, 5), "2147483647 matrices in"),
        (SHAPE, struct.pack("<6I", 5, 8, 2**32 - 1, 1, 1, 5), "a negative size"),
    ],
)
def test_sizes_are_those_of_the_file(tmp_path: Path, before: bytes, after: bytes, said: str) -> None:
    assert said in message(damaged(tmp_path / "a.mat", before, after))


def test_cells_within_cells_have_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": 1.0})
    inner = path.read_bytes()[128:]
    for _ in range(80):
        head = struct.pack("<10I", 6, 8, 1, 0, 5, 8, 1, 1, 1, 0)
        inner = struct.pack("<II", 14, len(head) + len(inner)) + head + inner
    path.write_bytes(path.read_bytes()[:128] + inner)
    assert "65 matrices deep" in message(path)
