"""Columns that are the coordinates of joints, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bptt.data.readers.document import Document

_SCORES = "v c visibility presence score confidence conf likelihood prob"
_AXES = sorted(("x", "y", "z", *_SCORES.split()), key=len, reverse=True)
_FIRST, _BETWEEN = frozenset("xyzvc"), "_.-: "
_TIMES = {"time": 1.0, "timestamp": 1.0, "t": 1.0, "seconds": 1.0, "time_s": 1.0, "sec": 1.0}
_MILLISECONDS = {"time_ms": 1e-3, "timestamp_ms": 1e-3, "ms": 1e-3, "milliseconds": 1e-3}
_FRAMES = frozenset({"frame", "frame_index", "frame_id", "frame_number", "index", ""})
# Joints that show columns to be those of a skeleton.
LEAST_JOINTS = 3


@dataclass(frozen=True)
class JointColumns:
    """The `places` of the coordinates of `joints`, (J, D), and of their `scores`, (J,) or (), by number; the
    column of the time with its unit in seconds.
    """

    joints: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    scores: tuple[int, ...]
    time: tuple[int, float] | None


def is_skeleton_table(document: Document) -> bool:
    """Return whether the first line names the coordinates of three joints at least, alike for all."""
    return bool(document.lines) and named_columns(cells_of(document.lines[0])) is not None


def named_columns(header: Sequence[str]) -> JointColumns | None:
    """Return the columns that a header names; None unless all joints have x and y, all or none z."""
    places: dict[str, dict[str, int]] = {}
    time = None
    for number, cell in enumerate(header):
        name = cell.strip().lower()
        if name in _FRAMES:
            continue
        if name in _TIMES or name in _MILLISECONDS:
            time = (number, _TIMES.get(name) or _MILLISECONDS[name])
            continue
        named = _joint_and_axis(cell.strip())
        if named is None:
            return None
        joint, axis = named
        places.setdefault(joint, {})["score" if axis not in "xyz" else axis] = number
    kinds = {frozenset(found) for found in places.values()}
    if len(places) < LEAST_JOINTS or len(kinds) != 1 or not {"x", "y"} <= (kind := kinds.pop()):
        return None
    axes = [axis for axis in "xyz" if axis in kind]
    scores = tuple(found["score"] for found in places.values()) if "score" in kind else ()
    rows = tuple(tuple(found[axis] for axis in axes) for found in places.values())
    return JointColumns(tuple(places), rows, scores, time)


def _joint_and_axis(name: str) -> tuple[str, str] | None:
    """Return the joint and the axis or score of a name such as nose_x, x_nose or noseConf; None if it has
    none.
    """
    lowered = name.lower()
    axis = next((axis for axis in _AXES if lowered.endswith(axis) and len(name) > len(axis)), None)
    if axis is not None:
        joint = name[: -len(axis)]
        return joint.rstrip(_BETWEEN) or joint[0], axis
    if lowered[:1] in _FIRST and len(name) > 1:
        return name[1:].lstrip(_BETWEEN) or name[-1], lowered[0]
    return None


def cells_of(line: str) -> list[str]:
    """Return the cells of a line, cut at tabs, else at commas, semicolons or spaces."""
    mark = next((mark for mark in "\t,;" if mark in line), None)
    return [cell.strip(' "') for cell in line.split(mark)]
