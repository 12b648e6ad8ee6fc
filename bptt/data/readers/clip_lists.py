"""Lists and tables of clips: those of UCF101, TSN and MMAction, Kinetics, and any with a column of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bptt.data.clips.clip import Clip
from bptt.data.clips.signs import FRAME_LINE, KINETICS, MEDIA, is_kinetics
from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.readers.clip_files import ClipExample, with_notes, with_takes
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.listed_files import ListedFiles
from bptt.data.readers.media_files import read_media_list
from bptt.data.readers.sources import Source, document_of, read_grid
from bptt.data.reading import read_bytes
from bptt.errors import InputError

# The names of the labels of UCF101, beside its lists: `1 ApplyEyeMakeup`.
_NAMES = "classInd.txt"
# Seconds of a video: names of trimmed clips have six digits.
_LONGEST = 1e6
# Lines that show the form of a list.
_LOOKED_AT = 50


def is_frame_list(document: Document) -> bool:
    """Return whether lines are a path, a number of pictures and the number of a label, and the first path is
    that of a folder.
    """
    lines = [line.strip() for line in document.lines if line.strip()][:_LOOKED_AT]
    found = [FRAME_LINE.fullmatch(line) for line in lines]
    if not found or None in found or found[0] is None:
        return False
    path = ListedFiles(document, folders=True).look(found[0]["path"])
    return path is not None and path.is_dir()


def read_clip_list(source: Source, columns: Columns) -> Examples[Clip, str]:
    """Read a list or table of clips, in files or in folders of pictures.

    Raises InputError with the line of a clip that is not there; of Kinetics, whose videos disappear, such
    clips are left out and counted.
    """
    document = document_of(source)
    if MEDIA.cuts(document.lines):
        found = _named(read_media_list(source, MEDIA, columns), document)
    elif is_frame_list(document):
        found = _read_frames(document)
    else:
        grid = read_grid(source)
        grid = grid if grid.header or columns.header is False else grid.with_header()
        found = (
            _read_kinetics(grid, columns)
            if is_kinetics(grid.header)
            else read_media_list(source, MEDIA, columns)
        )
    return with_notes(with_takes(found))


def _named(examples: Examples[Clip, str], document: Document) -> Examples[Clip, str]:
    """Return examples whose labels are numbers with their names, if a file beside the list has them."""
    path = Path(document.name).parent / _NAMES
    if not examples.has_targets or not path.is_file():
        return examples
    lines = (line.split() for line in read_bytes(path).decode("utf-8", "replace").splitlines())
    names = dict(line for line in lines if len(line) == 2)
    if not all(target in names for target in examples.targets):
        return examples
    rows = tuple(replace(row, target=names[row.target or ""]) for row in examples.rows)
    return replace(examples, rows=rows, notes=(*examples.notes, f"names of labels from {path.name}"))


def _read_frames(document: Document) -> Examples[Clip, str]:
    files = ListedFiles(document, folders=True)
    rows: list[ClipExample] = []
    for place, line in document.numbered():
        if not line.strip():
            continue
        found = FRAME_LINE.fullmatch(line.strip())
        if found is None:
            raise InputError(place, "must be a folder, a number of pictures, and a label", line)
        clip = Clip(files.find(found["path"], place), count=int(found["count"]))
        if not clip.count:
            raise InputError(place, "a clip has at least one picture", "0", "Correct the line, or remove it")
        rows.append(Example(clip, found["label"], place, found["path"]))
    return gather(document.name, rows)


def _read_kinetics(grid: Grid, columns: Columns) -> Examples[Clip, str]:
    grid.check_widths()
    at = {name: grid.find(None, (name,)) for name in (*KINETICS, "split")}
    files = ListedFiles(Path(grid.name))
    rows: list[ClipExample] = []
    gone: list[str] = []
    for cells, place in zip(grid.rows, grid.places, strict=True):
        value = {name: "" if column is None else cells[column].strip() for name, column in at.items()}
        times = [value["time_start"], value["time_end"]]
        try:
            start, end = map(float, times)
        except ValueError:
            start = end = -1.0
        # Not so for NaN, too.
        if not (0 <= start < _LONGEST and 0 <= end < _LONGEST):
            raise InputError(place, "time_start and time_end are seconds", ", ".join(map(repr, times)))
        clip = _find_kinetics(files, value, start, end)
        if clip is None:
            gone.append(place)
        else:
            group = value["youtube_id"]
            rows.append(Example(clip, value["label"] or None, place, group, group, value["split"]))
    notes = note_left_out(gone, "are not there")
    return gather(grid.name, rows, notes=notes, labelled=columns.labelled)


def _find_kinetics(files: ListedFiles, value: dict[str, str], start: float, end: float) -> Clip | None:
    """Return the trimmed clip of a row, or its seconds of the whole video; None if there is neither."""
    name, label = value["youtube_id"], value["label"]
    trimmed = f"{name}_{int(start):06d}_{int(end):06d}"
    for stem, is_trimmed in ((trimmed, True), (name, False)):
        for folder in ("", f"{label}/", f"{label.replace(' ', '_')}/"):
            for ending in (".mp4", ".mkv", ".webm", ".avi"):
                path = files.look(f"{folder}{stem}{ending}")
                if path is not None:
                    return Clip(path) if is_trimmed else Clip(path, start, end)
    return None
