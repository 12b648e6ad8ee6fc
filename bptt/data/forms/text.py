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
    Form,
    InputForms,
    Sign,
    alone,
    of_document,
    of_grid,
    of_path,
)
from bptt.data.forms.look import Look
from bptt.data.readers.headers import TEXTS, holds_names
from bptt.errors import InputError

_FASTTEXT = re.compile(r"\A\s*__label__\S")
_OVERRIDE = "Name the file itself; if its lines or files are texts whatever they look like, give --input"

_holds_entities = deferred("bptt.data.readers.conll_layout", "holds_entities")
_holds_class_folders = deferred("bptt.data.readers.folders", "holds_class_folders")


def _class_folders(look: Look) -> str | None:
    if look.folder is None or not _holds_class_folders(look.folder):
        return None
    _check_plain(look, "class-folders")
    return "it holds folders, one for each class"


def _class_files(look: Look) -> str | None:
    if look.folder is None:
        return None
    _check_plain(look, "class-files")
    return "it is a folder of files, one for each class"


def _check_plain(look: Look, form: str) -> None:
    """Raise InputError for a file that holds its own labels, or is of another form than the others."""
    for shown in look.files:
        if shown.form != "lines":
            rule, got = "must be plain text to be an example of a folder", f"{shown.form}, for {shown.reason}"
            raise InputError(str(shown.path), rule, got, f"{_OVERRIDE} {form}")


def _fasttext(look: Look) -> str | None:
    return "its first line begins with __label__" if _FASTTEXT.search(look.text) else None


def _named(look: Look) -> str | None:
    names = {name.casefold() for name in look.names}
    known = (look.columns.input or "", *look.columns.learned[:1], *TEXTS)
    text = next((name for name in known if name.casefold() in names), None)
    return f"it has a column {text}" if text else None


def _refuse_entities(look: Look) -> None:
    """Raise InputError for words with the tags of entities, which are no example with one label each."""
    if not look.mark or look.has_header or not look.labelled or not _holds_entities(look.document):
        return
    rule, cure = "must be examples with a label each", "Learn them by `bptt train tag`"
    raise InputError(
        look.document.name if look.document else "", rule, "words with the tags of entities", cure
    )


def _columns(look: Look) -> str | None:
    if look.grid is not None:
        return f"it has the columns {', '.join(look.grid.header)}"
    if look.has_header:
        return f"its first line is a header: {', '.join(look.first)}"
    if look.mark and look.labelled and all(len(row) > 1 for row in look.rows):
        return "each of its lines has a tab" if look.mark == "\t" else f"each of its lines has a {look.mark}"
    return _one_column(look)


def _one_column(look: Look) -> str | None:
    """Whether texts to be answered stand below the name of their column."""
    if look.document is None or look.mark or look.labelled:
        return None
    rows = [(line,) for line in look.document.lines if line.strip()]
    header = look.columns.header
    named = holds_names(rows, look.columns, TEXTS) if header is None else header
    return f"its first line is a header: {rows[0][0]}" if len(rows) > 1 and named else None


def _lines(look: Look) -> str | None:
    return "its first line is no header" if look.mark else "its first line has no separator of columns"


FORMS = InputForms(
    "text",
    (
        Form(
            "lines",
            "text",
            of_document(alone(deferred("bptt.data.readers.labelled", "read_lines"))),
            (Sign(LAST, _lines),),
            "Write a text, a tab and its label on each line, or a file or folder of texts for each label",
        ),
        Form(
            "columns",
            "text",
            of_grid(deferred("bptt.data.readers.labelled", "read_labelled")),
            # Behind the series of numbers, before tables: words may be numbers, too.
            (Sign(NAMED, _named), Sign(NUMBERS + 1, _refuse_entities), Sign(OTHERWISE, _columns)),
        ),
        Form(
            "fasttext",
            "text",
            of_document(deferred("bptt.data.readers.labelled", "read_fasttext")),
            (Sign(MARKED + 3, _fasttext),),
        ),
        Form(
            "class-folders",
            "text",
            of_path(deferred("bptt.data.readers.folders", "read_class_folders")),
            # Behind all other folders: what is left must be plain text.
            (Sign(FOLDER + 1, _class_folders),),
        ),
        Form(
            "class-files",
            "text",
            of_path(alone(deferred("bptt.data.readers.folders", "read_class_files"))),
            (Sign(FOLDER + 2, _class_files),),
        ),
    ),
    typed="lines",
)
