"""Examples that are files of a kind, such as sounds or clips: in class folders, in lists, in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.media import Media
from bptt.data.readers.folders import holds_class_folders, list_folder
from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.data.readers.listed_files import ListedFiles
from bptt.data.readers.records import RECORDS
from bptt.data.readers.sources import Source, document_of, read_grid
from bptt.errors import InputError


def read_media_file(path: Path, media: Media) -> Examples[Any, str]:
    """Read a file as one example without a label."""
    return gather(str(path), [Example(media.make(path), None, str(path), path.name)])


def read_media_folder(folder: Path, media: Media, columns: Columns) -> Examples[Any, str]:
    """Read the files of a kind in the folders of `folder`, or deeper; the folder's name is the label.

    Files in `folder` itself have no label, if there are no folders. Other files are left out and counted.
    Raises InputError if there is no file of the kind, or for the parts of a split data set.
    """
    files, notes = list_media(folder, media)
    rows: list[Example[Any, str]] = [
        Example(media.make(path), label, str(path), path.relative_to(folder).as_posix())
        for path, label in files
    ]
    return gather(str(folder), rows, notes=notes, labelled=columns.labelled)


def list_media(folder: Path, media: Media) -> tuple[list[tuple[Path, str | None]], tuple[str, ...]]:
    """Return the files of a kind in a folder, sorted, each with its label, None where there are no class
    folders; and notes on what else is there.
    """
    if not holds_class_folders(folder):
        flat = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
        return [(path, None) for path in flat if media.owns(path.name)], _note_others(flat, media)
    listing = list_folder(folder)
    files: list[tuple[Path, str | None]] = [(each.path, each.label) for each in listing.files]
    notes = _note_others([path for path, _ in files], media)
    return [each for each in files if media.owns(each[0].name)], (*listing.notes, *notes)


def read_media_list(source: Source, media: Media, columns: Columns) -> Examples[Any, str]:
    """Read a list or table of files: a path and its label between spaces, tabs or commas, or columns.

    The column of the paths is the one that the user has named, or the first whose cells all have an ending of
    the kind; the label is the column of a usual name, or the only other one. In a list of nothing but paths
    the label is the folder of each file. Raises InputError with the line of a file that is not there.
    """
    table = find_columns(source, media, columns)
    grid, files = table.grid, ListedFiles(source)
    rows: list[Example[Any, str]] = []
    listed: set[tuple[Any, ...]] = set()
    again: list[str] = []
    for cells, place in zip(grid.rows, grid.places, strict=True):
        name = cells[table.path].strip()
        path = files.find(name, place)
        others = ["" if column is None else cells[column].strip() for column in table.others]
        label = table.label_of(cells, path, place)
        if columns.labelled and (path, label, *others) in listed:
            again.append(place)
            continue
        listed.add((path, label, *others))
        rows.append(Example(media.make(path), label, place, name, *others))
    by_folder = table.label is None and columns.naming.label_pattern is None and columns.labelled
    notes = [*(("the label of each file is the folder that it is in",) if by_folder else ())]
    notes += note_left_out(again, "are listed above with the same label")
    notes += grid.note_unnamed(columns)
    found = gather(grid.name, rows, notes=tuple(notes), labelled=columns.labelled)
    return replace(found, found=table.names)


@dataclass(frozen=True)
class MediaTable:
    """Rows of files, and their columns: that of the `path`, and that of the `label`, None if the label is the
    folder of a file; `others` are those of its group and its part, None if there are none. An example may
    lack its label only if it is not `labelled`.
    """

    grid: Grid
    path: int
    label: int | None
    others: tuple[int | None, int | None]
    labelled: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, () if they have none."""
        names = self.grid.header
        return (names[self.path], "" if self.label is None else names[self.label]) if names else ()

    def label_of(self, cells: Sequence[str], path: Path, place: str) -> str | None:
        """Return the label of a row; None for one to be answered that has none. Raises InputError if one to
        learn from has none.
        """
        found = path.parent.name if self.label is None else cells[self.label].strip()
        if not found and self.labelled:
            raise InputError(place, "must have a label", "none", "Add it, or remove the row")
        return None if self.label is None and not self.labelled else found or None


def find_columns(source: Source, media: Media, columns: Columns) -> MediaTable:
    """Return the rows of a source with their columns. Raises InputError if it is not clear which they are."""
    grid = _grid_of(source, media, columns)
    path = grid.find(columns.input, ())
    path = media.column([grid.header or grid.rows[0], *grid.rows]) if path is None else path
    shown = ", ".join(grid.header or grid.rows[0])[:80]
    if path is None:
        cure = f"Name it (`input_column`); known endings: {', '.join(sorted(media.endings))}"
        raise InputError(grid.name, f"must have a column of {media.kind} files", shown, cure)
    label = grid.find(columns.target, [*columns.learned[1:], *LABELS])
    named = grid.group_and_part(columns)
    known = {path, grid.find(None, RECORDS), *named}
    others = [i for i in range(len(grid.rows[0])) if i not in known]
    if label is None and len(others) == 1:
        label = others[0]
    if label is None and others and columns.labelled and columns.naming.label_pattern is None:
        cure = "Name it: `target_column`"
        raise InputError(grid.name, "must say which column is the label", shown, cure)
    return MediaTable(grid, path, label, named, columns.labelled)


def _grid_of(source: Source, media: Media, columns: Columns) -> Grid:
    document = document_of(source)
    if media.cuts(document.lines):
        numbered = [(media.cut(line), place) for place, line in document.numbered() if line.strip()]
        rows, places = zip(*((row or ("",), place) for row, place in numbered), strict=True)
        grid = Grid(document.name, (), rows, places)
    else:
        grid = read_grid(document)
    has_header = columns.header
    if has_header is None:
        # A row of names of files is no header.
        has_header = not any(map(media.owns, grid.rows[0]))
    grid = grid.with_header() if has_header and not grid.header else grid
    grid.check_widths()
    return grid


def _note_others(paths: Sequence[Path], media: Media) -> tuple[str, ...]:
    others = Counter(path.suffix.lower() or path.name for path in paths if not media.owns(path.name))
    if not others:
        return ()
    shown = ", ".join(f"{count:,} {ending}" for ending, count in others.most_common(5))
    return (f"left out, as they are no {media.kind} files: {shown}",)
