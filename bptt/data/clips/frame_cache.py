"""Decoded clips in the cache of this user: clips are decoded once, however often they are read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bptt.errors import MachineError
from bptt.files import cache_folder, write_whole

Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64] | None]

# A change of how pictures are made changes this number.
_FORMAT = 1
# Bytes of all clips in the cache; those that were not read for longest make room.
_MOST = 4 * 2**30
_ENDING = ".frames"


def cached(key: str, make: Callable[[], Arrays]) -> Arrays:
    """Return the pictures (T, S, S, C) and times (T,) under a key, from the cache, or made and kept there.

    A cache that cannot be written, or whose file is damaged, costs time alone.
    """
    name = hashlib.sha256(f"{_FORMAT} {key}".encode()).hexdigest()
    path = cache_folder() / "clips" / name[:2] / f"{name}{_ENDING}"
    found = _read(path)
    if found is None:
        found = make()
        _write(path, *found)
    return found


def _read(path: Path) -> Arrays | None:
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        # The time of its last use.
        os.utime(path)
    except OSError:
        return None
    about, _, data = content.partition(b"\n")
    shape, has_times = json.loads(about)
    size = 8 * shape[0] * has_times
    times = np.frombuffer(data[:size], "<f8") if has_times else None
    return np.frombuffer(data[size:], np.uint8).reshape(shape), times


def _write(path: Path, pictures: npt.NDArray[np.uint8], times: npt.NDArray[np.float64] | None) -> None:
    about = json.dumps([pictures.shape, times is not None]).encode()
    numbers = b"" if times is None else times.astype("<f8").tobytes()
    content = b"\n".join([about, numbers + pictures.tobytes()])
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, b"\n".join([hashlib.sha256(content).hexdigest().encode(), content]))
        # Once in 256 clips on average, as this looks at every file.
        if path.name.startswith("00", 2):
            _make_room(path.parent.parent)
    except (OSError, MachineError):
        return


def _make_room(folder: Path) -> None:
    files = sorted((each.stat().st_mtime, each) for each in folder.glob(f"*/*{_ENDING}"))
    total = sum(each.stat().st_size for _, each in files)
    for _, each in files:
        if total <= _MOST:
            return
        total -= each.stat().st_size
        each.unlink(missing_ok=True)
