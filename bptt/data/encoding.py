"""The encoding of a user's text files: UTF-8, or the one that the user names, carried by their paths."""

from __future__ import annotations

import codecs
from functools import cache
from pathlib import Path

from bptt.errors import InputError

UTF8 = "utf-8"


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
