"""Skeletons: files and folders of files, of OpenPose a file a frame; and lists that name files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.forms.form import BINARY, FOLDER, ExampleForm, InputForms, Sign, of_path
from bptt.data.forms.media_forms import media_forms
from bptt.data.media import Media
from bptt.data.skeletons.skeleton_signs import ENDINGS, format_of
from bptt.deferred import deferred
from bptt.errors import counted

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView

_UNLABELLED = (
    "Put the files of each label into a folder of its own, list them in a CSV of path and label, or find the "
    "label in their names: `label_pattern`"
)
_SAID = {
    "openpose": "a frame of OpenPose",
    "json": "landmarks in JSON",
    "ntu": "a skeleton of NTU",
    "msr": "a skeleton of MSR Action3D",
    "florence": "skeletons of Florence3D",
    "columns": "the coordinates of joints in columns",
    "npy": "an array (T, joints, coordinates)",
    "npz": "arrays (T, joints, coordinates)",
    "mat": "an array of MATLAB",
    "pickle": "a pickle, as MMAction2 writes skeletons",
}
# Files of a folder that are looked into.
_LOOKED_AT = 5


def _file(view: SourceView) -> str | None:
    if not isinstance(view.source, Path) or view.folder is not None:
        return None
    if view.source.suffix.lower() not in ENDINGS:
        return None
    found = format_of(view.source)
    return None if found is None else f"it is {_SAID[found]}"


def _folder(view: SourceView) -> str | None:
    """Say so if most files of a folder may be skeletons, and the first of them are."""
    if view.folder is None:
        return None
    files = sorted(path for path in view.folder.rglob("*") if path.is_file() and path.name[0] != ".")
    own = [path for path in files if path.suffix.lower() in ENDINGS]
    if not own or 2 * len(own) <= len(files):
        return None
    step = max(1, len(own) // _LOOKED_AT)
    looked = [path for path in own[::step] if path.stat().st_size][:_LOOKED_AT]
    found = [name for path in looked if (name := format_of(path)) is not None]
    if not found or 2 * len(found) <= len(looked):
        return None
    return f"it holds {counted(len(own), 'files')}, such as {_SAID[found[0]]}"


MEDIA = Media("skeleton", ENDINGS, deferred("bptt.data.skeletons.formats", "read_one"))

FORMS = InputForms(
    "skeleton",
    (
        ExampleForm(
            "skeleton",
            "skeleton",
            of_path(deferred("bptt.data.readers.skeletons", "read_skeletons")),
            (Sign(BINARY - 1, _file),),
            _UNLABELLED,
        ),
        ExampleForm(
            "skeleton-folders",
            "skeleton",
            of_path(deferred("bptt.data.readers.skeletons", "read_skeletons")),
            # Before a sign that reads every file as a text.
            (Sign(FOLDER - 1, _folder),),
            _UNLABELLED,
        ),
        media_forms(MEDIA)[-1],
    ),
)
