"""Examples that are recordings of skeletons: a file, or a folder of files or of frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bptt.data.examples import Example, Examples, gather
from bptt.data.readers.grid import Columns, part_of
from bptt.data.skeletons.formats import RecordingFiles, gather_frames, read_source
from bptt.data.skeletons.labelled_recording import LabelledRecording
from bptt.data.skeletons.recording import Skeleton
from bptt.data.skeletons.skeleton_signs import ENDINGS, format_of
from bptt.errors import InputError


def read_skeletons(path: Path, columns: Columns) -> Examples[Skeleton, str]:
    """Read the recordings of a file or folder.

    The label is what the file says, or the folder below `path`, if there are several; else what the name
    says in a known way: NTU's A of SsssCcccPpppRrrrAaaa, aNN_sNN_tNN, which name the subject, too. Raises
    InputError naming a file that cannot be read, and one with other joints than the first.
    """
    rows: list[Example[Skeleton, str]] = []
    notes: tuple[str, ...] = ()
    if path.is_dir():
        sources, others = sources_in(path)
        folders = _class_folders([source.path for source in sources], path)
        for source, (part, label) in zip(sources, folders, strict=True):
            name = source.path.relative_to(path).as_posix()
            rows += _examples(read_source(source, columns.naming.part), source, name, part, label)
        notes = _note_others(others)
    else:
        source = RecordingFiles(path)
        rows = _examples(read_source(source, columns.naming.part), source, path.name)
    if columns.labelled:
        check_alike(rows)
    return gather(str(path), rows, notes=notes, labelled=columns.labelled)


def sources_in(folder: Path) -> tuple[list[RecordingFiles], list[Path]]:
    """Return the recordings below a folder, in the order of their names, and the files that are none."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith((".", "__MACOSX")) for part in path.parts[len(folder.parts) :])
    )
    # A file that is empty is read, and refused by its name; notes on the data are none.
    own = [
        path
        for path in files
        if path.suffix.lower() in ENDINGS and (not path.stat().st_size or format_of(path))
    ]
    if not own:
        own = [path for path in files if path.suffix.lower() in ENDINGS - {".txt", ".json"}]
    taken = set(own)
    return gather_frames(own), [path for path in files if path not in taken]


def check_alike(rows: Sequence[Example[Skeleton, str]]) -> None:
    """Raise InputError at the first recording that has other joints than the first."""
    for row in rows:
        if row.input.shape != rows[0].input.shape:
            joints, numbers = rows[0].input.shape
            rule = f"must have {joints} joints of {numbers} numbers, as {rows[0].place} has"
            came = "{} of {}".format(*row.input.shape)
            raise InputError(row.place, rule, came, "Leave it out, or learn from one kind of skeletons")


def _examples(
    found: Sequence[LabelledRecording],
    source: RecordingFiles,
    name: str,
    part: str = "",
    label: str | None = None,
) -> list[Example[Skeleton, str]]:
    rows = []
    for each in found:
        place = str(source.frames[0] if source.frames else source.path)
        own = f"{name}: {each.name}" if each.name else name
        known = each.label if label is None else label
        rows.append(Example(each.skeleton, known, place, own, each.group, each.part or part))
    return rows


def _class_folders(paths: Sequence[Path], folder: Path) -> list[tuple[str, str | None]]:
    """Return the part and the label of each file, by the folders below `folder` that it is in.

    Folders that are all called train, dev or test are parts; the labels are the folders below these. A single
    folder is no label.
    """
    inside = [path.relative_to(folder).parts[:-1] for path in paths]
    parts = [part_of(folders[0]) if folders else "" for folders in inside]
    if paths and all(parts) and len(set(parts)) > 1:
        inside = [folders[1:] for folders in inside]
    else:
        parts = [""] * len(paths)
    several = len({folders[0] for folders in inside if folders}) > 1
    labels = [folders[0] if several and folders else None for folders in inside]
    return list(zip(parts, labels, strict=True))


def _note_others(paths: Sequence[Path]) -> tuple[str, ...]:
    if not paths:
        return ()
    counts = Counter(path.suffix.lower() or path.name for path in paths)
    shown = ", ".join(f"{count:,} {ending}" for ending, count in counts.most_common(5))
    return (f"left out, as they are no skeletons: {shown}",)
