"""Plain text: read strictly, joined, cut into a part to learn from and a part to be tested on."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

from bptt.data.memory import check_memory
from bptt.data.reading import PACKED, UTF8, encoding_of, keeps_lines, read_bytes, unpack
from bptt.data.signatures import signature_of
from bptt.errors import InputError

# Byte order marks; that of UTF-32 begins as the one of UTF-16 does.
_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
# In the place of an encoding, of bytes that are zero here and there.
_NO_TEXT = ""


@dataclass(frozen=True)
class Corpus:
    """A text, the names of its sources, and notes about them for the user, a line each."""

    text: str
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The fingerprint of the text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


def default_corpus() -> Corpus:
    """Return the language reference that every CPython carries for `help()`: its topics in sorted order.

    Source: `pydoc_data.topics` of the running Python, about 460,000 characters of English and code.
    """
    text = "\n".join(topics[name].strip("\n") + "\n" for name in sorted(topics))
    return Corpus(text, (f"pydoc_data.topics of Python {platform.python_version()}",))


def read_text(path: Path) -> str:
    r"""Read the text of a file, plain or compressed by gzip, every line ending in `` ``.

    It is UTF-8, or in the encoding of its path (`in_encoding`). A byte order mark is left out. ``\r\n``
    becomes ``\n``, and so does ``\r`` in a file without any ``\n``, as old Macs wrote it; elsewhere ``\r``
    belongs to its line. Raises InputError with the line and the byte if the file is missing, empty, binary or
    in another encoding; MachineError if it cannot be read or memory does not hold it.
    """
    return decode_text(read_bytes(path), str(path), encoding=encoding_of(path))


def decode_text(data: bytes, where: str, packed: bool = True, encoding: str = UTF8) -> str:
    """Return the text of bytes by the rules of `read_text`; errors say `where`.

    Without `packed`, bytes compressed by gzip are an error: a small file could fill the memory.
    """
    if packed and data.startswith(PACKED):
        data = unpack(data, where)
    # The characters, and the same again with other line ends.
    check_memory(where, 2 * len(data))
    if keeps_lines(encoding):
        check_encoding(where, data, encoding)
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        came = data[error.start : error.end].hex(" ")
        if encoding == UTF8:
            raise bad_byte(_line(where, data, error.start), "must be UTF-8", came, error.start) from error
        place = f"{where}:{data.count(10, 0, error.start) + 1}"
        cure = "Give the encoding of this text, or leave `encoding` out if it is UTF-8"
        got = f"{came} at byte {error.start}"
        raise InputError(place, f"must be {encoding}, as `encoding` says", got, cure) from error
    if encoding != UTF8 and "\0" in text:
        raise InputError(where, f"must be text in {encoding}", "a zero byte", "Give its own `encoding`")
    if not text.strip():
        raise InputError(where, "must hold text", f"{len(data)} bytes of white space")
    return with_line_feeds(text)


def split_text(text: str, held_out: float, whole_lines: bool) -> tuple[str, str]:
    """Cut `text` by position: what comes first is learned, the last fraction `held_out` is tested.

    With `whole_lines` the cut moves back to the start of a line. Of 0 nothing is held out; else raises
    InputError if a part is empty.
    """
    if not held_out:
        return text, ""
    cut = int(len(text) * (1 - held_out))
    if whole_lines:
        cut = text.rfind("\n", 0, cut) + 1
    parts = text[:cut], text[cut:]
    if not all(part.strip() for part in parts):
        rule = f"a held-out part of {held_out:g} must leave text in both parts"
        raise InputError("text", rule, f"{len(text)} characters", "Give more text")
    return parts


def with_line_feeds(text: str) -> str:
    """Return a whole text with one line feed at the end of each line."""
    if "\r" not in text:
        return text
    # Files that were converted twice have two of them before each line feed. Looked for from the first of
    # several: from each of them, a long row of them would take the square of its length.
    return re.sub(r"(?<!\r)\r+(\n|\Z)", "\n", text) if "\n" in text else text.replace("\r", "\n")


def check_encoding(where: str, data: bytes, wanted: str) -> None:
    """Raise InputError if the bytes are of UTF-16 or UTF-32, or no text at all."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            came = f"the byte order mark of {encoding}"
            raise bad_byte(f"{where}:1", f"must be text in {wanted.upper()}", came, 0, encoding)
    signature = signature_of(data)
    if signature is not None:
        name, cure = signature
        raise InputError(where, "must be text", name, cure)
    zero = data.find(b"\0")
    if zero >= 0:
        # Every other byte of Latin letters is zero in UTF-16.
        wide = "UTF-16" if 3 * data.count(b"\0") > len(data) else ""
        place = _line(where, data, zero)
        raise bad_byte(place, "must be text, not binary data", "a zero byte", zero, wide or _NO_TEXT)


def _line(where: str, data: bytes, position: int) -> str:
    line = data.count(b"\n", 0, position) + 1
    return f"{where}:{line}"


def bad_byte(place: str, rule: str, came: str, position: int, encoding: str = "ENCODING") -> InputError:
    """Return the error for a byte that is no text, with the cure: the `encoding` that the file may have, ""
    if it is none.
    """
    cure = (
        f"Say so (`encoding` {encoding.lower()}), or save it as UTF-8, e.g. with iconv -f {encoding} -t UTF-8"
    )
    if encoding == "ENCODING":
        cure = (
            "If it is Chinese text in GB18030: `encoding` gb18030; else name its own (windows-1252, "
            "shift_jis, ...), or save it as UTF-8, e.g. with iconv -f ENCODING -t UTF-8"
        )
    elif encoding == _NO_TEXT:
        cure = r"If it is text, remove them, e.g. with tr -d '\000'"
    return InputError(place, rule, f"{came} at byte {position}", cure)
