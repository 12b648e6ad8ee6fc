"""Series of numbers: `.ts` files, those of UCR, long tables, and arrays of NumPy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bptt.data.forms.form import (
    BINARY,
    MARKED,
    NAMED,
    NUMBERS,
    ExampleForm,
    InputForms,
    Sign,
    alone,
    of_document,
    of_grid,
    of_path,
)
from bptt.data.readers.headers import IDS, TIMES
from bptt.data.readers.label_place import label_leads
from bptt.data.readers.numbers import is_number
from bptt.data.signatures import ZIP, signature_of
from bptt.deferred import deferred

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView

_DATA = re.compile(r"(?im)^@data[ \t]*$")


def _npz(view: SourceView) -> str | None:
    if view.start.startswith(ZIP) and signature_of(view.data) is None:
        return "it is a zip file, as numpy.savez writes it"
    return None


def _ts(view: SourceView) -> str | None:
    return "it has a line @data" if _DATA.search(view.text) else None


def _long(view: SourceView) -> str | None:
    """Say so if a header names an id and a time."""
    names = {name.casefold() for name in view.names}
    if names.isdisjoint(IDS) or names.isdisjoint(TIMES):
        return None
    return f"it has columns of an id and a time: {', '.join(view.names)}"


def _ucr(view: SourceView) -> str | None:
    if view.document is None or view.grid is not None:
        return None
    if view.mark == "\t" and _are_series(view.rows):
        return "its lines are a label and numbers, between tabs"
    if view.mark or not view.labelled:
        return None
    # Before 2015 the separator was a space.
    rows = [line.split() for line in view.document.lines if line.strip()]
    if all(len(row) > 2 and _are_numbers(row) for row in rows) and label_leads(rows):
        return "its lines are a label and numbers, between spaces"
    return None


def _are_series(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether rows are a label and numbers, and not numbers and a label behind them."""
    if not all(len(row) > 2 and _are_numbers(row[1:]) for row in rows):
        return False
    return not _are_numbers([row[0] for row in rows]) or label_leads(rows) is not False


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(is_number(cell) for cell in cells)


FORMS = InputForms(
    "series",
    (
        ExampleForm(
            "ts",
            "series",
            of_document(deferred("bptt.data.readers.series", "read_ts")),
            (Sign(MARKED, _ts),),
            "Write each label behind a colon at the end of its line, and @classLabel true with all of them",
        ),
        ExampleForm(
            "ucr",
            "series",
            of_document(alone(deferred("bptt.data.readers.series", "read_ucr"))),
            (Sign(NUMBERS, _ucr),),
        ),
        ExampleForm(
            "long",
            "series",
            of_grid(deferred("bptt.data.readers.tables", "read_long")),
            (Sign(NAMED + 1, _long),),
        ),
        ExampleForm(
            "npz",
            "series",
            of_path(alone(deferred("bptt.data.readers.arrays", "read_npz"))),
            (Sign(BINARY, _npz),),
        ),
    ),
)
