"""Series in a file of NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from bptt.data.examples import Array, Example, Examples, gather, numbered
from bptt.data.memory import check_inflation, check_memory
from bptt.data.readers.numbers import note_missing
from bptt.data.reading import open_file
from bptt.errors import BpttError, InputError

AnyArray = npt.NDArray[Any]

_CURE = "Save it by numpy.savez(FILE, X=X, y=y, lengths=lengths)"
# Of whole numbers, floats and, as labels, truth values and texts.
_KINDS = "iufbUS"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: Path) -> Examples[Array, str]:
    """Read the series of an `.npz` file.

    `X` (N, T, D), or (N, T) for D = 1, holds N series. `y` (N,) are their labels, if there are any.
    `lengths` (N,) says how many steps of each are real; without it, steps of nothing but NaN at the end
    are not. Raises InputError for another shape or kind, and for infinite numbers; MachineError if memory
    does not hold the arrays.
    """
    return _read_series(path, _load(path))


def _read_series(path: Path, arrays: dict[str, AnyArray]) -> Examples[Array, Any]:
    values = arrays["X"][..., None] if arrays["X"].ndim == 2 else arrays["X"]
    if values.ndim != 3 or values.dtype.kind not in "fiu" or not values.size:
        came = f"{arrays['X'].shape} of {arrays['X'].dtype}"
        raise InputError(str(path), "X must be numbers, (N, T, D) or (N, T)", came, _CURE)
    labels, lengths = labels_of(arrays, path, len(values)), lengths_of(arrays, path, values)
    rows = []
    for i, (series, label, length) in enumerate(zip(values, labels, lengths, strict=True)):
        with np.errstate(over="ignore"):
            real = series[:length].astype(np.float32)
        if np.isinf(real).any():
            raise InputError(f"{path}: X[{i}]", "must hold finite numbers of float32", "infinity")
        rows.append(Example(real, label, f"{path}: X[{i}]"))
    return gather(str(path), rows, numbered(values.shape[2]), note_missing(rows))


def read_npz_numbers(path: Path, labelled: bool = True) -> Examples[Array, npt.NDArray[np.float64]]:
    """Read the series of an `.npz` file, as `read_npz` does, with numbers as their targets.

    `y` is (N,) or (N, M) for M numbers a series, (N, T) or (N, T, M) for each step, where NaN is none. Raises
    InputError for a `y` of another shape or kind, and for a series without a target; without `labelled`
    there may be none.
    """
    arrays = _load(path)
    y = arrays.pop("y", None)
    found = _read_series(path, arrays)
    if y is None:
        if labelled:
            raise InputError(str(path), "must hold an array y, the targets", "none", _CURE)
        return replace(found, rows=tuple(replace(row, target=None) for row in found.rows))
    targets = _targets(y, f"{path}: y", arrays["X"].shape)
    rows: list[Example[Array, npt.NDArray[np.float64]]] = []
    for i, (row, target) in enumerate(zip(found.rows, targets, strict=True)):
        known = target[: len(row.input)] if target.ndim == 2 else target
        bare = np.isnan(known).all(0) if known.ndim == 2 else np.isnan(known)
        if bare.any() or np.isinf(known).any():
            cure = "Leave the series out"
            raise InputError(f"{path}: y[{i}]", "must be finite numbers", "NaN or infinity", cure)
        rows.append(replace(row, target=known))
    width = targets.shape[-1]
    names = ("target",) if width == 1 else numbered(width)
    return replace(found, rows=tuple(rows), found=("", *names))


def _targets(y: AnyArray, where: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return the targets as (N, M) or (N, T, M). Raises InputError for another shape or kind."""
    count, steps = shape[:2]
    if y.dtype.kind not in "fiu" or not y.size or y.shape[0] != count or y.ndim > 3:
        rule = f"must be numbers, ({count},) or ({count}, M), or ({count}, {steps}) for each step"
        raise InputError(where, rule, f"{y.shape} of {y.dtype}", _CURE)
    values = y.astype(np.float64)
    if y.ndim == 1:
        return values[:, None]
    if y.ndim == 2:
        return values[:, :, None] if y.shape[1] == steps else values
    if y.shape[1] != steps:
        raise InputError(where, f"must be ({count}, {steps}, M) for each step", y.shape, _CURE)
    return values


