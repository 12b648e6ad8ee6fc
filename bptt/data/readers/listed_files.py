"""Files that a list or a table names: found beside it, or where such lists usually mean them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath

from bptt.data.readers.document import Document
from bptt.errors import InputError

# SpeechBrain replaces it by a folder of its recipe.
_ROOT = "$data_root"


class ListedFiles:
    """Finds the files of a list: absolute ones, and those relative to the folder of the list, the one above
    it, one of the folders in these, or where the program runs.

    The folder in which a file was found is asked first for the next. `endings` are tried for a name that has
    none. With `folders` the list may name folders, too.
    """

    def __init__(
        self, source: Path | Document, endings: Sequence[str] = (), *, folders: bool = False
    ) -> None:
        name = source.name if isinstance(source, Document) else str(source)
        self._folder = Path(name).parent
        # The others are looked for when a file is not there.
        self._bases: list[Path] = [self._folder]
        self._endings = endings
        self._is_one = os.path.exists if folders else os.path.isfile

    def find(self, name: str, place: str) -> Path:
        """Return the file that a list at `place` calls `name`. Raises InputError if there is none."""
        found = self._look(self._plain(name, place))
        if found is None:
            cure = f"Give it from {self._folder}, the folder above it, or a folder in one of these"
            raise InputError(place, "must name a file that is there", name, cure)
        return found

    def look(self, name: str) -> Path | None:
        """Return the file that a list calls `name`, None if there is none."""
        return self._look(self._plain(name, name))

    def _look(self, plain: Path) -> Path | None:
        found = self._among(plain)
        if found is None and len(self._bases) == 1:
            self._bases += _around(self._folder)
            found = self._among(plain)
        return found

    def _among(self, plain: Path) -> Path | None:
        for number, base in enumerate(self._bases):
            found = self._below(base / plain)
            if found is not None:
                self._bases.insert(0, self._bases.pop(number))
                return found
        return None

    def _below(self, path: Path) -> Path | None:
        for ending in ("", *self._endings):
            found = Path(f"{path}{ending}")
            if self._is_one(found):
                return found
        return None

    def _plain(self, name: str, place: str) -> Path:
        name = name.strip()
        if name.startswith(_ROOT):
            name = name[len(_ROOT) :].lstrip("/\\")
        if not name or "\0" in name:
            raise InputError(place, "must name a file", repr(name))
        if "\\" in name and not os.path.exists(name):
            name = PureWindowsPath(name).as_posix()
        try:
            return Path(name).expanduser()
        except RuntimeError:
            # ~ and the name of nobody here.
            return Path(name)


def _around(folder: Path) -> Iterator[Path]:
    """Yield where else the files of a list in a folder may be."""
    above = folder.resolve().parent
    for each in (folder, above):
        yield from (path for path in sorted(each.iterdir()) if path.is_dir())
    yield from (above, Path())
