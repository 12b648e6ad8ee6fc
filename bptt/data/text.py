"""Plain text: read strictly, joined, cut into a part to learn from and a part to be tested on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

from bptt.data.reading import GZIP, read_bytes, unpack
from bptt.errors import InputError


@dataclass(frozen=True)
class Corpus:
    """A text, and the names of what it was read from."""

    text: str
    names: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The fingerprint of the text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


def read_corpus(paths: Sequence[Path]) -> Corpus:
    """The files one after the other, each ending in a newline. Raises as `read_text` does."""
    texts = [read_text(path) for path in paths]
    whole = "".join(text if text.endswith("\n") else text + "\n" for text in texts)
    return Corpus(whole, tuple(path.name for path in paths))


def default_corpus() -> Corpus:
    """The language reference that every CPython carries for `help()`: its topics in sorted order.

    Source: `pydoc_data.topics` of the running Python, about 460,000 characters of English and code.
    """
    text = "\n".join(topics[name].strip("\n") + "\n" for name in sorted(topics))
    return Corpus(text, (f"pydoc_data.topics of Python {platform.python_version()}",))


def read_text(path: Path) -> str:
    r"""The text of a UTF-8 file, plain or compressed by gzip, every line ending in ``\n``.

    A byte order mark is left out; ``\r\n`` and ``\r`` become ``\n``. Raises InputError with the line
    and the byte if the file is missing, empty, binary or not UTF-8; MachineError if it cannot be read.
    """
    return decode_text(read_bytes(path), str(path))


def decode_text(data: bytes, where: str, packed: bool = True) -> str:
    """The text of bytes by the rules of `read_text`; errors say `where`.

    Without `packed`, bytes compressed by gzip are an error: a small file could fill the memory.
    """
    if packed and data.startswith(GZIP):
        data = unpack(data, where)
    zero = data.find(b"\0")
    if zero >= 0:
        raise _bad_byte(where, data, zero, "must be text, not binary data", "a zero byte")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        came = data[error.start : error.end].hex(" ")
        raise _bad_byte(where, data, error.start, "must be UTF-8", came) from error
    if not text.strip():
        raise InputError(where, "must hold text", f"{len(data)} bytes of white space")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_text(text: str, held_out: float, whole_lines: bool) -> tuple[str, str]:
    """Cut `text` by position: what comes first is learned, the last fraction `held_out` is tested.

    With `whole_lines` the cut moves back to the start of a line. Raises InputError if a part is empty.
    """
    cut = int(len(text) * (1 - held_out))
    if whole_lines:
        cut = text.rfind("\n", 0, cut) + 1
    parts = text[:cut], text[cut:]
    if not all(part.strip() for part in parts):
        rule = f"a held-out part of {held_out:g} must leave text in both parts"
        raise InputError("text", rule, f"{len(text)} characters", "Give more text")
    return parts


def _bad_byte(where: str, data: bytes, position: int, rule: str, came: str) -> InputError:
    line = data.count(b"\n", 0, position) + 1
    cure = "Save it as UTF-8 text, e.g. with iconv -f ENCODING -t UTF-8"
    return InputError(f"{where}:{line}", rule, f"{came} at byte {position}", cure)
