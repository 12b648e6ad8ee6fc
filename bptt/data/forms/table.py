"""Tables whose rows are examples: numbers, and a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bptt.data.forms.form import NUMBERS, ExampleForm, InputForms, Sign, of_grid
from bptt.data.readers.grid import LABELS
from bptt.data.readers.label_place import may_be_table
from bptt.data.readers.records import find_row_names
from bptt.deferred import deferred

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView

Row = Sequence[str]


def _table(view: SourceView) -> str | None:
    """Say so if all but the label, and the names of the rows, are numbers in each row below the first."""
    if not view.rows:
        return None
    names, rows = view.first, view.rows
    if any(len(row) != len(names) for row in rows[1:]):
        return None
    small = [name.casefold() for name in names]
    label = next((small.index(name) for name in LABELS if name in small), None)
    body = rows[1:] or rows
    ids = _row_names(names, rows, body, label)
    if ids is not None:
        body = [(*row[:ids], *row[ids + 1 :]) for row in body]
        label = None if label is None else label - (ids < label)
    if not may_be_table(body, label):
        return None
    return f"all of its {len(names)} columns but the label are numbers"


def _row_names(
    names: Sequence[str], rows: Sequence[Row], body: Sequence[Row], label: int | None
) -> int | None:
    """Return the column that names the rows, below a header or without one; None of two columns."""
    if len(names) < 3:
        return None
    found = find_row_names(names, body, {label})
    return find_row_names((), rows, {label}) if found is None else found


FORMS = InputForms(
    "table",
    (
        ExampleForm(
            "table",
            "table",
            of_grid(deferred("bptt.data.readers.tables", "read_table")),
            (Sign(NUMBERS + 2, _table),),
        ),
    ),
)
