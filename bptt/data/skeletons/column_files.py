"""Skeletons in columns: a frame a row, the numbers of each joint side by side; or a joint a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bptt.data.examples import Array
from bptt.data.readers.document import Document
from bptt.data.readers.numbers import is_number, read_numbers
from bptt.data.skeletons.joint_columns import LEAST_JOINTS, cells_of, named_columns
from bptt.data.skeletons.joint_orders import JOINT_ORDERS, JointOrder, usual_order
from bptt.data.skeletons.recording import Skeleton, recording
from bptt.errors import InputError

# A joint seen with less confidence is missing.
_SEEN = 0.1


def read_table(document: Document) -> Skeleton:
    """Read a CSV or TSV of a frame a row, under names such as `nose_x` or `x1`, or without names.

    A number that is missing makes its joint missing. So does a score, called visibility or so, that is
    missing or below 0.1.
    Raises InputError with the line of another number of columns, or of what is no number.
    """
    lines = [(place, line) for place, line in document.numbered() if line.strip()]
    header = cells_of(lines[0][1]) if lines else []
    columns = None if all(map(is_number, header)) else named_columns(header)
    if columns is None and lines and not all(map(is_number, header)):
        rule = "must name the columns of each joint alike, such as nose_x, nose_y, nose_z"
        raise InputError(lines[0][0], rule, ", ".join(header)[:60])
    rows = _numbers(lines if columns is None else lines[1:], len(header))
    if columns is None:
        return _unnamed(rows, document.name)
    values = rows[:, np.array(columns.places)]  # (T, J, D)
    if columns.scores:
        values = np.where((rows[:, list(columns.scores)] >= _SEEN)[..., None], values, np.nan)
    times = None
    if columns.time is not None:
        number, unit = columns.time
        # Seconds since 1970 need more digits than float32 has.
        times = [float(cells_of(line)[number]) * unit for _, line in lines[1:]]
    layout, pixels = _layout(columns.joints, values)
    return recording(values[None], layout, "columns", document.name, pixels, times)


def _layout(names: Sequence[str], values: Array) -> tuple[JointOrder, bool | None]:
    """Return the layout of joints by their names, and whether y points down: so do MediaPipe's landmarks."""
    lowered = tuple(name.lower() for name in names)
    known = next((name for name, joints in JOINT_ORDERS.items() if joints == lowered), None)
    if known is None and all(name.isdigit() for name in names):
        layout = usual_order(len(names), values.shape[-1])
    else:
        layout = JointOrder(known or "", tuple(names))
    of_pictures = layout.name in ("mediapipe33", "holistic543", "hand21")
    inside = np.nanmin(values) >= -1 and np.nanmax(values) <= 2 if np.isfinite(values).any() else False
    return layout, True if of_pictures and inside else None


def _unnamed(rows: Array, name: str) -> Skeleton:
    width = rows.shape[1]
    dimensions = 3 if width % 3 == 0 else 2
    if width % dimensions or width < LEAST_JOINTS * 2:
        rule = "must have x, y, z or x, y of each joint in columns"
        raise InputError(name, rule, f"{width} columns")
    values = rows.reshape(len(rows), -1, dimensions)
    return recording(values[None], usual_order(*values.shape[1:]), "columns", name)


def _numbers(lines: Sequence[tuple[str, str]], width: int) -> Array:
    rows = np.empty((len(lines), width), np.float32)
    for row, (place, line) in zip(rows, lines, strict=True):
        cells = cells_of(line)
        if len(cells) != width:
            raise InputError(place, f"must have {width} columns as the first row", len(cells))
        row[:] = read_numbers(cells, place)
    return rows
