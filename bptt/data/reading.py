"""Files opened and read: what has an end and fits into memory; all else is refused with its name.

The encoding of a user's text, UTF-8 or the one that the user names, is carried by its path.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import BinaryIO
from zlib import error as ZlibError

from bptt.data.memory import check_inflation, check_memory
from bptt.deferred import deferred
from bptt.errors import BpttError, InputError, MachineError

_unpack_zstandard = deferred("bptt.data.zstandard_files", "unpack_parts")

GZIP, ZSTANDARD = b"\x1f\x8b", b"(\xb5/\xfd"
# How files begin that are unpacked when they are read as text.
PACKED = (GZIP, ZSTANDARD)
_HEAD = max(map(len, PACKED))
UTF8 = "utf-8"

# Bytes from which labelled texts stay in their file. In memory a megabyte of them takes 15 MB: these take one
# gigabyte.
LARGE = 2**26

_CHUNK = 2**22
# Without it, opening a FIFO waits for somebody to write into it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_CURE = "Write it into a file first"


@contextmanager
def open_file(path: Path, cure: str = "") -> Iterator[BinaryIO]:
    """Open a file to read bytes from; of a pipe, all that is written into it.

    Raises InputError if there is no such file, or it is a device, a socket or a pipe that nobody writes
    into; MachineError if it cannot be read.
    """
    try:
        with os.fdopen(_opened(path), "rb") as file:
            yield _checked(path, file)
    except BpttError:
        raise
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        came = "standard input, which is not read here" if str(path) == "-" else error.strerror
        raise InputError(str(path), "must be a file", came, _CURE if str(path) == "-" else cure) from error
    except OSError as error:
        raise MachineError(str(path), "must be readable", error.strerror or error) from error


def _opened(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except ValueError as error:
        # A name from a file may hold half a character, or a zero byte.
        raise InputError(str(path), "must be a name that the system can have", error, "Check it") from error


def read_bytes(path: Path, cure: str = "") -> bytes:
    """Read a file's content. Raises as `open_file` does, and MachineError if memory does not hold it."""
    with open_file(path, cure) as file:
        # Two copies: of one is made a text or an array.
        check_memory(str(path), 2 * _size(file))
        return file.read()


def starts_as(path: Path, beginning: bytes) -> bool:
    """Return whether a file begins with these bytes. Raises as `open_file` does."""
    with open_file(path) as file:
        return file.read(len(beginning)) == beginning


def unpack(data: bytes, where: str) -> bytes:
    """Return the content of bytes that begin as one of PACKED does.

    Raises InputError if they are damaged or grow as no data do, MachineError if memory does not hold them.
    """
    parts: list[bytes] = []
    total = 0
    for part in unpacked(io.BytesIO(data), where, data[:_HEAD]):
        total += len(part)
        check_inflation(where, len(data), total)
        check_memory(where, 3 * total)
        parts.append(part)
    return b"".join(parts)


def unpacked(file: BinaryIO, where: str, head: bytes) -> Iterator[bytes]:
    """Yield the content of a file with the first bytes `head` part by part, unpacked if they are in PACKED.

    Raises InputError if it is damaged.
    """
    if head.startswith(ZSTANDARD):
        yield from _unpack_zstandard(file, where)
    elif head.startswith(GZIP):
        try:
            with GzipFile(fileobj=file) as content:
                while part := content.read(_CHUNK):
                    yield part
        except (BadGzipFile, EOFError, ZlibError) as error:
            raise broken_gzip(where, f"{error}, before byte {file.tell():,}") from error
    else:
        while part := file.read(_CHUNK):
            yield part


def broken_gzip(where: str, error: object) -> InputError:
    """Return the error for a file that begins as gzip does and is none."""
    return InputError(where, "must be a whole gzip file", error, "Fetch it again")


def in_encoding(path: Path, encoding: str | None) -> Path:
    """Return a path whose file, or the files in it if it is a folder, hold text in an encoding (None: UTF-8).

    Every path derived from it has the same encoding. Raises InputError for an encoding that Python lacks.
    """
    return path if encoding is None else _kind(known_encoding(encoding))(path)


def encoding_of(path: Path) -> str:
    """Return the encoding of the text in a file: that of `in_encoding`, else UTF-8."""
    return str(getattr(path, "encoding", UTF8))


def known_encoding(name: str | None) -> str:
    """Return Python's name of an encoding, UTF-8 for None. Raises InputError if Python does not know it."""
    try:
        found = codecs.lookup(name or UTF8).name
        # Python has codecs that are no encodings of text, such as base64.
        b"a".decode(found, "replace")
    except (LookupError, ValueError):
        cure = "Name one such as gb18030, big5, shift_jis, euc-kr, windows-1252 or utf-16"
        raise InputError("encoding", "must be an encoding of text that Python knows", name, cure) from None
    return found


def keeps_lines(encoding: str) -> bool:
    """Return whether a byte 0A in this encoding is always the end of a line."""
    return not encoding.startswith(("utf-16", "utf-32", "utf_16", "utf_32"))


@cache
def _kind(encoding: str) -> type[Path]:
    """Return a class of paths with this encoding: pathlib makes derived paths of the same class."""
    return type(f"Path_{encoding.replace('-', '_')}", (type(Path()),), {"encoding": encoding})


def _checked(path: Path, file: io.BufferedReader) -> BinaryIO:
    """Return the file itself, or the content of the pipe. Raises InputError if it may have no end."""
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISREG(mode):
        return file
    if not stat.S_ISFIFO(mode):
        kind = "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise InputError(str(path), "must be a file", kind, _CURE)
    return io.BytesIO(_drain(path, file))


def _drain(path: Path, file: io.BufferedReader) -> bytes:
    parts = [file.raw.read(_CHUNK)]
    # None: somebody will write; nothing: nobody does.
    if parts[0] == b"":
        raise InputError(str(path), "must be a file", "a pipe that is empty or was read before", _CURE)
    os.set_blocking(file.fileno(), True)
    total = 0
    while part := file.raw.read(_CHUNK):
        total += len(part)
        check_memory(str(path), 3 * total)
        parts.append(part)
    return b"".join(part for part in parts if part)


def _size(file: BinaryIO) -> int:
    return file.getbuffer().nbytes if isinstance(file, io.BytesIO) else os.fstat(file.fileno()).st_size
