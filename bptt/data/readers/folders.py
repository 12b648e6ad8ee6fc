"""Folders of examples: one folder for each class, or one file for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bptt.data.examples import Example, Examples, gather, note_empty, note_left_out
from bptt.data.readers.dna import read_fasta, read_fastq
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.grid import Columns, part_of
from bptt.data.reading import encoding_of, read_bytes
from bptt.data.text import decode_text
from bptt.errors import InputError

# Files that say something about the data and are none of it, whatever their ending.
_NOTES = frozenset(
    "authors changelog citation contributing copying licence license notice readme source thumbs".split()
)
_ANY = Columns()


@dataclass(frozen=True)
class ClassFile:
    """A file of a folder, and its class: the folder that it is in, anywhere below, or its own name."""

    path: Path
    label: str


@dataclass(frozen=True)
class Listing:
    """The files of a folder by class; what is `left_out`; how many lie `deeper` than in their class."""

    files: tuple[ClassFile, ...]
    left_out: tuple[str, ...]
    deeper: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes on the files that were left out, and on folders deeper than the classes."""
        said = (f"left out: {', '.join(self.left_out)}",) if self.left_out else ()
        if not self.deeper:
            return said
        return (
            *said,
            f"files in folders below those of the classes: {len(self.deeper):,}, such as {self.deeper[0]}",
        )


def holds_class_folders(folder: Path) -> bool:
    """Return whether the folder has folders in it, which then are the classes."""
    return any(_is_seen(path) and path.is_dir() for path in folder.iterdir())


def list_folder(folder: Path) -> Listing:
    """Return the files of a folder, of one class each. Raises InputError for the parts of a split data
    set.
    """
    seen = sorted(path for path in folder.iterdir() if _is_seen(path))
    _check_no_split(folder, seen)
    groups = [path for path in seen if path.is_dir()]
    return _of_groups(seen, groups) if groups else _of_files(folder, seen)


def read_class_folders(folder: Path, columns: Columns = _ANY) -> Examples[str, str]:
    """Read texts, one from each file in a folder of `folder`, or deeper; the folder's name is its class.

    Texts to be answered may also lie in `folder` itself. Files that hold no text are left out and counted,
    those to be answered are not. Raises InputError naming the file.
    """
    listing = list_folder(folder)
    has_classes = holds_class_folders(folder)
    rows = []
    for each in listing.files:
        data = read_bytes(each.path)
        text = (
            decode_text(data, str(each.path), encoding=encoding_of(each.path)).strip() if data.strip() else ""
        )
        label = each.label if has_classes else None
        rows.append(Example(text, label, str(each.path), str(each.path.relative_to(folder))))
    empty = [row.place for row in rows if not row.input]
    if not columns.labelled:
        return gather(str(folder), rows, notes=(*note_empty(empty), *listing.notes))
    rows = [row for row in rows if row.input]
    return gather(str(folder), rows, notes=(*note_left_out(empty, "hold no text"), *listing.notes))


def read_class_files(folder: Path) -> Examples[str, str]:
    """Read texts, one from each line of a file in `folder`; the file's name without its ending is their
    class.

    A note on the data (README, LICENSE, SOURCE.txt, ...) is no class, and said to be left out, as are
    blank lines. Raises InputError naming the file.
    """
    listing = list_folder(folder)
    full = [each for each in listing.files if read_bytes(each.path).strip()]
    empty = [str(each.path) for each in listing.files if each not in full]
    rows = [row for each in full for row in _lines_of(read_document(each.path), each.label)]
    return gather(str(folder), rows, notes=(*listing.notes, *note_left_out(empty, "hold no text")))


def read_dna_files(folder: Path) -> Examples[str, str]:
    """Read sequences of FASTA and FASTQ files; the class is the folder that a file is in, or its own name.

    Raises InputError naming the file and the line.
    """
    listing = list_folder(folder)
    rows: list[Example[str, str]] = []
    for each in listing.files:
        document = read_document(each.path)
        found = read_fastq(document) if document.text.lstrip().startswith("@") else read_fasta(document)
        rows += [Example(row.input, each.label, row.place, row.name) for row in found.rows]
    return gather(str(folder), rows, notes=listing.notes)


def _of_groups(seen: Sequence[Path], groups: Sequence[Path]) -> Listing:
    files, deeper = [], []
    for group in groups:
        for path in sorted(group.rglob("*")):
            if path.is_file() and all(map(_is_seen, _inside(path, group))):
                files.append(ClassFile(path, group.name))
                if path.parent != group:
                    deeper.append(str(path))
    return Listing(tuple(files), tuple(path.name for path in seen if path not in groups), tuple(deeper))


def _of_files(folder: Path, seen: Sequence[Path]) -> Listing:
    files = [path for path in seen if path.is_file()]
    notes = [path.name for path in files if _class_of(path).casefold() in _NOTES]
    kept = [ClassFile(path, _class_of(path)) for path in files if path.name not in notes]
    if len({each.label for each in kept}) < len(kept):
        names = ", ".join(path.name for path in files)
        raise InputError(str(folder), "must hold one file for each class", names, "Put them together")
    return Listing(tuple(kept), tuple(notes))


def _check_no_split(folder: Path, seen: Sequence[Path]) -> None:
    """Raise InputError if the names are those of parts to learn from and to be tested on."""
    parts = [part_of(path.name) for path in seen]
    learned = [path for path, part in zip(seen, parts, strict=True) if part == "train"]
    tested = [path for path, part in zip(seen, parts, strict=True) if part in ("dev", "test")]
    if learned and tested:
        names = ", ".join(path.name for path in (*learned, *tested))
        cure = f"Name the parts: {learned[0]} `dev` {tested[0]}"
        raise InputError(str(folder), "must hold classes, not the parts of a data set", names, cure)


def _inside(path: Path, group: Path) -> list[Path]:
    return [Path(part) for part in path.relative_to(group).parts]


def _lines_of(document: Document, name: str) -> list[Example[str, str]]:
    lines = [(place, line.strip()) for place, line in document.numbered()]
    return [Example(line, name, place) for place, line in lines if line]


def _class_of(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _is_seen(path: Path) -> bool:
    return not path.name.startswith((".", "__MACOSX"))
