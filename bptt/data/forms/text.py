"""Texts: a line each, columns, fastText, and folders of texts."""

from __future__ import annotations

import re

from bptt.data.deferred import deferred
from bptt.data.forms.form import (
    FOLDER,
    LAST,
    MARKED,
    NAMED,
    NUMBERS,
    OTHERWISE,
    ExampleForm,
    InputForms,
    Sign,
    alone,
    of_document,
    of_grid,
    of_path,
)
from bptt.data.forms.source_view import SourceView
from bptt.data.readers.headers import TEXTS, holds_names
from bptt.errors import InputError

_FASTTEXT = re.compile(r"\A\s*__label__\S")
_OVERRIDE = "Name the file itself; if its lines or files are texts whatever they view like, give `form`"

_holds_entities = deferred("bptt.data.readers.conll_layout", "holds_entities")
_holds_class_folders = deferred("bptt.data.readers.folders", "holds_class_folders")


def _class_folders(view: SourceView) -> str | None:
    if view.folder is None or not _holds_class_folders(view.folder):
        return None
    _check_plain(view, "class-folders")
    return "it holds folders, one for each class"


def _class_files(view: SourceView) -> str | None:
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


def _fasttext(view: SourceView) -> str | None:
    return "its first line begins with __label__" if _FASTTEXT.search(view.text) else None


def _named(view: SourceView) -> str | None:
    names = {name.casefold() for name in view.names}
    known = (view.columns.input or "", *view.columns.learned[:1], *TEXTS)
    text = next((name for name in known if name.casefold() in names), None)
    return f"it has a column {text}" if text else None


def _refuse_entities(view: SourceView) -> None:
    """Raise InputError for words with the tags of entities, which are no example with one label each."""
    if not view.mark or view.has_header or not view.labelled or not _holds_entities(view.document):
        return
    rule, cure = "must be examples with a label each", "Learn them by `bptt train tag`"
    raise InputError(
        view.document.name if view.document else "", rule, "words with the tags of entities", cure
    )


def _columns(view: SourceView) -> str | None:
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


def _lines(view: SourceView) -> str | None:
    return "its first line is no header" if view.mark else "its first line has no separator of columns"


FORMS = InputForms(
    "text",
    (
        ExampleForm(
            "lines",
            "text",
            of_document(alone(deferred("bptt.data.readers.labelled", "read_lines"))),
            (Sign(LAST, _lines),),
            "Write a text, a tab and its label on each line, or a file or folder of texts for each label",
        ),
        ExampleForm(
            "columns",
            "text",
            of_grid(deferred("bptt.data.readers.labelled", "read_labelled")),
            # Behind the series of numbers, before tables: words may be numbers, too.
            (Sign(NAMED, _named), Sign(NUMBERS + 1, _refuse_entities), Sign(OTHERWISE, _columns)),
        ),
        ExampleForm(
            "fasttext",
            "text",
            of_document(deferred("bptt.data.readers.labelled", "read_fasttext")),
            (Sign(MARKED + 3, _fasttext),),
        ),
        ExampleForm(
            "class-folders",
            "text",
            of_path(deferred("bptt.data.readers.folders", "read_class_folders")),
            # Behind all other folders: what is left must be plain text.
            (Sign(FOLDER + 1, _class_folders),),
        ),
        ExampleForm(
            "class-files",
            "text",
            of_path(alone(deferred("bptt.data.readers.folders", "read_class_files"))),
            (Sign(FOLDER + 2, _class_files),),
        ),
    ),
    typed="lines",
)
