"""The forms of a kind of input of which each file is one example: a file, class folders, a list or table."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.forms.form import BINARY, FOLDER, NAMED, ExampleForm, Sign
from bptt.data.readers.sources import path_of
from bptt.deferred import deferred
from bptt.errors import counted

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView
    from bptt.data.media import Media

_read_file = deferred("bptt.data.readers.media_files", "read_media_file")
_read_folder = deferred("bptt.data.readers.media_files", "read_media_folder")
_read_list = deferred("bptt.data.readers.media_files", "read_media_list")

_listed_files = deferred("bptt.data.readers.listed_files", "ListedFiles")

_UNLABELLED = (
    "Put the files of each label into a folder of its own, or write a path, a tab and its label on each line"
)


def media_forms(media: Media) -> tuple[ExampleForm, ...]:
    """Return the forms KIND, a file, KIND-folders, a folder of files, and KIND-list, a text that names files.

    Files are known by their endings: they are not opened to find the form.
    """
    kind = media.kind
    return (
        ExampleForm(
            kind,
            kind,
            lambda source, columns: _read_file(path_of(source), media),
            (Sign(BINARY - 1, partial(_file, media)),),
            _UNLABELLED,
        ),
        ExampleForm(
            f"{kind}-folders",
            kind,
            lambda source, columns: _read_folder(path_of(source), media, columns),
            # Before a sign that reads every file as a text.
            (Sign(FOLDER - 1, partial(_folder, media)),),
            _UNLABELLED,
        ),
        ExampleForm(
            f"{kind}-list",
            kind,
            lambda source, columns: _read_list(source, media, columns),
            (Sign(NAMED - 1, partial(names_files, media)),),
            _UNLABELLED,
        ),
    )


def _file(media: Media, view: SourceView) -> str | None:
    if not isinstance(view.source, Path) or view.folder is not None or not media.owns(view.source.name):
        return None
    return f"its name ends in {view.source.suffix}"


def _folder(media: Media, view: SourceView) -> str | None:
    """Say so if most files of a folder are of the kind."""
    if view.folder is None:
        return None
    names = [path.name for path in view.folder.rglob("*") if path.is_file() and path.name[0] != "."]
    count = sum(map(media.owns, names))
    return f"it holds {counted(count, f'{media.kind} files')}" if 2 * count > len(names) else None


def names_files(media: Media, view: SourceView) -> str | None:
    """Return words on a list of files of the kind, None if a text is none.

    Of a table with files of several kinds the column that the user has named decides. A text that is in no
    file may be a sentence that ends in a name: its last file has to be there.
    """
    if view.document is None:
        return None
    column = _column(media, view)
    if column is None and (_is_named(view) or not media.cuts(view.document.lines)):
        return None
    if not isinstance(view.source, Path) and last_file(media, view) is None:
        return None
    where = f"its column {view.columns.input} names" if _is_named(view) else "its lines name"
    return f"{where} {media.kind} files"


def last_file(media: Media, view: SourceView) -> Path | None:
    """Return the file that the last of the lines looked at names, None if it is not there."""
    assert view.document is not None
    column = _column(media, view)
    last = [line for line in view.document.lines if line.strip()][-1]
    name = (media.cut(last) or ("",))[0] if column is None else view.rows[-1][column]
    found: Path | None = _listed_files(view.document).look(name) if name else None
    return found


def _is_named(view: SourceView) -> bool:
    return view.columns.input is not None and bool(view.rows) and view.columns.input in view.first


def _column(media: Media, view: SourceView) -> int | None:
    """Return the column of files of the kind: that which the user has named, or the first one."""
    wanted = view.columns.input
    if wanted is None or not _is_named(view):
        return media.column(view.rows)
    column = view.first.index(wanted)
    return column if media.column([row[column : column + 1] for row in view.rows]) == 0 else None
