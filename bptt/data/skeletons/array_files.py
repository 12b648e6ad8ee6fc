"""Skeletons in arrays: `.npy` and `.npz` of NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from bptt.data.memory import check_memory
from bptt.data.readers.arrays import labels_of, lengths_of, read_array
from bptt.data.reading import open_file
from bptt.data.skeletons.joint_orders import usual_order
from bptt.data.skeletons.labelled_recording import LabelledRecording
from bptt.data.skeletons.recording import Skeleton, narrowed, recording
from bptt.errors import BpttError, InputError

AnyArray = npt.NDArray[Any]
Header = tuple[tuple[int, ...], np.dtype[Any]]

_RULE = "must be numbers, (T, joints, 2 or 3), or (T, joints * 3 or 2)"


def array_shape(path: Path) -> Header | None:
    """Return the shape and dtype that the header of an `.npy` file says; None if it has none."""
    with open_file(path) as file:
        return _header(file)


def series_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of the array X of an `.npz` file, () if it has none."""
    try:
        with open_file(path) as file, ZipFile(file) as archive, archive.open("X.npy") as member:
            found = _header(member)
    except BpttError:
        raise
    except Exception:
        # Without it, or damaged: zipfile raises as many kinds.
        return ()
    return () if found is None else found[0]


def _header(file: Any) -> Header | None:
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(file)
    except Exception:
        # Of damaged headers: some ten kinds, from tokenize.TokenError to zlib.error.
        return None
    return None if min(shape, default=0) < 0 else (shape, dtype)


def read_npy(path: Path) -> Skeleton:
    """Read the places of joints of one recording. Raises InputError for another shape, and for objects."""
    found = array_shape(path)
    if found is None or found[1].kind not in "fiu":
        raise InputError(str(path), _RULE, "another array" if found is None else found[1])
    size = prod(found[0])
    with open_file(path) as file:
        if size * found[1].itemsize > (there := os.fstat(file.fileno()).st_size):
            came = f"{there:,} bytes of {size * found[1].itemsize:,} that its header names"
            raise InputError(str(path), "must be a whole file of arrays", came, "Save it again")
        check_memory(str(path), size * (found[1].itemsize + 3 * 4))
        return of_array(loaded(lambda: np.load(file, allow_pickle=False), path), str(path))


def read_archive(path: Path) -> list[LabelledRecording]:
    """Read an `.npz` file: the only array, or one called as skeletons are, is a recording; `X` (N, T, joints,
    2 or 3) with labels `y` (N,) and `lengths` (N,) are N.

    Raises InputError for other arrays, and for objects.
    """
    with open_file(path) as file:
        arrays = loaded(lambda: _members(file, path), path)
    if "X" in arrays and arrays["X"].ndim == 4:
        return _many(arrays, path)
    usual = ("skeleton", "keypoints", "keypoint", "joints", "poses", "pose", "data", "arr_0")
    name = next((name for name in usual if name in arrays), None)
    if name is None and len(arrays) == 1:
        (name,) = arrays
    if name is None:
        rule = f"must hold one array of places, or call it {usual[0]}"
        raise InputError(str(path), rule, ", ".join(sorted(arrays)))
    return [LabelledRecording(of_array(arrays[name], f"{path}: {name}"))]


def _many(arrays: dict[str, AnyArray], path: Path) -> list[LabelledRecording]:
    values = arrays["X"]
    if values.dtype.kind not in "fiu":
        raise InputError(f"{path}: X", _RULE, values.dtype)
    count, steps, joints, dimensions = values.shape
    labels = labels_of(arrays, path, count)
    lengths = lengths_of(arrays, path, values.reshape(count, steps, joints * dimensions))
    return [
        LabelledRecording(of_array(series[:length], f"{path}: X[{n}]"), label, f"X[{n}]")
        for n, (series, label, length) in enumerate(zip(values, labels, lengths, strict=True))
    ]


def _members(file: Any, path: Path) -> dict[str, AnyArray]:
    with ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                raise InputError(str(path), "must hold arrays alone", info.filename)
        return {
            (name := info.filename.removesuffix(".npy")): read_array(archive, info, path, name)
            for info in archive.infolist()
        }


def of_array(values: AnyArray, place: str) -> Skeleton:
    """Return places (T, J, 2 or 3), or (T, J * 3 or 2), as a recording; frames of zeros at the end are
    padding, other frames of zeros missing. Raises InputError for another shape.
    """
    if values.dtype.kind not in "fiu":
        raise InputError(place, _RULE, values.dtype)
    if values.ndim == 2 and values.shape[1] >= 6 and (values.shape[1] % 3 == 0 or values.shape[1] % 2 == 0):
        axes = 3 if values.shape[1] % 3 == 0 else 2
        values = values.reshape(len(values), values.shape[1] // axes, axes)
    if values.ndim == 3 and values.shape[-1] == 4:
        # x, y, z and visibility, as MediaPipe has them.
        values = np.where(values[..., 3:] >= 0.1, values[..., :3], np.nan)
    if values.ndim != 3 or values.shape[-1] not in (2, 3) or not values.shape[1]:
        raise InputError(place, _RULE, values.shape)
    # A copy: it is changed below.
    values = np.array(narrowed(values))
    empty = (values == 0).all((1, 2))  # (T,)
    real = np.flatnonzero(~empty)
    end = real[-1] + 1 if len(real) else len(values)
    values[empty] = np.nan
    return recording(values[None, :end], usual_order(*values.shape[1:]), "array", place)


def loaded(load: Callable[[], Any], path: Path) -> Any:
    """Return what `load` returns. Raises InputError naming a file that is damaged."""
    try:
        return load()
    except BpttError:
        raise
    except Exception as error:
        # The readers raise many kinds for a damaged file.
        raise InputError(str(path), "must be a whole file of arrays", error, "Save it again") from error
