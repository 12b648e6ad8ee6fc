"""Clips: video files and folders of pictures, in class folders, lists and tables."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.clips.signs import FRAME_LINE, MEDIA, is_kinetics
from bptt.data.forms.form import BINARY, FOLDER, NAMED, ExampleForm, InputForms, Sign, alone, of_path
from bptt.data.forms.media_forms import last_file, names_files
from bptt.deferred import deferred

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView

_is_frame_folder = deferred("bptt.data.clips.frame_folder", "is_frame_folder")
_holds_clips = deferred("bptt.data.readers.clip_files", "holds_clips")
_format_of_skeleton = deferred("bptt.data.skeletons.formats", "format_of")
_is_frame_list = deferred("bptt.data.readers.clip_lists", "is_frame_list")

_UNLABELLED = (
    "Put the clips of each label into a folder of its own, or write a path, a tab and its label on each line"
)


def _clip(view: SourceView) -> str | None:
    if view.folder is not None:
        return "it holds numbered pictures" if _is_frame_folder(view.folder) else None
    if not isinstance(view.source, Path) or not MEDIA.owns(view.source.name) or _is_skeleton(view.source):
        return None
    return f"its name ends in {view.source.suffix}"


def _is_skeleton(path: Path) -> bool:
    """Return whether a file is an array of the places of joints, not of pictures."""
    return path.suffix.lower() == ".npy" and path.is_file() and _format_of_skeleton(path) == "npy"


def _folder(view: SourceView) -> str | None:
    if view.folder is None or any(map(_is_skeleton, islice(sorted(view.folder.rglob("*.npy")), 1))):
        return None
    found: str | None = _holds_clips(view.folder)
    return found


def _list(view: SourceView) -> str | None:
    if view.document is None:
        return None
    said = names_files(MEDIA, view)
    if said is not None:
        named = last_file(MEDIA, view)
        return said if named is None or not _is_skeleton(named) else None
    first = next((line.strip() for line in view.document.lines if line.strip()), "")
    if FRAME_LINE.fullmatch(first) and _is_frame_list(view.document):
        return "its lines are a folder, a number of pictures and a label"
    return "it has the columns of Kinetics" if is_kinetics(first.split(",")) else None


FORMS = InputForms(
    "clips",
    (
        ExampleForm(
            "clip",
            "clips",
            of_path(alone(deferred("bptt.data.readers.clip_files", "read_clip"))),
            (Sign(FOLDER - 2, _clip), Sign(BINARY - 2, _clip)),
            _UNLABELLED,
        ),
        ExampleForm(
            "clip-folders",
            "clips",
            of_path(deferred("bptt.data.readers.clip_files", "read_clip_folder")),
            (Sign(FOLDER - 1, _folder),),
            _UNLABELLED,
        ),
        ExampleForm(
            "clip-list",
            "clips",
            deferred("bptt.data.readers.clip_lists", "read_clip_list"),
            (Sign(NAMED - 1, _list),),
            _UNLABELLED,
        ),
    ),
)
