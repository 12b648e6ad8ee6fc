"""`metrics.jsonl`: one JSON object per line, on the disk at the latest with the next checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bptt.errors import InputError, MachineError
from bptt.files import to_json

# Of what JSON can hold.
Record = Mapping[str, object]


def append_record(path: Path, record: Record) -> None:
    """Add `record` as a line; `to_json` says how numbers that are not finite are written.

    Raises MachineError if it cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(to_json(record) + "\n")
    except OSError as error:
        raise MachineError(str(path), "must be writable", error.strerror) from error


def synced_size(path: Path) -> int:
    """The bytes of the file, all of them on the disk: the position that a checkpoint keeps."""
    try:
        with path.open("ab") as file:
            os.fsync(file.fileno())
            return file.tell()
    except OSError as error:
        raise MachineError(str(path), "must be writable", error.strerror) from error


def cut_back(path: Path, size: int) -> None:
    """Drop what was added after the checkpoint that kept `size`: its records come again.

    Raises InputError if the file has lost lines that the checkpoint counts on.
    """
    found = path.stat().st_size if path.exists() else 0
    if found < size:
        rule = f"must still begin with the {size} bytes that the checkpoint knows"
        raise InputError(str(path), rule, f"{found} bytes", "Restore the file, or begin again")
    if found > size:
        os.truncate(path, size)
