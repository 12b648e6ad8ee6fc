"""Series in a file of NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Array, Example, Examples, gather, numbered
from bptt.data.readers.numbers import note_missing
from bptt.data.text import read_bytes
from bptt.errors import InputError

AnyArray = npt.NDArray[Any]

_CURE = "Save it by numpy.savez(FILE, X=X, y=y, lengths=lengths)"


def read_npz(path: Path) -> Examples[Array, str]:
    """The series of an `.npz` file.

    `X` (N, T, D), or (N, T) for D = 1, holds N series. `y` (N,) are their labels, if there are any.
    `lengths` (N,) says how many steps of each are real; without it, steps of nothing but NaN at the end
    are not. Raises InputError for another shape or kind, and for infinite numbers.
    """
    arrays = _load(path)
    if "X" not in arrays:
        raise InputError(str(path), "must hold an array X", ", ".join(sorted(arrays)), _CURE)
    values = arrays["X"][..., None] if arrays["X"].ndim == 2 else arrays["X"]
    if values.ndim != 3 or values.dtype.kind not in "fiu" or not values.size:
        came = f"{arrays['X'].shape} of {arrays['X'].dtype}"
        raise InputError(str(path), "X must be numbers, (N, T, D) or (N, T)", came, _CURE)
    labels, lengths = _labels(arrays, path, len(values)), _lengths(arrays, path, values)
    rows = []
    for i, (series, label, length) in enumerate(zip(values, labels, lengths, strict=True)):
        with np.errstate(over="ignore"):
            real = series[:length].astype(np.float32)
        if np.isinf(real).any():
            raise InputError(f"{path}: X[{i}]", "must hold finite numbers of float32", "infinity")
        rows.append(Example(real, label, f"{path}: X[{i}]"))
    return gather(str(path), rows, numbered(values.shape[2]), note_missing(rows))


def _load(path: Path) -> dict[str, AnyArray]:
    # Before numpy, for its errors: of files that are missing, or cannot be read.
    read_bytes(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, BadZipFile, AttributeError, TypeError) as error:
        raise InputError(str(path), "must be an .npz file of arrays of one shape", error, _CURE) from error


def _labels(arrays: dict[str, AnyArray], path: Path, count: int) -> list[str | None]:
    if "y" not in arrays:
        return [None] * count
    if arrays["y"].shape != (count,):
        raise InputError(str(path), f"y must be ({count},), a label a series", arrays["y"].shape)
    return [str(label) for label in arrays["y"]]


def _lengths(arrays: dict[str, AnyArray], path: Path, values: AnyArray) -> list[int]:
    count, longest = values.shape[:2]
    if "lengths" not in arrays:
        real = np.logical_not(np.isnan(values).all(axis=2))  # (N, T)
        lengths = (real * np.arange(1, longest + 1)).max(axis=1)  # (N,)
    else:
        lengths = arrays["lengths"]
        if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
            raise InputError(str(path), f"lengths must be ({count},) whole numbers", lengths.shape)
    wrong = next((i for i, length in enumerate(lengths) if not 1 <= length <= longest), None)
    if wrong is not None:
        raise InputError(f"{path}: X[{wrong}]", f"must have 1 to {longest} steps", int(lengths[wrong]))
    return [int(length) for length in lengths]
