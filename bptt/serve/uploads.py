"""Files and bare samples in the body of a request: their types, and what says how to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from bptt.options.checks import shown
from bptt.serve.http_problem import HttpProblem


@dataclass(frozen=True)
class FileType:
    """A type of file: the ending of its name, and the bytes with which it begins after `skipped` others."""

    suffix: str
    signs: tuple[bytes, ...]
    skipped: int = 0

    def begins(self, data: bytes) -> bool:
        """Return whether a body begins as this type does."""
        return data[self.skipped :].startswith(self.signs)


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
# Types of files with sound alone.
SOUND_TYPES = {name: each for name, each in TYPES.items() if name.startswith("audio/")}
Coding = Literal["i16", "i16be"]
# Bare samples of 16 bits: those of RFC 2586 and RFC 3551 have the high byte first; `audio/pcm` is in no
# register, and means the low byte first, as processors and sound cards write samples.
BARE_TYPES: Mapping[str, Coding] = {"audio/l16": "i16be", "audio/pcm": "i16"}
# The parameters of these types, which are options of `bptt predict`, too.
_PARAMETERS = ("rate", "channels")
# The name under which a verb finds the file.
FILE = "file"


@dataclass(frozen=True)
class FileBody:
    """The bytes of a file, and the ending of its name; or bare samples in a `coding`."""

    data: bytes
    suffix: str
    coding: Coding | None = None


@dataclass(frozen=True)
class BodyType:
    """The meaning of a Content-Type: a type of file, or bare samples with their `parameters`."""

    file: FileType | None
    coding: Coding | None
    parameters: Mapping[str, str]

    def check_form(self, is_wav: bool) -> None:
        """Raise HttpProblem 422 for a WAV file that is said to be bare samples, and the other way."""
        if is_wav and self.file is None:
            self._refuse("must be samples without a header", "a WAV file")
        if self.file is not None and not is_wav:
            self._refuse(f"must begin as a {self.file.suffix} file does", "other bytes")

    def body(self, data: bytes) -> FileBody:
        """Return a body. Raises HttpProblem 422 if it does not begin as its type does."""
        if self.file is None:
            self.check_form(_WAV.begins(data))
            return FileBody(data, _WAV.suffix, self.coding)
        if not self.file.begins(data):
            self._refuse(f"must begin as a {self.file.suffix} file does", repr(data[:12]))
        return FileBody(data, self.file.suffix)

    def _refuse(self, rule: str, came: str) -> NoReturn:
        raise HttpProblem(422, f"body: {rule}, got {came}. Send it under its own Content-Type")


def body_type(header: str, known: Sequence[str]) -> BodyType:
    """Return what a Content-Type says. Raises HttpProblem 415 for a type that is not one of `known`.

    Raises HttpProblem 422 for bare samples with another parameter than `rate` and `channels`, or of
    `audio/L16` without a rate, which RFC 2586 requires.
    """
    kind, *given = (part.strip() for part in header.split(";"))
    if kind.lower() not in known:
        raise HttpProblem(415, f"Content-Type: must be one of {', '.join(known)}, got {shown(kind)}")
    kind = kind.lower()
    if kind in TYPES:
        return BodyType(TYPES[kind], None, {})
    found: dict[str, str] = {}
    for part in filter(None, given):
        name, _, value = part.partition("=")
        name = name.strip().lower()
        if name not in _PARAMETERS or name in found:
            rule = f"must have the parameters {' and '.join(_PARAMETERS)} alone, each once"
            raise HttpProblem(422, f"Content-Type: {rule}, got {shown(part)}")
        found[name] = value.strip().strip('"')
    if BARE_TYPES[kind] == "i16be" and "rate" not in found:
        raise HttpProblem(422, "Content-Type: must have a rate, such as audio/L16; rate=16000, got none")
    return BodyType(None, BARE_TYPES[kind], found)


def options_of_query(query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the options in the address of a request: numbers, true and false as such, all else as text.

    Raises HttpProblem 422 for a name that is given twice.
    """
    found: dict[str, Any] = {}
    for name, text in query:
        if name in found:
            raise HttpProblem(422, f"{name}: must be in the address once, got two. Leave one of them out")
        found[name] = _value(text)
    found.pop(FILE, None)
    return found


def with_parameters(options: Mapping[str, Any], kind: BodyType) -> dict[str, Any]:
    """Return options with the parameters of a Content-Type. Raises HttpProblem 422 for one given twice."""
    for name in kind.parameters:
        if name in options:
            rule = "must be in the address or in the Content-Type"
            raise HttpProblem(422, f"{name}: {rule}, got both. Leave one of them out")
    return {**options, **{name: _value(text) for name, text in kind.parameters.items()}}


def _value(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, bool | int | float) else text
