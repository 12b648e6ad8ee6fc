"""The text of a piece of a file: decoded, or taken out of JSON objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from bptt.data.json_text import parse_json
from bptt.data.prepared.text_stream import FilePiece
from bptt.data.reading import UTF8
from bptt.data.text import with_line_feeds
from bptt.errors import InputError


class PieceText(NamedTuple):
    """A text, the lines of it (from 0) at which documents begin, and the number of documents."""

    text: str
    documents: list[int]


def text_of(piece: FilePiece) -> PieceText:
    """Return the text of a piece. Raises InputError naming a line of bytes or objects that are no text."""
    if piece.form in ("JSON lines", "Parquet"):
        return _joined(list(_texts(piece)))
    text = _decode(piece)
    if piece.lone_returns:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        # At the end of a piece that is not the last one no line ends.
        text = with_line_feeds(text if piece.is_last else f"{text}\0").removesuffix("\0")
    if piece.is_last and not text.endswith("\n"):
        text += "\n"
    return PieceText(text, [0] if piece.is_first else [])


def _decode(piece: FilePiece) -> str:
    zero = piece.data.find(b"\0")
    if zero >= 0:
        raise _bad_byte(piece, zero, "must be text, not binary data", "a zero byte")
    try:
        text = piece.data.decode(piece.encoding)
    except UnicodeDecodeError as error:
        came = piece.data[error.start : error.end].hex(" ")
        rule = f"must be {piece.encoding.upper()}, as `encoding` says"
        rule = "must be UTF-8" if piece.encoding == UTF8 else rule
        raise _bad_byte(piece, error.start, rule, came) from error
    return text.removeprefix("\ufeff") if piece.is_first else text


def _bad_byte(piece: FilePiece, position: int, rule: str, came: str) -> InputError:
    line = piece.line + piece.data.count(b"\n", 0, position)
    cure = "Name its `encoding` (gb18030, windows-1252, ...), or save it as UTF-8"
    return InputError(f"{piece.name}:{line}", rule, f"{came} at byte {piece.offset + position:,}", cure)


def _texts(piece: FilePiece) -> Iterator[str]:
    """Yield the texts of JSON objects, one a line, that are not blank."""
    unit = "row " if piece.form == "Parquet" else ""
    for number, line in enumerate(_decode(piece).split("\n"), piece.line):
        if not line.strip():
            continue
        place = f"{piece.name}:{' ' if unit else ''}{unit}{number}"
        found = parse_json(line, place, "must be one JSON object a line")
        if not isinstance(found, dict):
            raise InputError(place, "must be one JSON object a line", line[:40])
        text = _text(found.get(piece.column), place, piece.column)
        if text.strip():
            yield text


def _text(value: Any, place: str, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    if not isinstance(value, str):
        raise InputError(place, f'"{column}" must be a text', json.dumps(value)[:40])
    if "\0" in value:
        raise InputError(place, f'"{column}" must be text, not binary data', "a zero byte")
    return value


def _joined(texts: list[str]) -> PieceText:
    whole = [text.rstrip("\n") + "\n" for text in texts]
    documents, line = [], 0
    for text in whole:
        documents.append(line)
        line += text.count("\n")
    return PieceText("".join(whole), documents)
