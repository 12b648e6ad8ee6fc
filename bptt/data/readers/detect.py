"""Detection of the form of a user's examples, from their file."""

from __future__ import annotations

from pathlib import Path

from bptt.data.forms.source_view import NAMES, Shown, SourceView
from bptt.data.readers.delimited import even_rows
from bptt.data.readers.forms import FORMS, Source, document_of, signs
from bptt.data.readers.forms import Detected as Detected
from bptt.data.readers.grid import Columns
from bptt.data.readers.headers import find_header
from bptt.deferred import deferred
from bptt.errors import InputError

_list_folder = deferred("bptt.data.readers.folders", "list_folder")


def detect(source: Source, columns: Columns, labelled: bool = True) -> Detected:
    """Return the form of the examples of a file, a folder or a text, from what is in it.

    `columns` are those that the user has named. Without `labelled`, for examples to be given a label,
    a text without a header is lines, though they may hold commas. Raises InputError if the source is
    missing or cannot be read as what it seems to be.
    """
    view = SourceView(source, columns, labelled, _files_of)
    for form, sign in signs():
        reason = sign.find(view)
        if reason is not None:
            return Detected(form.name, reason)
    raise InputError(str(source), f"must be in one of the forms {', '.join(FORMS)}", "another")


def _files_of(folder: Path) -> tuple[Shown, ...]:
    return tuple(
        Shown(each.path, *_of_file(each.path))
        for each in _list_folder(folder).files
        if each.path.stat().st_size
    )


def _of_file(path: Path) -> tuple[str, str]:
    """Return the form of a file in a folder; a text may begin with a word that is a name of columns."""
    found = detect(path, Columns(header=False), labelled=False)
    rows = even_rows(document_of(path)) if found.form == "lines" else ()
    if len(rows) > 1 and find_header(rows, Columns(), NAMES) is not None:
        return "columns", f"its first line is a header: {', '.join(rows[0])}"
    return found.form, found.reason
