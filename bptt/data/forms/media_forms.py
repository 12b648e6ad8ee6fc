"""The forms of a kind of input of which each file is one example: a file, class folders, a list or table."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.counted import counted
from bptt.data.forms.form import BINARY, FOLDER, NAMED, ExampleForm, Sign
from bptt.data.readers.sources import path_of
from bptt.deferred import deferred

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
            (Sign(NAMED - 1, partial(_list, media)),),
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


def _list(media: Media, view: SourceView) -> str | None:
    if view.document is None:
        return None
    wanted = view.columns.input
    if wanted is not None and view.rows and wanted in view.first:
        # Of a table with files of several kinds.
        column = view.first.index(wanted)
        return f"its column {wanted} names {media.kind} files" if _holds(media, view, column) else None
    return f"its lines name {media.kind} files" if names_files(media, view) else None


def names_files(media: Media, view: SourceView) -> bool:
    """Return whether a text is a list of files of the kind.

    One that is in no file may be a sentence that ends in a name: its first file has to be there.
    """
    if view.document is None:
        return False
    column = media.column(view.rows)
    if column is None and not media.cuts(view.document.lines):
        return False
    if isinstance(view.source, Path):
        return True
    first = next(line for line in view.document.lines if line.strip())
    name = (media.cut(first) or ("",))[0] if column is None else view.rows[-1][column]
    return bool(name) and _listed_files(view.document).look(name) is not None


def _holds(media: Media, view: SourceView, column: int) -> bool:
    return media.column([row[column : column + 1] for row in view.rows]) == 0
