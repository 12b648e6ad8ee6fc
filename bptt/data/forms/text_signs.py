"""The signs of texts in a source: each returns the words that say so, or None."""

from __future__ import annotations

import re

from bptt.data.forms.source_view import SourceView
from bptt.data.readers.headers import TEXTS, holds_names
from bptt.deferred import deferred
from bptt.errors import InputError

_FASTTEXT = re.compile(r"\A\s*__label__\S")
_OVERRIDE = "Name the file itself; if its lines or files are texts whatever they view like, give `form`"

_holds_entities = deferred("bptt.data.readers.conll_layout", "holds_entities")
_holds_class_folders = deferred("bptt.data.readers.folders", "holds_class_folders")


def class_folders(view: SourceView) -> str | None:
    """Find folders, one for each class. Raises InputError for files that are no plain text."""
    if view.folder is None or not _holds_class_folders(view.folder):
        return None
    _check_plain(view, "class-folders")
    return "it holds folders, one for each class"


def class_files(view: SourceView) -> str | None:
    """Find files, one for each class. Raises InputError for one that is no plain text."""
    if view.folder is None:
        return None
    _check_plain(view, "class-files")
    return "it is a folder of files, one for each class"


def _check_plain(view: SourceView, form: str) -> None:
    """Raise InputError for a file that holds its own labels, or is of another form than the others."""
    for shown in view.files:
        if shown.form != "lines":
            rule, got = "must be plain text to be an example of a folder", f"{shown.form}, for {shown.reason}"
            raise InputError(str(shown.path), rule, got, f"{_OVERRIDE} {form}")


def fasttext(view: SourceView) -> str | None:
    """Find the labels of fastText."""
    return "its first line begins with __label__" if _FASTTEXT.search(view.text) else None


def named(view: SourceView) -> str | None:
    """Find a column that is called as one of texts."""
    names = {name.casefold() for name in view.names}
    known = (view.columns.input or "", *view.columns.learned[:1], *TEXTS)
    text = next((name for name in known if name.casefold() in names), None)
    return f"it has a column {text}" if text else None


def refuse_entities(view: SourceView) -> None:
    """Raise InputError for words with the tags of entities, which are no example with one label each."""
    if not view.mark or view.has_header or not view.labelled or not _holds_entities(view.document):
        return
    rule, cure = "must be examples with a label each", "Learn them by `bptt train tag`"
    raise InputError(
        view.document.name if view.document else "", rule, "words with the tags of entities", cure
    )


def columns(view: SourceView) -> str | None:
    """Find columns, or the name of the only one."""
    if view.grid is not None:
        return f"it has the columns {', '.join(view.grid.header)}"
    if view.has_header:
        return f"its first line is a header: {', '.join(view.first)}"
    if view.mark and view.labelled and all(len(row) > 1 for row in view.rows):
        return "each of its lines has a tab" if view.mark == "\t" else f"each of its lines has a {view.mark}"
    return _one_column(view)


def _one_column(view: SourceView) -> str | None:
    """Return the reason if texts to be answered are below the name of their column."""
    if view.document is None or view.mark or view.labelled:
        return None
    rows = [(line,) for line in view.document.lines if line.strip()]
    header = view.columns.header
    named = holds_names(rows, view.columns, TEXTS) if header is None else header
    return f"its first line is a header: {rows[0][0]}" if len(rows) > 1 and named else None


def lines(view: SourceView) -> str | None:
    """Find lines: what every other text is."""
    return "its first line is no header" if view.mark else "its first line has no separator of columns"
