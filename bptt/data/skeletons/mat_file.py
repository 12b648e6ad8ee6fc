"""Skeletons of UTD-MHAD: arrays of MATLAB, read by SciPy."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.matlab import read_matlab
from bptt.data.skeletons.joint_orders import known_order
from bptt.data.skeletons.recording import Skeleton, recording
from bptt.errors import InputError

_UTD = (20, 3)


def read_mat(path: Path) -> Skeleton:
    """Read the array d_skel, (20, 3, T), of a file.

    Raises InputError for other arrays; MachineError without SciPy.
    """
    found = read_matlab(path, "video", "Save it again")
    if "d_skel" not in found:
        names = ", ".join(sorted(name for name in found if not name.startswith("__")))
        raise InputError(str(path), "must hold the array d_skel, (20, 3, T)", names or "none")
    values = found["d_skel"]
    values = values[..., None] if values.shape == _UTD else values
    if values.ndim != 3 or values.shape[:2] != _UTD or values.dtype.kind not in "fiu":
        raise InputError(f"{path}: d_skel", "must be (20, 3, T) numbers", values.shape)
    bodies = values.transpose(2, 0, 1)[None]  # (1, T, 20, 3)
    return recording(bodies, known_order("utd20"), "UTD-MHAD", str(path), False)
