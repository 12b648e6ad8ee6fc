"""Skeletons in text: NTU `.skeleton`, MSR Action3D and Florence3D."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from bptt.data.examples import Array
from bptt.data.readers.document import Document
from bptt.data.skeletons.joint_orders import known_order
from bptt.data.skeletons.labelled_recording import LabelledRecording
from bptt.data.skeletons.recording import Skeleton, moving_most, narrowed, recording
from bptt.data.skeletons.skeleton_signs import (
    FLORENCE_JOINTS,
    MSR_COLUMNS,
    MSR_JOINTS,
    NTU_JOINT,
    are_numbers,
)
from bptt.errors import InputError

_NTU_JOINTS = 25
_COUNT = re.compile("[0-9]{1,9}")
# Columns of a joint that are seen: 0 is not tracked, 1 is inferred from its neighbours.
_STATE = 11


def read_ntu(document: Document) -> Skeleton:
    """Read the bodies of a file of NTU RGB+D, each frame a count of bodies and these; joints that are not
    tracked are missing. Raises InputError with the line.
    """
    lines = _Lines(document)
    count, tracks = lines.count("the number of frames"), dict[str, dict[int, Array]]()
    for t in range(count):
        for _ in range(lines.count("the number of bodies")):
            about = lines.cells("the line of a body", 10)
            joints = lines.count("the number of joints")
            if joints != _NTU_JOINTS:
                raise InputError(lines.place, f"must have {_NTU_JOINTS} joints", joints)
            rows = narrowed([lines.numbers("a joint", NTU_JOINT) for _ in range(joints)])
            places = np.where(rows[:, _STATE:][:, :1] > 0, rows[:, :3], np.nan)
            tracks.setdefault(about[0], {})[t] = places
    lines.check_end()
    bodies = moving_most(list(tracks.values()), (count, _NTU_JOINTS, 3), document.name)
    return recording(bodies, known_order("kinect25"), "NTU", document.name, False)


class _Lines:
    """The lines of a text, read one after the other."""

    def __init__(self, document: Document) -> None:
        self._name = document.name
        self._rest: Iterator[tuple[str, str]] = iter(
            [(place, line) for place, line in document.numbered() if line.strip()]
        )
        self.place = document.name

    def cells(self, what: str, width: int) -> Sequence[str]:
        """Return the cells of the next line. Raises InputError unless there are `width`."""
        found = next(self._rest, None)
        if found is None:
            raise InputError(self._name, f"must have {what} behind {self.place}", "the end of the file")
        self.place, line = found
        if len(line.split()) != width:
            raise InputError(self.place, f"must be {what}, {width} numbers", repr(line[:40]))
        return line.split()

    def numbers(self, what: str, width: int) -> list[float]:
        """Return the numbers of the next line. Raises as `cells` does."""
        cells = self.cells(what, width)
        try:
            return [float(cell) for cell in cells]
        except ValueError as error:
            raise InputError(self.place, f"must be {what}, {width} numbers", error) from error

    def count(self, what: str) -> int:
        """Return the number that the next line is. Raises InputError for another line."""
        (cell,) = self.cells(what, 1)
        if not _COUNT.fullmatch(cell):
            raise InputError(self.place, f"must be {what}", repr(cell))
        return int(cell)

    def check_end(self) -> None:
        """Raise InputError if a line is left."""
        found = next(self._rest, None)
        if found is not None:
            raise InputError(found[0], "must be the end, after as many frames as line 1 says", found[1][:40])


def read_msr(document: Document) -> Skeleton:
    """Read MSR Action3D: 20 lines a frame of x, y, z and confidence; a joint of zeros is missing.

    Raises InputError with the line of other columns, and for an incomplete frame.
    """
    rows = _rows(document, MSR_COLUMNS)
    if len(rows) % MSR_JOINTS:
        raise InputError(document.name, f"must have {MSR_JOINTS} lines for each frame", f"{len(rows)} lines")
    values = rows[:, :3].reshape(1, -1, MSR_JOINTS, 3)
    values = np.where((values == 0).all(-1, keepdims=True), np.nan, values)
    return recording(values, known_order("msr20"), "MSR Action3D", document.name)


def read_florence(document: Document) -> list[LabelledRecording]:
    """Read Florence3D: a frame a line, of one video after the other. Raises InputError with the line."""
    rows = _rows(document, 3 + 3 * FLORENCE_JOINTS)
    starts = np.flatnonzero((np.diff(rows[:, :3], axis=0, prepend=np.nan) != 0).any(1))
    found = []
    for part in np.split(rows, starts[1:]):
        video, actor, label = (f"{number:.0f}" for number in part[0, :3])
        values = part[:, 3:].reshape(1, len(part), FLORENCE_JOINTS, 3)
        place = f"{document.name}: video {video}"
        skeleton = recording(values, known_order("florence15"), "Florence3D", place)
        found.append(LabelledRecording(skeleton, label, f"video {video}", f"actor {actor}"))
    return found


def _rows(document: Document, width: int) -> Array:
    rows = []
    for place, line in document.numbered():
        cells = line.split()
        if not cells:
            continue
        if len(cells) != width or not are_numbers(cells):
            raise InputError(place, f"must have {width} numbers", repr(line[:40]))
        rows.append([float(cell) for cell in cells])
    return narrowed(rows).reshape(-1, width)
