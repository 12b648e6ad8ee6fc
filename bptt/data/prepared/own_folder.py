"""The folder of prepared tokens: new, begun before, or given up; nothing else is written over."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bptt.data.prepared.token_manifest import MANIFEST, Manifest, is_prepared, read_manifest
from bptt.errors import InputError, MachineError
from bptt.files import check_folder, kind_of, make_folder, make_inner_folder, write_whole

# The folder of pieces, which a preparation keeps until it ends.
WORK = "pieces"
# Shows that a folder without tokens.json was begun by a preparation.
_BEGUN = ".bptt-prepare"
_LOCK = ".lock"
_NAMES = re.compile(r"(learned|held_out)(-\d{5}|\.documents)\.bin")
_CURE = "Name another folder, or a new one"


def check_output_folder(folder: Path, overwrite: bool) -> None:
    """Raise InputError unless `folder` is new or empty, or a preparation was begun in it; with `overwrite`,
    it may hold prepared tokens.
    """
    check_folder(folder)
    if kind_of(folder) not in (None, "a folder"):
        raise InputError(str(folder), "must be a folder", kind_of(folder), _CURE)
    if not folder.exists() or kind_of(folder / _BEGUN) == "a file":
        return
    if is_prepared(folder):
        if not overwrite:
            cure = "Give them up (`overwrite`), or name another folder"
            raise InputError(str(folder), "holds prepared tokens already", cure=cure)
        read_manifest(folder)
    elif found := sorted(path.name for path in folder.iterdir() if path.name != _LOCK):
        raise InputError(str(folder), "must be a new folder, or one of prepared tokens", found[0], _CURE)


def begin_folder(folder: Path) -> None:
    """Make a folder ready, in which tokens that are given up lose their manifest first."""
    make_folder(folder)
    write_whole(folder / _BEGUN, b"`bptt prepare` has not finished here.\n", folder / f"{_BEGUN}.tmp")
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(str(folder / MANIFEST), "must be removed to begin anew", error.strerror) from error
    make_inner_folder(folder / WORK)


def end_folder(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, and remove what was kept on the way and what earlier tokens have left."""
    write_whole(folder / MANIFEST, manifest.to_bytes(), folder / f".{MANIFEST}.tmp")
    named = {shard.file for part in manifest.parts for shard in part.shards}
    named |= {part.documents for part in manifest.parts}
    for path in folder.iterdir():
        if _NAMES.fullmatch(path.name) and path.name not in named and kind_of(path) == "a file":
            path.unlink(missing_ok=True)
    leave_folder(folder)


def leave_folder(folder: Path) -> None:
    """Remove what `begin_folder` made."""
    shutil.rmtree(folder / WORK, ignore_errors=True)
    (folder / _BEGUN).unlink(missing_ok=True)
