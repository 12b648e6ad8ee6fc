"""The folder of a comparison: it goes on with the data that it began with, and holds nothing else."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from bptt.data.reading import read_bytes
from bptt.errors import InputError
from bptt.files import kind_of, make_folder, write_new
from bptt.runs.run_folder import CONFIG

DATA = "data.json"


def digest(path: Path) -> str:
    """Return the fingerprint of a file, or of a folder with all its files. Raises as `read_bytes` does."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    whole = sha256()
    for file in files:
        whole.update(f"{file.relative_to(path)}\n".encode("utf-8", "surrogateescape"))
        whole.update(sha256(read_bytes(file)).digest())
    return whole.hexdigest()


def hold(folder: Path, data: str) -> None:
    """Make the folder for a comparison on `data`, or see that it is the one of such a comparison.

    Raises InputError if it is that of other data, or a run; MachineError if it cannot be made.
    """
    if (folder / CONFIG).exists():
        cure = "Name a folder of its own for the comparison"
        raise InputError(str(folder / CONFIG), "must not be in the folder of a comparison", "a run", cure)
    path, now = folder / DATA, json.dumps(data, ensure_ascii=False).encode()
    if kind_of(path) is not None:
        if kind_of(path) != "a file" or read_bytes(path) != now:
            rule = "must be resumed with the same data and number of examples"
            cure = "Give those of the first time, or another folder"
            raise InputError(str(path), rule, "others", cure)
        return
    make_folder(folder)
    write_new(path, now)