def _load(path: Path) -> dict[str, AnyArray]:
    """Read the arrays X, y and lengths, as far as they are there; others are ignored."""
    with open_file(path) as file:
        try:
            with ZipFile(file) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                if "X" not in members:
                    raise InputError(str(path), "must hold an array X", ", ".join(sorted(members)), _CURE)
                names = [name for name in ("X", "y", "lengths") if name in members]
                return {name: read_array(archive, members[name], path, name) for name in names}
        except BpttError:
            raise
        except Exception as error:
            # zipfile and numpy raise some fifteen kinds, from struct.error to tokenize.TokenError.
            raise InputError(
                str(path), "must be an .npz file of arrays of one shape", error, _CURE
            ) from error


def read_array(archive: ZipFile, info: ZipInfo, path: Path, name: str) -> AnyArray:
    """Read a member of the archive. The claims of its header are compared with its size before memory is
    taken.
    """
    where = f"{path}: {name}"
    check_inflation(where, info.compress_size, info.file_size)
    with archive.open(info) as file:
        version = npy.read_magic(file)
        shape, fortran, dtype = _HEADERS[version](file) if version in _HEADERS else ((), False, np.dtype("O"))
        if dtype.kind not in _KINDS:
            rule = "must be an .npz file of plain numbers and, as labels, texts"
            raise InputError(str(path), rule, f"{name} of {dtype}", _CURE)
        size, left = prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if min(shape, default=0) < 0 or size != left:
            raise InputError(
                where, f"must hold {size:,} bytes of numbers as its header says", f"{left:,}", _CURE
            )
        # Its bytes, and the series made of them in float32.
        check_memory(where, 2 * size + 4 * prod(shape))
        flat = np.frombuffer(file.read(), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def labels_of(arrays: Mapping[str, AnyArray], path: Path, count: int) -> list[str] | list[None]:
    """Return the labels of `count` examples, the array y (N,); None for each if there is none.

    Raises InputError for another shape, and for an empty label, one that is NaN, or no Unicode.
    """
    if "y" not in arrays:
        return [None] * count
    labels, where = arrays["y"], f"{path}: y"
    if labels.shape != (count,):
        raise InputError(str(path), f"y must be ({count},), a label a series", labels.shape)
    try:
        found = [each.decode("utf-8") if isinstance(each, bytes) else _text(each) for each in labels]
    except (UnicodeError, SystemError, ValueError) as error:
        raise InputError(where, "labels must be Unicode", error, _CURE) from error
    for i, label in enumerate(found):
        if not label.strip() or labels[i] != labels[i]:
            came = "NaN" if label.strip() else "an empty text"
            raise InputError(f"{where}[{i}]", "must be a label", came, _CURE)
    return found


def _text(label: object) -> str:
    """Return a label as text. Raises UnicodeError if UTF-8 cannot hold it."""
    text = str(label)
    text.encode("utf-8")
    return text


def lengths_of(arrays: Mapping[str, AnyArray], path: Path, values: AnyArray) -> list[int]:
    """Return the numbers of real steps of examples (N, T, D): the array lengths (N,), else without steps of
    nothing but NaN at the end. Raises InputError for other lengths.
    """
    count, longest = values.shape[:2]
    if "lengths" not in arrays:
        real = np.logical_not(np.isnan(values).all(axis=2))  # (N, T)
        lengths = (real * np.arange(1, longest + 1)).max(axis=1)  # (N,)
    else:
        lengths = arrays["lengths"]
        if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
            came = f"{lengths.shape} of {lengths.dtype}"
            raise InputError(str(path), f"lengths must be ({count},) whole numbers", came)
    wrong = next((i for i, length in enumerate(lengths) if not 1 <= length <= longest), None)
    if wrong is not None:
        raise InputError(f"{path}: X[{wrong}]", f"must have 1 to {longest} steps", int(lengths[wrong]))
    return [int(length) for length in lengths]
