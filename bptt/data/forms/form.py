"""A form: what shows that a file has it, and how its examples are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.data.examples import Examples
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.sources import Source, document_of, path_of, read_grid, read_rows

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView
    from bptt.data.readers.document import Document

Classified = Examples[Any, str]
Reader = Callable[[Source, Columns], Classified]

# When signs are asked: what can be mistaken for nothing else first. A sign of a form that is not of this
# package is asked before columns and numbers are looked for, which nearly any file may hold.
FOLDER, BINARY, MARKED, OWN, NAMED, NUMBERS, OTHERWISE, LAST = range(0, 80, 10)


@dataclass(frozen=True)
class Sign:
    """A sign of a form: `find` returns the words that say so, or None. Signs are asked in rising `turn`."""

    turn: int
    find: Callable[[SourceView], str | None]


@dataclass(frozen=True)
class ExampleForm:
    """A form of examples whose inputs are of a `kind`. `unlabelled` says how labels are given in it, for a
    file that has none.
    """

    name: str
    kind: str
    read: Reader
    signs: tuple[Sign, ...] = ()
    unlabelled: str = ""


@dataclass(frozen=True)
class InputForms:
    """All forms of a kind of input, whose name is `name`.

    `typed` is the form of a text that a user types, an input on each line; "" for the form that was learned
    from. `are_bare` finds whether a file, too, is nothing but such lines; `typed_reason` says it in words.
    """

    name: str
    forms: tuple[ExampleForm, ...]
    typed: str = ""
    are_bare: Callable[[Document], bool] | None = None
    typed_reason: str = ""


def of_document(read: Callable[[Document, Columns], Classified]) -> Reader:
    """Return the reader of a source for one of a text."""
    return lambda source, columns: read(document_of(source), columns)


def of_grid(read: Callable[[Grid, Columns], Classified]) -> Reader:
    """Return the reader of a source for one of columns."""
    return lambda source, columns: read(read_grid(source), columns)


def of_rows(read: Callable[[Grid, Columns], Classified]) -> Reader:
    """Return the reader of a source for one of columns, which takes the rows to learn from as they are asked
    for.
    """
    return lambda source, columns: read((read_rows if columns.labelled else read_grid)(source), columns)


def of_path(read: Callable[[Path, Columns], Classified]) -> Reader:
    """Return the reader of a source for one of a file or folder."""
    return lambda source, columns: read(path_of(source), columns)


def alone(read: Callable[[Any], Classified]) -> Callable[[Any, Columns], Classified]:
    """Return a reader that needs no columns as one that is given some."""
    return lambda source, columns: read(source)
