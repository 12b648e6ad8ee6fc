"""Files in the body of a request: their types, and what of a request says how to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bptt.serve.http_problem import HttpProblem


@dataclass(frozen=True)
class FileType:
    """A type of file: the ending of its name, and the bytes with which it begins after `skipped` others."""

    suffix: str
    signs: tuple[bytes, ...]
    skipped: int = 0


_WAV = FileType(".wav", (b"WAVE",), 8)
# By the type of the body. A page may send none of these types to another site without being asked for leave.
# None of them names other files, as a list of clips or a playlist does; the signs are checked, since a
# decoder believes the bytes that it finds.
TYPES: Mapping[str, FileType] = {
    "audio/wav": _WAV,
    "audio/x-wav": _WAV,
    "audio/flac": FileType(".flac", (b"fLaC",)),
    "audio/mpeg": FileType(".mp3", (b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")),
    "audio/ogg": FileType(".ogg", (b"OggS",)),
    "video/mp4": FileType(".mp4", (b"ftyp",), 4),
    "video/webm": FileType(".webm", (b"\x1a\x45\xdf\xa3",)),
    "video/x-msvideo": FileType(".avi", (b"AVI ",), 8),
}
# The name under which a verb finds the file.
FILE = "file"


@dataclass(frozen=True)
class FileBody:
    """The bytes of a file, and the ending of its name."""

    data: bytes
    suffix: str


def check_type(kind: str) -> FileType:
    """Return the type of a body. Raises HttpProblem 415 for another one."""
    if kind not in TYPES:
        raise HttpProblem(415, f"Content-Type: must be one of {', '.join(TYPES)}, got {kind!r}")
    return TYPES[kind]


def file_of(data: bytes, kind: FileType) -> FileBody:
    """Return a body as a file. Raises HttpProblem 422 if it does not begin as its type does."""
    if not data[kind.skipped :].startswith(kind.signs):
        rule = f"must begin as a {kind.suffix} file does"
        raise HttpProblem(422, f"body: {rule}, got {data[:12]!r}. Send it under its own Content-Type")
    return FileBody(data, kind.suffix)


def options_of_query(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the options in the address of a request: numbers, true and false as such, all else as text."""
    return {name: _value(text) for name, text in query.items() if name != FILE}


def _value(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, bool | int | float) else text
