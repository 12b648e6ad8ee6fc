"""`metrics.jsonl`: one JSON object per line, on the disk at the latest with the next checkpoint."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bptt.data.reading import read_bytes
from bptt.errors import InputError, MachineError
from bptt.files import kind_of, to_json
from bptt.runs.run_folder import write_bytes
from bptt.runs.spans import spanned

# Of what JSON can hold.
Record = Mapping[str, object]

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CURE = "Restore the file, or begin again"


@spanned("logs")
def append_record(path: Path, record: Record) -> None:
    """Add `record` as a line; `to_json` says how numbers that are not finite are written.

    Raises MachineError if it cannot be written, InputError if `path` is a link.
    """
    with _appending(path) as file:
        file.write((to_json(record) + "\n").encode())


def synced_size(path: Path) -> int:
    """Return the size of the file in bytes, all of them on the disk: the position that a checkpoint keeps.

    Raises as `append_record` does.
    """
    with _appending(path) as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def cut_back(path: Path, size: int) -> None:
    """Drop what was added after the checkpoint that kept `size`: its records come again.

    A file that has another name too, as in a copy made of hard links, is written anew, so that the copy keeps
    its records. Raises InputError if the file has lost lines that the checkpoint counts on, or is a link.
    """
    kind = kind_of(path)
    if kind not in (None, "a file"):
        raise InputError(str(path), "must be a file", kind, _CURE)
    found = path.stat().st_size if kind else 0
    if found < size:
        rule = f"must still begin with the {size} bytes that the checkpoint knows"
        raise InputError(str(path), rule, f"{found} bytes", _CURE)
    if kind and (found > size or path.stat().st_nlink > 1):
        write_bytes(path, read_bytes(path)[:size])


@contextmanager
def _appending(path: Path) -> Iterator[BinaryIO]:
    """Open the file to append to, made if need be; it has no second name, under which it would grow too."""
    try:
        with os.fdopen(os.open(path, _APPEND, 0o666), "ab") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise InputError(str(path), "must be a file with one name", "a link or a device", _CURE)
            yield file
    except OSError as error:
        raise MachineError(str(path), "must be writable", error.strerror) from error
