"""Columns that are the coordinates of joints, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bptt.data.readers.document import Document

_SCORES = "v c visibility presence score confidence conf likelihood prob"
_AXIS = re.compile(
    rf"(?i)(?P<joint>.+?)[_.\-: ]*(?P<axis>[xyz]|{_SCORES.replace(' ', '|')})|"
    r"(?P<first>[xyzvc])[_.\-: ]*(?P<named>.+)"
)
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
        match = _AXIS.fullmatch(cell.strip())
        if match is None:
            return None
        joint, axis = match["joint"] or match["named"], (match["axis"] or match["first"]).lower()
        places.setdefault(joint, {})["score" if axis not in "xyz" else axis] = number
    kinds = {frozenset(found) for found in places.values()}
    if len(places) < LEAST_JOINTS or len(kinds) != 1 or not {"x", "y"} <= (kind := kinds.pop()):
        return None
    axes = [axis for axis in "xyz" if axis in kind]
    scores = tuple(found["score"] for found in places.values()) if "score" in kind else ()
    rows = tuple(tuple(found[axis] for axis in axes) for found in places.values())
    return JointColumns(tuple(places), rows, scores, time)


def cells_of(line: str) -> list[str]:
    """Return the cells of a line, cut at tabs, else at commas, semicolons or spaces."""
    mark = next((mark for mark in "\t,;" if mark in line), None)
    return [cell.strip(' "') for cell in line.split(mark)]
