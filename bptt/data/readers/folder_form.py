"""Which form a folder of examples has, from the content of every file in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bptt.data.readers.folders import holds_class_folders, list_folder
from bptt.errors import InputError

# Forms of files that a folder may hold for its classes; the two of DNA may be mixed.
_TEXT, _DNA = "lines", frozenset({"fasta", "fastq"})
_OVERRIDE = "Name the file itself; if its lines or files are texts whatever they look like, give --input"


def folder_form(folder: Path, form_of: Callable[[Path], tuple[str, str]]) -> tuple[str, str]:
    """The form of a folder, and what says so. `form_of` gives that of a file.

    Files of plain text are texts in folders of classes, and lines of texts otherwise; files of DNA are
    sequences. Raises InputError for files of other forms, which hold their own labels, and for forms that are
    mixed.
    """
    files = list_folder(folder).files
    in_folders = holds_class_folders(folder)
    form = "class-folders" if in_folders else "class-files"
    found = [(each.path, *form_of(each.path)) for each in files if each.path.stat().st_size]
    counts = Counter("dna" if name in _DNA else name for _, name, _ in found)
    if counts and set(counts) == {"dna"}:
        return "dna-files", f"it holds {len(found):,} files of DNA, each of one class"
    for path, name, reason in found:
        if name != _TEXT:
            said = f"{name}, for {reason}"
            raise InputError(
                str(path), "must be plain text to be an example of a folder", said, _OVERRIDE + f" {form}"
            )
    if in_folders:
        return form, "it holds folders, one for each class"
    return form, "it is a folder of files, one for each class"
