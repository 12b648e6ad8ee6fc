"""The two forms of a kind of input of which each file is one example: such a file, and a folder of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.examples import Example, Examples, gather
from bptt.data.forms.form import BINARY, FOLDER, ExampleForm, Sign, of_path
from bptt.data.readers.folders import ClassFile, holds_class_folders, list_folder
from bptt.data.stored import Stored

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView
    from bptt.data.readers.grid import Columns

_UNLABELLED = "Put the files of each label into a folder of its own, and give the folder that holds these"


def file_forms(kind: str, form: str, starts: Callable[[bytes], bool]) -> tuple[ExampleForm, ExampleForm]:
    """Return the forms `form`, a file whose first 64 bytes fulfil `starts`, and `form`-folders.

    An input is a `Stored`, the file itself, which the codec reads. The class of a file is the name of the
    folder that it is in; files that lie side by side have none.
    """

    def find(view: SourceView) -> str | None:
        return f"its first bytes are those of {form}" if view.start and starts(view.start) else None

    def find_folder(view: SourceView) -> str | None:
        if not view.files or any(shown.form != form for shown in view.files):
            return None
        return f"it holds {len(view.files):,} files that begin as {form} does"

    read = of_path(_read)
    return (
        ExampleForm(form, kind, read, (Sign(BINARY, find),), _UNLABELLED),
        ExampleForm(f"{form}-folders", kind, read, (Sign(FOLDER, find_folder),), _UNLABELLED),
    )


def _read(path: Path, columns: Columns) -> Examples[Stored, str]:
    if not path.is_dir():
        return gather(str(path), [_example(ClassFile(path, ""), path.name, False)])
    listing, labelled = list_folder(path), holds_class_folders(path)
    rows = [_example(each, str(each.path.relative_to(path)), labelled) for each in listing.files]
    return gather(str(path), rows, notes=listing.notes, labelled=columns.labelled)


def _example(file: ClassFile, name: str, labelled: bool) -> Example[Stored, str]:
    return Example(Stored(file.path), file.label if labelled else None, str(file.path), name)
