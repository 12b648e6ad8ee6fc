"""Skeletons of UTD-MHAD: arrays of MATLAB, read by SciPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from bptt.data.reading import open_file
from bptt.data.skeletons.array_files import loaded
from bptt.data.skeletons.joint_orders import known_order
from bptt.data.skeletons.recording import Skeleton, recording
from bptt.deferred import deferred
from bptt.errors import InputError, MachineError

_loadmat = deferred("scipy.io", "loadmat")

_UTD = (20, 3)


def read_mat(path: Path) -> Skeleton:
    """Read the array d_skel, (20, 3, T), of a file.

    Raises InputError for other arrays; MachineError without SciPy.
    """
    with open_file(path) as file:
        found = loaded(lambda: _load(file, path), path)
    if "d_skel" not in found:
        names = ", ".join(sorted(name for name in found if not name.startswith("__")))
        raise InputError(str(path), "must hold the array d_skel, (20, 3, T)", names or "none")
    values = found["d_skel"]
    values = values[..., None] if values.shape == _UTD else values
    if values.ndim != 3 or values.shape[:2] != _UTD or values.dtype.kind not in "fiu":
        raise InputError(f"{path}: d_skel", "must be (20, 3, T) numbers", values.shape)
    bodies = values.transpose(2, 0, 1)[None]  # (1, T, 20, 3)
    return recording(bodies, known_order("utd20"), "UTD-MHAD", str(path), False)


def _load(file: BinaryIO, path: Path) -> Any:
    try:
        return _loadmat(file)
    except ImportError as error:
        cure = "pip install 'bptt[video]'"
        raise MachineError(str(path), "needs SciPy to read MATLAB arrays", "none", cure) from error
