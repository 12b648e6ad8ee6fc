"""Files of text of any size as pieces of a bounded size, each cut at the end of a line."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from bptt.data.json_text import parse_json
from bptt.data.readers.document import Document
from bptt.data.readers.headers import TEXTS
from bptt.data.readers.objects import is_json
from bptt.data.reading import UTF8, encoding_of, keeps_lines, open_file, unpacked
from bptt.data.signatures import PARQUET
from bptt.data.text import check_encoding
from bptt.deferred import deferred
from bptt.errors import InputError

# Of files in forms that are not read in pieces.
_read_plain = deferred("bptt.data.readers.corpus", "read_plain")
_read_column = deferred("bptt.data.readers.parquet", "read_column")

SourceForm = Literal["text", "JSON lines", "Parquet", "whole", "nanoGPT", "Megatron"]

PIECE = 16 * 2**20  # bytes
# A line may be this many times as long as a piece, unless it has a space to be cut before.
_LONGEST = 4
# The largest file that is read at once, in another form.
_WHOLE = 64 * 2**20
_HEAD = 2**16
_SEAM = re.compile(rb"[^\x00-\x20](?= [^\x00-\x20])")
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")


@dataclass(frozen=True)
class SourceFile:
    """A file that was read to its end: its name, size and hash, and the form that it has."""

    name: str
    bytes: int
    sha256: str
    form: SourceForm


@dataclass(frozen=True)
class FilePiece:
    """Bytes of a file: lines of text, or of JSON objects with a text in the `column`.

    `line` and `offset` are those of its first byte in the unpacked file `name`, the line from 1 on. It begins
    at the start of a line if it `begins_line`, and is the first or the last of its file. `lone_returns` says
    that carriage returns end the lines.
    """

    name: str
    data: bytes
    form: SourceForm = "text"
    column: str = ""
    encoding: str = UTF8
    line: int = 1
    offset: int = 0
    begins_line: bool = True
    is_first: bool = True
    is_last: bool = True
    lone_returns: bool = False


def _ignore(count: int) -> None:
    """Do nothing."""


def stream_file(
    path: Path, column: str | None, size: int = PIECE, on_read: Callable[[int], None] = _ignore
) -> Iterator[FilePiece | SourceFile]:
    """Yield the pieces of a file, and what it was when it has been read.

    `column` names the texts of JSON lines and Parquet, None for one of `TEXTS`. `on_read` takes the number
    of bytes of the file that were read. Raises InputError naming the file, and the line or the byte, if it is
    missing, damaged, or not of text; MachineError if it cannot be read.
    """
    name, encoding = str(path), encoding_of(path)
    if not keeps_lines(encoding):
        cure = f"Save it as UTF-8, e.g. with iconv -f {encoding} -t UTF-8"
        raise InputError(name, "must be in an encoding whose lines end in a byte 0A", encoding, cure)
    with open_file(path) as raw:
        file = HashedFile(raw, on_read)
        head = file.peek()
        form: SourceForm
        if head.startswith(PARQUET):
            form = "Parquet"
            yield from _of_parquet(name, raw, column, size)
        else:
            start, parts = _start(unpacked(file, name, head), size)  # type: ignore[arg-type]
            if not start.strip():
                raise InputError(name, "must hold text", f"{len(start)} bytes of white space")
            check_encoding(name, start, encoding)
            form = _form(path, start)
            if form == "whole":
                yield _read_whole(path, file)
            else:
                key = _key(name, start, column) if form == "JSON lines" else ""
                whole = FilePiece(name, b"", form, key, encoding)
                rest = bytearray(start)
                start = b""
                yield from _cut(whole, rest, parts, size)
        yield SourceFile(path.name, *file.finish(), form)


class HashedFile(io.RawIOBase):
    """A file whose bytes are counted and hashed as they are read."""

    def __init__(self, file: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._file, self._digest, self._on_read = file, hashlib.sha256(), on_read
        self._size = 0
        self._head = b""

    def peek(self) -> bytes:
        """Return the first bytes, which are read again."""
        self._head = self._file.read(_HEAD)
        return self._head

    def read(self, count: int = -1) -> bytes:
        """Read at most `count` bytes, or all."""
        part, self._head = (self._head, b"") if count < 0 else (self._head[:count], self._head[count:])
        part += self._file.read(count if count < 0 else count - len(part))
        self._digest.update(part)
        self._size += len(part)
        self._on_read(len(part))
        return part

    def tell(self) -> int:
        """Return the number of bytes that were read."""
        return self._size

    def finish(self) -> tuple[int, str]:
        """Return size and hash of the whole file."""
        self._file.seek(self._size)
        self._head = b""
        while self.read(2**20):
            pass
        return self._size, self._digest.hexdigest()


def _start(parts: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return the first `size` bytes or more, all if there are fewer, and the parts that follow."""
    start = bytearray()
    while len(start) < size and (part := next(parts, None)) is not None:
        start += part
    return bytes(start), parts


