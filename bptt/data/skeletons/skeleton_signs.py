"""How each format of skeletons is known, by what is in a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bptt.data.readers.document import Document
from bptt.data.reading import open_file
from bptt.data.signatures import ZIP
from bptt.data.skeletons.joint_columns import is_skeleton_table
from bptt.deferred import deferred
from bptt.errors import BpttError, InputError

# Nearly every file is asked for these signs, few are arrays.
_array_shape = deferred("bptt.data.skeletons.array_files", "array_shape")
_read_archive = deferred("bptt.data.skeletons.array_files", "read_archive")
_series_shape = deferred("bptt.data.skeletons.array_files", "series_shape")

# The endings of files that may hold skeletons; what is in them decides.
ENDINGS = frozenset(".skeleton .json .csv .tsv .txt .npy .npz .mat .pkl .pickle".split())
# `clip_000000000012_keypoints.json`: OpenPose numbers the frames of a clip.
FRAME = re.compile(r"(?P<clip>.*?)_?(?P<number>\d+)_keypoints\.json")
# Numbers of a joint of NTU; joints of MSR Action3D, and their numbers; joints of Florence3D.
NTU_JOINT = 12
MSR_JOINTS, MSR_COLUMNS = 20, 4
FLORENCE_JOINTS = 15
_INTEGER = re.compile(r"\s*\d+\s*")
_MATLAB = (b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ANNOTATED = re.compile(r'"(?:people|pose_keypoints_2d|keypoints|landmarks|pose_landmarks)"')
_LANDMARKS = re.compile(
    r'\A\s*\[\s*(?:null\s*,\s*|\[\s*\]\s*,\s*)*\[\s*(?:\[\s*)?\{\s*"(?:x|y|z|visibility)"'
)
# Of a text, to find its format.
_START = 2**16


def is_frame(path: Path) -> bool:
    """Return whether the name of a file is that of a frame of OpenPose."""
    return FRAME.fullmatch(path.name) is not None


def format_of(path: Path) -> str | None:
    """Return the format of a file by what is in it: openpose, json, ntu, msr, florence, columns, npy, npz,
    mat, pickle; None if it is none of skeletons.
    """
    with open_file(path) as file:
        start = file.read(64)
    if start.startswith(b"\x93NUMPY"):
        return "npy" if _is_array(path) else None
    if start.startswith(ZIP):
        return "npz" if _is_archive(path) else None
    if start.startswith(_MATLAB):
        return "mat"
    if _PICKLE.match(start) and path.suffix.lower() in (".pkl", ".pickle"):
        return "pickle"
    if b"\0" in start or path.suffix.lower() not in ENDINGS:
        return None
    try:
        return _format_of_text(path)
    except BpttError:
        return None


def _format_of_text(path: Path) -> str | None:
    with open_file(path) as file:
        text = file.read(_START).decode("utf-8", "ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    whole = len(text) < _START // 4
    document = Document(str(path), text if whole else text[: text.rfind("\n") + 1])
    if text.lstrip()[:1] in ("{", "["):
        if is_frame(path):
            return "openpose"
        return "json" if _ANNOTATED.search(text) or _LANDMARKS.search(text) else None
    for name, is_of in (("ntu", is_ntu), ("florence", is_florence), ("msr", is_msr)):
        if is_of(document):
            return name
    return "columns" if is_skeleton_table(document) else None


def _is_array(path: Path) -> bool:
    """Return whether an array is (T, joints, 2 to 4) floats: pictures are bytes, and have other last axes."""
    found = _array_shape(path)
    if found is None:
        return False
    shape, dtype = found
    return len(shape) == 3 and shape[2] in (2, 3, 4) and dtype.kind == "f" and shape[1] >= 3


def _is_archive(path: Path) -> bool:
    shape = _series_shape(path)
    if shape:
        # (N, T) and (N, T, D) are series.
        return len(shape) == 4
    try:
        return bool(_read_archive(path))
    except InputError:
        return False


def is_ntu(document: Document) -> bool:
    """Return whether a text is a count of frames, a count of bodies, and lines of bodies."""
    lines = [line.split() for line in document.lines[:60]]
    if len(lines) < 2 or not all(len(line) == 1 and line[0].isdigit() for line in lines[:2]):
        return False
    return len(lines) < 5 or any(len(line) in (10, NTU_JOINT) for line in lines[2:])


def is_msr(document: Document) -> bool:
    """Return whether a text begins with a frame of 20 lines of 4 numbers, without a header."""
    lines = [line.split() for line in document.lines[: MSR_JOINTS + 1] if line.strip()]
    are_joints = all(len(line) == MSR_COLUMNS and are_numbers(line) for line in lines)
    return len(lines) >= MSR_JOINTS and are_joints


def is_florence(document: Document) -> bool:
    """Return whether each line is video, actor, class and 45 numbers."""
    lines = [line.split() for line in document.lines if line.strip()][:20]
    width = 3 + 3 * FLORENCE_JOINTS
    return bool(lines) and all(
        len(line) == width and all(map(_INTEGER.fullmatch, line[:3])) and are_numbers(line) for line in lines
    )


def are_numbers(cells: Sequence[str]) -> bool:
    """Return whether all cells are numbers."""
    try:
        list(map(float, cells))
    except ValueError:
        return False
    return True
