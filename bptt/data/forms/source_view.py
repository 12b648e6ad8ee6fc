"""A source as its form is looked for: each view of it is made once, when a sign asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.readers.delimited import delimiter, even_rows
from bptt.data.readers.document import Document
from bptt.data.readers.headers import IDS, SOURCES, TARGETS, TEXT_LABELS, TEXTS, TIMES, find_header
from bptt.data.readers.objects import is_json
from bptt.data.readers.sources import Source, document_of, is_typed, large_text, read_grid
from bptt.data.reading import open_file, read_bytes
from bptt.data.signatures import PARQUET, markup_of
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.grid import Columns, Grid

Row = Sequence[str]

# The names of columns that say what a file holds.
NAMES = (*TEXTS, *TEXT_LABELS, *SOURCES, *TARGETS, *IDS, *TIMES)

_FORMATS = "Convert it to TSV, CSV or JSON lines; for its lines as they are, give `form` lines"
# Longer than all signatures.
_START = 64


@dataclass(frozen=True)
class Shown:
    """A file of a folder, the form that it shows, and the words that say so."""

    path: Path
    form: str
    reason: str


class SourceView:
    """The views of a source. `columns` are those that the user has named; without `labelled`, for examples to
    be given a label, a text without a header is lines, though they may hold commas. `files_of` finds what
    the files of a folder show.
    """

    def __init__(
        self,
        source: Source,
        columns: Columns,
        labelled: bool,
        files_of: Callable[[Path], tuple[Shown, ...]],
    ) -> None:
        self.source, self.columns, self.labelled = source, columns, labelled
        self._files_of = files_of

    @cached_property
    def folder(self) -> Path | None:
        """The folder that the source is, None if it is none."""
        return self.source if isinstance(self.source, Path) and self.source.is_dir() else None

    @cached_property
    def files(self) -> tuple[Shown, ...]:
        """The files of a folder that are not empty; none of what is no folder."""
        return () if self.folder is None else self._files_of(self.folder)

    @cached_property
    def start(self) -> bytes:
        """The first 64 bytes of a file; nothing of a folder or a text."""
        if self.folder is not None or not isinstance(self.source, Path):
            return b""
        with open_file(self.source) as file:
            return file.read(_START)

    @cached_property
    def data(self) -> bytes:
        """All bytes of a file; nothing of a folder or a text."""
        if self.folder is not None or not isinstance(self.source, Path):
            return b""
        return read_bytes(self.source)

    @cached_property
    def document(self) -> Document | None:
        """The text of a source, of one too large for memory its beginning; None for a folder and a Parquet
        file.

        Raises InputError for markup, and for a file that is no text.
        """
        if self.folder is not None or self.start.startswith(PARQUET):
            return None
        large = large_text(self.source)
        document = document_of(self.source) if large is None else Document(large.name, large.head, cut=True)
        markup = None if is_typed(self.source) else markup_of(document.text)
        if markup is not None:
            raise InputError(document.name, "must be in a form that is read here", markup, _FORMATS)
        return document

    @property
    def text(self) -> str:
        """The text of a source, "" if it has none. Raises as `document` does."""
        return "" if self.document is None else self.document.text

    @cached_property
    def grid(self) -> Grid | None:
        """The columns of a file whose form names them, Parquet or JSON; None for all else."""
        if self.folder is not None or (self.document is not None and not is_json(self.document)):
            return None
        return read_grid(self.source if self.document is None else self.document)

    @cached_property
    def mark(self) -> str:
        """The separator of the columns of a text, "" if it has none."""
        return "" if self.document is None or self.grid is not None else delimiter(self.document)

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows of a file of columns, their names first if they have some; none of another file."""
        if self.grid is not None:
            return [self.grid.header, *self.grid.rows]
        if self.document is None or not self.mark:
            return ()
        cut = [line.split(self.mark) for line in self.document.lines if line.strip()]
        return even_rows(self.document) or cut

    @property
    def first(self) -> list[str]:
        """The cells of the first row, without quotes."""
        return [cell.strip(' "') for cell in self.rows[0]]

    @cached_property
    def has_header(self) -> bool:
        """Whether the first row names the columns."""
        if self.grid is not None or not self.mark:
            return self.grid is not None
        return find_header(self.rows, self.columns, NAMES) is not None

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns, none if they have no names."""
        if not self.has_header:
            return ()
        return self.first if self.grid is None else self.grid.header
