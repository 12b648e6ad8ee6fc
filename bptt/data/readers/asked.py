"""Examples for a model that is trained: in the form that it learned from, or in the one that they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.readers.document import Document
from bptt.data.readers.forms import (
    FORMS,
    Classified,
    Detected,
    Source,
    document_of,
    forms_of,
    is_typed,
    read_examples,
)
from bptt.deferred import deferred
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.grid import Columns

# A text that was typed needs none of these.
_detect: Callable[..., Detected] = deferred("bptt.data.readers.detect", "detect")
_even_rows = deferred("bptt.data.readers.delimited", "even_rows")
_names_texts = deferred("bptt.data.readers.headers", "names_texts")

# Between tabs every line is a row; between commas, only in a file that is called so.
_TABLES = (".csv", ".csv.gz")
# The kind of input that any file of lines and columns may be.
_TEXT = "text"


@dataclass(frozen=True)
class Said:
    """The user's word on a file that is to be answered or judged, None where the file shows it: the
    `form`, the column of the `input`, that of the `target`, whether the first row is a `header`, and the
    file `beside` it that has its targets.
    """

    form: str | None = None
    input: str | None = None
    target: str | None = None
    header: bool | None = None
    beside: Path | None = None

    def about(self, columns: Columns) -> Columns:
        """Return the same columns as the user names them."""
        header = columns.header if self.header is None else self.header
        return replace(columns, input=self.input, target=self.target, header=header)


def read_asked(source: Source, learned: str, columns: Columns, said: Said) -> Classified:
    """Read the examples of a source for a model that learned from the form `learned`.

    A text that was typed is lines, of DNA sequences too. Of a file, what the user has said comes first, then
    the form that it shows if it is of the kind that was learned, and for texts lines. Another form than the
    one learned is noted. Raises InputError, also for columns of which none is known to be the text.
    """
    columns = said.about(columns)
    found = form_asked(source, learned, columns, said)
    examples = read_examples(source, found.form, columns)
    if found.form == learned or not found.reason:
        return examples
    note = f"read as {found.form}, for {found.reason}; learned from {learned} (`form` says otherwise)"
    return replace(examples, notes=(note, *examples.notes))


def is_lines(first: Document, columns: Columns, said: Said) -> bool:
    """Return whether a text that begins with this line is lines, an input each, as nothing in it denies."""
    if said.form is not None or said.input is not None:
        return said.form == "lines"
    line = first.text.strip()
    if "\t" in line or (said.header is not False and _names_texts(line, columns)):
        return False
    found = _detect(first, said.about(columns), labelled=False)
    return found.form == "lines"


def form_asked(source: Source, learned: str, columns: Columns, said: Said) -> Detected:
    """Return the form to read a source in, for a model that learned from the form `learned`."""
    kind = FORMS[learned].kind
    forms, is_text = forms_of(kind), kind == _TEXT
    if said.form is not None:
        return Detected(said.form, "")
    if forms.are_bare is not None and (is_typed(source) or _is_bare(source, forms.are_bare)):
        found = _detect(source, columns, columns.labelled)
        return found if found.kind == kind else Detected(forms.typed, forms.typed_reason)
    if is_typed(source):
        return Detected(forms.typed or learned, "")
    if is_text and (said.input or said.target):
        return Detected("columns", "")
    found = _detect(source, columns, columns.labelled)
    if found.form == "class-files" and learned != found.form and not columns.labelled:
        return Detected("class-folders", "each of its files is a text")
    if not is_text:
        return found if found.kind == kind else Detected(learned, "")
    if found.kind == _TEXT and found.form != "lines":
        return found
    if columns.labelled:
        return Detected(learned, "")
    if found.kind != _TEXT:
        cure = "Name a file of texts, or read its lines as they are (`form` lines)"
        raise InputError(_name_of(source), "must be texts", f"{found.form}, for {found.reason}", cure)
    return _of_lines(source, columns)


def _is_bare(source: Source, are_bare: Callable[[Document], bool]) -> bool:
    """Return whether a file is inputs without names, a line each."""
    is_text = isinstance(source, Document) or source.is_file()
    return is_text and are_bare(document_of(source))


def _of_lines(source: Source, columns: Columns) -> Detected:
    """Return lines, or the two columns of a file without a header, if one of them holds known labels."""
    document = document_of(source)
    rows: tuple[tuple[str, ...], ...] = _even_rows(document)
    if any(set(cells) <= set(columns.classes) for cells in _columns(rows)) and len(rows[0]) == 2:
        return Detected("columns", "one of its columns holds labels that are known")
    if rows and columns.are_numbered(len(rows[0])):
        return Detected("columns", "it has the columns whose numbers were learned")
    tabs = len(rows) > 1 and all("\t" in line for line in document.lines if line.strip())
    if rows and (tabs or document.name.lower().endswith(_TABLES)):
        cure = "Name it (`input_column` 1), or read whole lines (`form` lines)"
        came = f"{len(rows[0])} columns without a header"
        raise InputError(document.name, "must say which column is the text", came, cure)
    return Detected("lines", "it has no header, and no column of labels that are known")


def _columns(rows: tuple[tuple[str, ...], ...]) -> list[list[str]]:
    return [[cell.strip() for cell in cells] for cells in zip(*rows, strict=True)]


def _name_of(source: Source) -> str:
    return source.name if isinstance(source, Document) else str(source)