def _form(path: Path, start: bytes) -> SourceForm:
    """Return the form of a file by its first bytes, and its name if it holds columns."""
    text = start.decode(encoding_of(path), "ignore").removeprefix("\ufeff").lstrip()
    first = text.split("\n", 1)[0].strip()
    if text.startswith("{") and is_json(Document(str(path), first + "\n")):
        return "whole" if first == "{" else "JSON lines"
    if text.startswith("[") and is_json(Document(str(path), text)):
        return "whole"
    is_table = path.name.lower().endswith(_TABLES)
    names = {cell.strip(' "').casefold() for cell in first.split("\t")} if "\t" in first else set()
    return "whole" if is_table or names.intersection(TEXTS) else "text"


def _read_whole(path: Path, file: HashedFile) -> FilePiece:
    """Read a file in a form that is not read in pieces. Raises InputError if it is large."""
    size = file.finish()[0]
    if size > _WHOLE:
        rule = f"must be text, JSON lines or Parquet above {_WHOLE >> 20} MB"
        raise InputError(str(path), rule, f"another form, {size >> 20:,} MB", "Convert it to JSON lines")
    return FilePiece(str(path), _read_plain(path).text.encode())


def _key(name: str, start: bytes, column: str | None) -> str:
    line = start.decode("utf-8", "ignore").removeprefix("\ufeff").lstrip().split("\n", 1)[0]
    first = parse_json(line, f"{name}:1", "must be one JSON object a line")
    return choose_column(name, tuple(first), column)


def choose_column(name: str, names: Sequence[str], column: str | None) -> str:
    """Return the name of the column of the text. Raises InputError if there is none."""
    found = [each for each in names if (each == column if column else each.casefold() in TEXTS)]
    if found:
        return found[0]
    rule = f'must have a column "{column}"' if column else "must have a column of the text"
    raise InputError(name, rule, f"the columns {', '.join(names)}", "Name the one of the text: `column`")


def _of_parquet(name: str, file: BinaryIO, column: str | None, size: int) -> Iterator[FilePiece]:
    """Yield the texts of a Parquet file as JSON objects, one a line."""
    key, values = _read_column(file, name, lambda names: choose_column(name, names, column))
    lines: list[bytes] = []
    held, row = 0, 1
    for value in values:
        line = json.dumps({key: value}, ensure_ascii=False, default=_type_name).encode() + b"\n"
        if held and held + len(line) > size:
            yield FilePiece(name, b"".join(lines), "Parquet", key, line=row, is_last=False)
            lines, held, row = [], 0, row + len(lines)
        lines.append(line)
        held += len(line)
    yield FilePiece(name, b"".join(lines), "Parquet", key, line=row)


def _type_name(value: Any) -> Any:
    """Return for a value that is no JSON one that no text is."""
    return {"type": type(value).__name__}


def _cut(whole: FilePiece, rest: bytearray, parts: Iterator[bytes], size: int) -> Iterator[FilePiece]:
    """Yield pieces of the `rest` and the parts after it: each ends with a line, or between two words."""
    has_ended = False
    returns = whole.form == "text" and b"\r" in rest and b"\n" not in rest
    end_of_line = b"\r" if returns else b"\n"
    line, offset, begins = 1, 0, True
    limit = size
    while True:
        while len(rest) <= limit and not has_ended:
            part = next(parts, None)
            has_ended = part is None
            rest += part or b""
        if has_ended and len(rest) <= size:
            break
        end = rest.rfind(end_of_line, 0, limit) + 1
        if not end and whole.form == "text" and (seam := _SEAM.search(rest, limit // 2, limit)):
            end = seam.end()
        if not end:
            if has_ended and len(rest) <= limit:
                break
            limit *= 2
            if limit > _LONGEST * size:
                rule = f"a line has at most {limit // 2 >> 20} MB, or a space to be cut before"
                raise InputError(f"{whole.name}:{line}", rule, "a longer one", "Break it")
            continue
        data = bytes(rest[:end])
        del rest[:end]
        found = replace(whole, data=data, line=line, offset=offset, begins_line=begins)
        yield replace(found, is_first=not offset, is_last=not rest and has_ended, lone_returns=returns)
        line, offset = line + data.count(end_of_line), offset + end
        begins, limit = data.endswith(end_of_line), size
    if rest:
        found = replace(whole, data=bytes(rest), line=line, offset=offset, begins_line=begins)
        yield replace(found, is_first=not offset, lone_returns=returns)
