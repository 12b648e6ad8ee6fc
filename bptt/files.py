"""Files that this package writes: whole or not at all, never through a link, never over anybody else's."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bptt.errors import BpttError, InputError, InternalError, MachineError

# An output carries this text near its beginning, which is how it is known again.
MARK = "written by bptt"
_HEAD = 4096  # bytes
# How the pages of `bptt inspect` began in version 0.1.0, which had no mark.
_UNMARKED = b"""<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-"""

# Not on every system; a link in the place of a new file is an error with O_EXCL alone, too.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_CURES = {
    errno.ENOENT: "Make the folder first, or name another",
    errno.ENOTDIR: "Name a folder, not a file, before the name",
}
_CURE = "Make room, or check the permissions"


# The folder of the cache, in the place of the platform's.
CACHE = "BPTT_CACHE"


def cache_folder() -> Path:
    """Return the folder of the cache, which need not exist: `$BPTT_CACHE`, else that of the platform."""
    if chosen := os.environ.get(CACHE):
        return Path(chosen)
    home = Path(os.path.expanduser("~"))
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bptt"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "bptt"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def to_json(value: object, indent: int | None = None) -> str:
    """Write plain values as JSON that any reader takes (RFC 8259), which has no literal for NaN and infinity.

    NaN and infinities become the strings "NaN", "Infinity" and "-Infinity": `float` reads them back.
    """
    if indent is None:
        # Most values have none of these, and need no copy.
        with suppress(TypeError, ValueError):
            return _ENCODER.encode(value)
    return json.dumps(_finite(value), ensure_ascii=False, indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def write_output(path: Path, data: bytes) -> None:
    """Write an output that carries MARK: a page, a picture, a table.

    It takes the place of nothing, or of an earlier output. The bytes go into a new file beside `path` and are
    renamed, so that a link is replaced at most, never followed, and readers meet a whole file. Raises
    InputError if anything else has that name, MachineError if it cannot be written.
    """
    if not is_output(data[:_HEAD]):
        raise InternalError(str(path), f"an output carries “{MARK}” in its first {_HEAD} bytes")
    check_output(path)
    write_whole(path, data)


def write_new(path: Path, data: bytes) -> None:
    """Write an output that cannot carry MARK, where there is no file yet.

    Raises InputError if there is anything of that name, MachineError if it cannot be written.
    """
    check_new(path)
    write_whole(path, data)


def check_output(path: Path) -> None:
    """Raise InputError unless `path` is free or an earlier output: before the work that it will hold."""
    check_named(path)
    if kind_of(path) != "a file" or not is_output(_read_head(path)):
        _check_free(path, "must be free, or an earlier output of bptt")


def check_new(path: Path) -> None:
    """Raise InputError unless `path` is free: before the work that it will hold."""
    check_named(path)
    _check_free(path, "must be the name of a new file")


def check_named(path: Path) -> None:
    """Raise InputError for "-", which names standard output elsewhere."""
    if str(path) == "-":
        cure = "Name a file; one that has this very name, by its whole path"
        raise InputError("-", "must be the name of a file: an output is not printed", cure=cure)


def _check_free(path: Path, rule: str) -> None:
    kind = kind_of(path)
    if kind is not None:
        cure = "Remove it yourself if it is of no use, or name another file"
        raise InputError(str(path), rule, f"{kind} of that name", cure)


def is_output(head: bytes) -> bool:
    """Return whether a file that begins with `head` was written by `write_output`."""
    return MARK.encode() in head or _UNMARKED in head


def kind_of(path: Path) -> str | None:
    """Return what kind of file has the name `path`, such as "a file" or "a symbolic link"; None if there is
    none.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise MachineError(str(path), "must be readable", error.strerror) from error
    return _KINDS.get(stat.S_IFMT(mode), "a file")


def belongs_to_us(folder: Path) -> bool:
    """Return whether a folder is the user's own and can be written, so that a default output may go there."""
    owner = not hasattr(os, "geteuid") or folder.stat().st_uid == os.geteuid()
    return owner and os.access(folder, os.W_OK | os.X_OK)


def check_folder(folder: Path) -> None:
    """Raise InputError unless `folder` is one, or can be made: before the work that it will hold."""
    lowest = next((each for each in (folder, *folder.parents) if kind_of(each) is not None), None)
    if lowest is not None and not lowest.is_dir():
        cure = "Name another folder"
        raise InputError(
            str(folder), "must be a folder, or a free name", f"{kind_of(lowest)}: {lowest}", cure
        )


def make_folder(folder: Path) -> None:
    """Make a folder that the user has named, and those above it. Raises MachineError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(str(folder), "must be a folder that can be made", error.strerror) from error


def make_inner_folder(folder: Path) -> None:
    """Make a folder of a fixed name, such as `last`, in one that may come from a stranger.

    Raises InputError if it is a link, which might lead anywhere, or no folder.
    """
    if kind_of(folder) not in (None, "a folder"):
        raise InputError(str(folder), "must be a folder", kind_of(folder), "Remove it, or name another place")
    make_folder(folder)


def write_whole(path: Path, data: bytes, fresh: Path | None = None) -> None:
    """Put `data` in the place of the file `path` in one step, after it has reached the disk.

    `fresh` is the name of the new file until it is whole; None: a random one beside `path`. A file of that
    name is removed. Raises MachineError (disk full, no permission); then the file is as it was.
    """
    replace_whole(path, lambda file: file.write(data), fresh)


def replace_whole(path: Path, write: Callable[[BinaryIO], object], fresh: Path | None = None) -> None:
    """Put what `write` writes into a new file in the place of the file `path`, as `write_whole` does."""
    fresh = fresh or path.with_name(f".bptt-{secrets.token_hex(8)}.tmp")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, _NEW, 0o666), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        _sync_folder(path.parent)
    except BpttError:
        _discard(fresh)
        raise
    except OSError as error:
        _discard(fresh)
        intact = "The earlier file is intact. " if os.path.lexists(path) else ""
        cure = _CURES.get(error.errno or 0, intact + _CURE)
        raise MachineError(str(path), "must be writable", error.strerror, cure) from error


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise MachineError(str(path), "must be readable", error.strerror) from error


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too; Windows has no such call and needs none."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _discard(path: Path) -> None:
    """Remove half a file if that can be done; the error that led here is the one to report."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
