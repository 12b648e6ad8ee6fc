"""Series of numbers: `.ts` files, those of UCR, long tables, and arrays of NumPy."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bptt.data.deferred import deferred
from bptt.data.forms.form import (
    BINARY,
    MARKED,
    NAMED,
    NUMBERS,
    Form,
    InputForms,
    Sign,
    alone,
    of_document,
    of_grid,
    of_path,
)
from bptt.data.forms.look import Look
from bptt.data.readers.headers import IDS, TIMES
from bptt.data.readers.label_place import label_leads
from bptt.data.readers.numbers import is_number
from bptt.data.signatures import ZIP, signature_of

_DATA = re.compile(r"(?im)^@data[ \t]*$")


def _npz(look: Look) -> str | None:
    if look.start.startswith(ZIP) and signature_of(look.data) is None:
        return "it is a zip file, as numpy.savez writes it"
    return None


def _ts(look: Look) -> str | None:
    return "it has a line @data" if _DATA.search(look.text) else None


def _long(look: Look) -> str | None:
    """Say so if a header names an id and a time."""
    names = {name.casefold() for name in look.names}
    if names.isdisjoint(IDS) or names.isdisjoint(TIMES):
        return None
    return f"it has columns of an id and a time: {', '.join(look.names)}"


def _ucr(look: Look) -> str | None:
    if look.document is None or look.grid is not None:
        return None
    if look.mark == "\t" and _are_series(look.rows):
        return "its lines are a label and numbers, between tabs"
    if look.mark or not look.labelled:
        return None
    # Before 2015 spaces stood between the numbers.
    rows = [line.split() for line in look.document.lines if line.strip()]
    if all(len(row) > 2 and _are_numbers(row) for row in rows) and label_leads(rows):
        return "its lines are a label and numbers, between spaces"
    return None


def _are_series(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows are a label and numbers, and not numbers and a label behind them."""
    if not all(len(row) > 2 and _are_numbers(row[1:]) for row in rows):
        return False
    return not _are_numbers([row[0] for row in rows]) or label_leads(rows) is not False


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(is_number(cell) for cell in cells)


FORMS = InputForms(
    "series",
    (
        Form(
            "ts",
            "series",
            of_document(deferred("bptt.data.readers.series", "read_ts")),
            (Sign(MARKED, _ts),),
            "Write each label behind a colon at the end of its line, and @classLabel true with all of them",
        ),
        Form(
            "ucr",
            "series",
            of_document(alone(deferred("bptt.data.readers.series", "read_ucr"))),
            (Sign(NUMBERS, _ucr),),
        ),
        Form(
            "long",
            "series",
            of_grid(deferred("bptt.data.readers.tables", "read_long")),
            (Sign(NAMED + 1, _long),),
        ),
        Form(
            "npz",
            "series",
            of_path(alone(deferred("bptt.data.readers.arrays", "read_npz"))),
            (Sign(BINARY, _npz),),
        ),
    ),
)
