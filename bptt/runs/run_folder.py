"""The files of a run folder: written whole or not at all, and checked when they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bptt.data.reading import read_bytes
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.version import __version__

# A run that is only read needs neither.
_decode_text = deferred("bptt.data.text", "decode_text")
_write_whole = deferred("bptt.files", "write_whole")

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
HELD_OUT = "held_out.txt"

# The version of the layout of config.json.
_FORMAT = 1


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` in the place of a run's own file `path`, whole or not at all, never through a link.

    Hold the lock of the run: the new file has one name until it is whole, and what a killed process has
    left there is removed. Raises MachineError (disk full, no permission); then the file is as it was.
    """
    _write_whole(path, data, path.with_name(f".{path.name}.tmp"))


def write_config(run: Path, config: Mapping[str, Any]) -> None:
    """Write config.json; the versions of the format and of this package are added."""
    versions = {"format": _FORMAT, "bptt": __version__}
    whole = versions | dict(config) | versions
    text = json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False)
    # The name of a file may be no text: Python's escape for it is that of JSON too.
    write_bytes(run / CONFIG, (text + "\n").encode("utf-8", "backslashreplace"))


def is_run(path: Path) -> bool:
    """Return whether a path is that of a run folder."""
    try:
        return (path / CONFIG).is_file()
    except OSError:
        # A text may be longer than any name of a file.
        return False


def read_config(run: Path) -> dict[str, Any]:
    """Read the object in config.json. Raises InputError: no such run, not a run folder, damaged, newer."""
    if not run.is_dir():
        rule = "the run folder must exist" if not run.exists() else "a run is a folder"
        raise InputError(str(run), rule, cure="Name the folder that `bptt train` wrote")
    path = run / CONFIG
    data = read_bytes(path, "This is not a run folder: name one that `bptt train` wrote")
    try:
        config = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        cure = "Restore the file, or train again"
        raise InputError(str(path), "must be JSON in UTF-8", error, cure) from error
    if not isinstance(config, dict) or config.get("format") != _FORMAT:
        found = config.get("format") if isinstance(config, dict) else type(config).__name__
        cure = f"bptt {__version__} wrote none such: use the version of bptt that did"
        raise InputError(str(path), f'must be an object with "format": {_FORMAT}', found, cure)
    return config


def read_held_out(run: Path) -> str:
    """Read the text of held_out.txt, which unlike a user's text is never unpacked. Raises InputError if it is
    missing or the run held nothing out.
    """
    path = run / HELD_OUT
    data = read_bytes(path, "Restore the file, or name a text")
    if not data:
        raise InputError(str(run), "must have held out a text to evaluate on", "none", "Name a text")
    text: str = _decode_text(data, str(path), packed=False)
    return text
