"""The readers of the formats of skeletons, each known by its sign in `skeleton_signs.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bptt.data.readers.document import read_document
from bptt.data.skeletons.array_files import read_archive, read_npy
from bptt.data.skeletons.column_files import read_table
from bptt.data.skeletons.json_files import read_json, read_openpose
from bptt.data.skeletons.labelled_recording import LabelledRecording, label_and_group
from bptt.data.skeletons.recording import Skeleton
from bptt.data.skeletons.skeleton_signs import FRAME, format_of, is_frame
from bptt.data.skeletons.text_files import (
    read_florence,
    read_msr,
    read_ntu,
)
from bptt.deferred import deferred
from bptt.errors import InputError

_read_mat: Callable[..., object] = deferred("bptt.data.skeletons.mat_file", "read_mat")
_read_annotations = deferred("bptt.data.skeletons.annotations", "read_annotations")

# Formats of motion capture whose joints are angles of a tree of bones.
_CAPTURED = {
    ".bvh": "Convert it to a CSV of places, such as by `bvh-converter`",
    ".amc": "Convert it with its .asf to a CSV of places: a row a frame, JOINT_x, JOINT_y, JOINT_z",
    ".asf": "It holds bones alone: convert its .amc files to CSV of places",
    ".c3d": "Convert it to a CSV of places: a row a frame, MARKER_x, MARKER_y, MARKER_z",
}


@dataclass(frozen=True)
class RecordingFiles:
    """One recording or several in a file, or, of OpenPose, the files of the frames of one. `path` is that of
    the file, or what the frames have in common.
    """

    path: Path
    frames: tuple[Path, ...] = ()


def gather_frames(paths: Sequence[Path]) -> list[RecordingFiles]:
    """Return the files in order as sources: those of the frames of one clip, in one folder, together.

    A clip is called after its frames, or after their folder, if they are nothing but numbered.
    """
    found: dict[Path, list[Path]] = {}
    for path in paths:
        match = FRAME.fullmatch(path.name)
        name = path if match is None else path.parent / match["clip"] if match["clip"] else path.parent
        found.setdefault(name, []).append(path)
    return [RecordingFiles(name, tuple(files) if is_frame(files[0]) else ()) for name, files in found.items()]


def read_source(source: RecordingFiles, split: str | None = None) -> list[LabelledRecording]:
    """Read the recordings of a source in the format that it shows. `split` chooses one of a pickle.

    The label and the subject that the file does not say are those of its name. Raises InputError for a
    damaged file, and for one that shows no format.
    """
    path = source.path
    if source.frames:
        return [_named(LabelledRecording(read_openpose(source.frames)), path)]
    if path.suffix.lower() in _CAPTURED:
        rule = "must hold places of joints, not angles of bones"
        raise InputError(str(path), rule, path.suffix, _CAPTURED[path.suffix.lower()])
    form = format_of(path)
    if form == "pickle":
        found: list[LabelledRecording] = _read_annotations(path, split)
        return found
    if form == "florence":
        return read_florence(read_document(path))
    if form == "npz" or (form is None and path.suffix.lower() == ".npz"):
        return [_named(each, path) if not each.name else each for each in read_archive(path)]
    return [_named(_read_one(path, form), path)]


def read_one(path: Path) -> Skeleton:
    """Read the only recording of a file. Raises InputError for several, and as `read_source` does."""
    found = read_source(RecordingFiles(path))
    if len(found) != 1:
        cure = "Name the file itself as the data: it has labels"
        raise InputError(str(path), "must hold one recording, as a list names it", f"{len(found):,}", cure)
    return found[0].skeleton


def _read_one(path: Path, form: str | None) -> LabelledRecording:
    if form == "mat":
        return LabelledRecording(_read_mat(path))  # type: ignore[arg-type]
    if form == "openpose":
        return LabelledRecording(read_openpose([path]))
    if form == "npy" or (form is None and path.suffix.lower() == ".npy"):
        return LabelledRecording(read_npy(path))
    if form == "json" or (form is None and path.suffix.lower() == ".json"):
        return read_json(path)
    document = read_document(path)
    if form == "ntu" or path.suffix.lower() == ".skeleton":
        return LabelledRecording(read_ntu(document))
    return LabelledRecording(read_msr(document) if form == "msr" else read_table(document))


def _named(found: LabelledRecording, path: Path) -> LabelledRecording:
    label, group = label_and_group(path.name)
    return replace(found, label=found.label or label, group=found.group or group)
