"""Folders of texts: one folder for each class, or one file for each class."""

from __future__ import annotations

from pathlib import Path

from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.readers.document import Document, read_document
from bptt.data.reading import read_bytes
from bptt.data.text import decode_text
from bptt.errors import InputError

# Files that say something about the data and are none of it, whatever their ending.
_NOTES = frozenset(
    "authors changelog citation contributing copying licence license notice readme source".split()
)


def holds_class_folders(folder: Path) -> bool:
    """Whether the folder has folders in it, which then are the classes."""
    return any(_is_seen(path) and path.is_dir() for path in folder.iterdir())


def read_class_folders(folder: Path) -> Examples[str, str]:
    """Each file in a folder of `folder` is a text; the folder's name is its class.

    Files that hold no text are left out and counted. Raises InputError naming the file.
    """
    rows, empty = [], []
    for group in sorted(path for path in folder.iterdir() if _is_seen(path) and path.is_dir()):
        for path in sorted(path for path in group.iterdir() if _is_seen(path) and path.is_file()):
            data = read_bytes(path)
            if data.strip():
                rows.append(Example(decode_text(data, str(path)).strip(), group.name, str(path), path.name))
            else:
                empty.append(str(path))
    return gather(str(folder), rows, notes=note_left_out(empty, "hold no text"))


def read_class_files(folder: Path) -> Examples[str, str]:
    """Each line of a file in `folder` is a text; the file's name without its ending is their class.

    A note on the data (README, LICENSE, SOURCE.txt, ...) is no class, and said to be left out, as are
    blank lines. Raises InputError naming the file.
    """
    files = sorted(path for path in folder.iterdir() if _is_seen(path) and path.is_file())
    notes = [path.name for path in files if _class_of(path).casefold() in _NOTES]
    documents = {_class_of(path): read_document(path) for path in files if path.name not in notes}
    if len(documents) < len(files) - len(notes):
        names = ", ".join(path.name for path in files)
        raise InputError(str(folder), "must hold one file for each class", names, "Put them together")
    rows = [row for name, document in documents.items() for row in _lines_of(document, name)]
    said = (f"left out: {', '.join(notes)}",) if notes else ()
    return gather(str(folder), rows, notes=said)


def _lines_of(document: Document, name: str) -> list[Example[str, str]]:
    lines = [(place, line.strip()) for place, line in document.numbered()]
    return [Example(line, name, place) for place, line in lines if line]


def _class_of(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _is_seen(path: Path) -> bool:
    return not path.name.startswith(".")
