"""Clips in folders: a folder for each class, files and folders of pictures in these, or side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bptt.data.clips.clip import Clip
from bptt.data.clips.frame_folder import is_frame_folder, pictures_of
from bptt.data.clips.signs import MEDIA
from bptt.data.examples import Example, Examples, gather
from bptt.data.readers.folders import holds_class_folders, list_folder
from bptt.data.readers.grid import Columns
from bptt.errors import counted

# The take in UCF101 and UCF50, v_Class_g01_c01; the person in KTH, person01_boxing_d1.
_TAKES = (re.compile(r"v_.*_(g\d+)_c\d+"), re.compile(r"(person\d+)_\w+_d\d+.*"))

ClipExample = Example[Clip, str]


def read_clip(path: Path) -> Examples[Clip, str]:
    """Read a file, or a folder of pictures, as one example without a label."""
    return with_notes(gather(str(path), [Example(Clip(path), None, str(path), path.name)]))


def read_clip_folder(folder: Path, columns: Columns) -> Examples[Clip, str]:
    """Read the clips in the folders of `folder`, or deeper; the folder's name is the label.

    Clips in `folder` itself have no label. Other files are left out and counted. Raises InputError if there
    is no clip, or for the parts of a split data set.
    """
    labelled = any(not is_frame_folder(path) for path in folder.iterdir() if path.is_dir())
    found = list(_clips_in(folder))
    if labelled and holds_class_folders(folder):
        # Refuses the parts of a data set.
        list_folder(folder)
    rows: list[ClipExample] = []
    for path in found:
        inside = path.relative_to(folder)
        label = inside.parts[0] if labelled and len(inside.parts) > 1 else None
        rows.append(Example(Clip(path), label, str(path), inside.as_posix()))
    unread = Counter(path.suffix.lower() or path.name for path in _others_in(folder))
    shown = ", ".join(f"{count:,} {ending}" for ending, count in unread.most_common(5))
    notes = (f"left out, as they are no clips: {shown}",) if unread else ()
    if labelled:
        outside = [row.place for row in rows if row.target is None]
        if outside and columns.labelled:
            notes = (*notes, f"left out, as they are in no class folder: {counted(len(outside), 'clips')}")
            rows = [row for row in rows if row.target is not None]
    return with_notes(with_takes(gather(str(folder), rows, notes=notes, labelled=columns.labelled)))


def with_takes(examples: Examples[Clip, str]) -> Examples[Clip, str]:
    """Return examples with the take or person in their names as their group, if all names have one."""
    for pattern in _TAKES:
        found = [pattern.fullmatch(Path(row.name).stem) for row in examples.rows]
        if all(found) and not examples.has_groups:
            rows = tuple(
                replace(row, group=match[1] if match else "")
                for row, match in zip(examples.rows, found, strict=True)
            )
            note = f"groups from the names of files, such as {rows[0].group} (`group_pattern` says otherwise)"
            return replace(examples, rows=rows, notes=(*examples.notes, note))
    return examples


def with_notes(examples: Examples[Clip, str]) -> Examples[Clip, str]:
    """Return examples with the notes on their folders of pictures.

    Raises InputError naming a folder whose pictures have no order.
    """
    folders = [row.input.path for row in examples.rows if row.input.path.is_dir()]
    said = Counter(note for folder in folders for note in pictures_of(folder).notes)
    notes = [
        f"{note}, and as many in {counted(count - 1, 'others')}" if count > 1 else note
        for note, count in said.items()
    ]
    return replace(examples, notes=(*examples.notes, *notes))


def _clips_in(folder: Path) -> Iterator[Path]:
    """Yield the files and folders that are a clip, sorted, at any depth."""
    for path in _seen(folder):
        if path.is_dir():
            yield from (path,) if is_frame_folder(path) else _clips_in(path)
        elif MEDIA.owns(path.name):
            yield path


def _others_in(folder: Path) -> Iterator[Path]:
    for path in _seen(folder):
        if path.is_dir():
            yield from () if is_frame_folder(path) else _others_in(path)
        elif not MEDIA.owns(path.name):
            yield path


def _seen(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def holds_clips(folder: Path) -> str | None:
    """Return words on the clips of a folder if it holds more of them than of other files; else None."""
    clips, others = list(_clips_in(folder)), list(_others_in(folder))
    if len(clips) <= len(others):
        return None
    pictures = sum(path.is_dir() for path in clips)
    kinds = [counted(len(clips) - pictures, "clip files")] * (len(clips) > pictures)
    kinds += [f"{counted(pictures, 'folders')} of numbered pictures"] * (pictures > 0)
    return f"it holds {' and '.join(kinds)}"
