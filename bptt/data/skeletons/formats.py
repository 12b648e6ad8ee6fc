"""The formats of skeletons: how each is known by what is in a file, and its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from bptt.data.readers.document import Document, read_document
from bptt.data.reading import open_file
from bptt.data.signatures import ZIP
from bptt.data.skeletons.array_files import array_shape, read_archive, read_npy
from bptt.data.skeletons.column_files import is_skeleton_table, read_table
from bptt.data.skeletons.json_files import FRAME, read_json, read_openpose
from bptt.data.skeletons.labelled_recording import LabelledRecording, label_and_group
from bptt.data.skeletons.recording import Skeleton
from bptt.data.skeletons.text_files import (
    is_florence,
    is_msr,
    is_ntu,
    read_florence,
    read_msr,
    read_ntu,
)
from bptt.deferred import deferred
from bptt.errors import BpttError, InputError

_read_mat: Callable[..., object] = deferred("bptt.data.skeletons.mat_file", "read_mat")
_read_annotations = deferred("bptt.data.skeletons.annotations", "read_annotations")

# The endings of files that may hold skeletons; what is in them decides.
ENDINGS = frozenset(".skeleton .json .csv .tsv .txt .npy .npz .mat .pkl .pickle".split())
# Formats of motion capture whose joints are angles of a tree of bones.
_CAPTURED = {
    ".bvh": "Convert it to a CSV of places, such as by `bvh-converter`",
    ".amc": "Convert it with its .asf to a CSV of places: a row a frame, JOINT_x, JOINT_y, JOINT_z",
    ".asf": "It holds bones alone: convert its .amc files to CSV of places",
    ".c3d": "Convert it to a CSV of places: a row a frame, MARKER_x, MARKER_y, MARKER_z",
}
_MATLAB = (b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ANNOTATED = re.compile(r'"(?:people|pose_keypoints_2d|keypoints|landmarks|pose_landmarks)"')
_LANDMARKS = re.compile(
    r'\A\s*\[\s*(?:null\s*,\s*|\[\s*\]\s*,\s*)*\[\s*(?:\[\s*)?\{\s*"(?:x|y|z|visibility)"'
)
# Of a text, to find its format.
_START = 2**16


@dataclass(frozen=True)
class RecordingFiles:
    """One recording or several in a file, or, of OpenPose, the files of the frames of one. `path` is that of
    the file, or what the frames have in common.
    """

    path: Path
    frames: tuple[Path, ...] = ()


def is_frame(path: Path) -> bool:
    """Return whether the name of a file is that of a frame of OpenPose."""
    return FRAME.fullmatch(path.name) is not None


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


def format_of(path: Path) -> str | None:
    """Return the format of a file by what is in it: openpose, json, ntu, msr, florence, columns, npy, npz,
    mat, pickle; None if it is none of skeletons.
    """
    with open_file(path) as file:
        start = file.read(64)
    if start.startswith(b"\x93NUMPY"):
        return "npy" if _is_array(path) else None
    if start.startswith(ZIP):
        return "npz" if _is_archive(path) else None
    if start.startswith(_MATLAB):
        return "mat"
    if _PICKLE.match(start) and path.suffix.lower() in (".pkl", ".pickle"):
        return "pickle"
    if b"\0" in start or path.suffix.lower() not in ENDINGS:
        return None
    try:
        return _format_of_text(path)
    except BpttError:
        return None


def _format_of_text(path: Path) -> str | None:
    with open_file(path) as file:
        text = file.read(_START).decode("utf-8", "ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    whole = len(text) < _START // 4
    document = Document(str(path), text if whole else text[: text.rfind("\n") + 1])
    if text.lstrip()[:1] in ("{", "["):
        if is_frame(path):
            return "openpose"
        return "json" if _ANNOTATED.search(text) or _LANDMARKS.search(text) else None
    for name, is_of in (("ntu", is_ntu), ("florence", is_florence), ("msr", is_msr)):
        if is_of(document):
            return name
    return "columns" if is_skeleton_table(document) else None


def _is_array(path: Path) -> bool:
    """Return whether an array is (T, joints, 2 to 4) floats: pictures are bytes, and have other last axes."""
    found = array_shape(path)
    if found is None:
        return False
    shape, dtype = found
    return len(shape) == 3 and shape[2] in (2, 3, 4) and dtype.kind == "f" and shape[1] >= 3


def _is_archive(path: Path) -> bool:
    try:
        found = read_archive(path)
    except (InputError, BadZipFile):
        return False
    with ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist()]
    # (N, T) and (N, T, D) are series.
    return bool(found) and (found[0].name != "" or "X.npy" not in names)


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
