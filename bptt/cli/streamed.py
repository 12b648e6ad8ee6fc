"""`bptt predict RUN --stream -`: each word of standard input answered as soon as it is known."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from bptt.cli.sources import PART, STDIN_NAME, stdin
from bptt.data.reading import known_encoding
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.cli.answers import AnswerPrinter
    from bptt.jobs.answers import Arriving


def answer_stream(arriving: Arriving, encoding: str | None, written: AnswerPrinter) -> None:
    """Print each answer at once. Raises InputError with the line of bytes that are not in the encoding."""
    for text in _texts(stdin(), known_encoding(encoding)):
        _print(arriving.push(text), arriving, written)
    _print(arriving.close(), arriving, written)


def _print(answers: Iterator[Any], arriving: Arriving, written: AnswerPrinter) -> None:
    for found in answers:
        if found is None:
            written.end_sentence()
        else:
            example, answer = found
            written.write(example, answer, arriving)
        written.flush()


def _texts(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the text of a stream as its bytes arrive."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    is_first = True
    while True:
        part = stream.read1(PART)  # type: ignore[attr-defined]
        try:
            text = decoder.decode(part, final=not part)
        except UnicodeDecodeError as error:
            came = error.object[error.start : error.end].hex(" ")
            line += error.object[: error.start].count(b"\n")
            cure = "Give the encoding of this text: `encoding`"
            raise InputError(
                f"{STDIN_NAME}, line {line}", f"must be {encoding.upper()}", came, cure
            ) from error
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise InputError(f"{STDIN_NAME}, line {line}", "must be text, not binary data", "a zero byte")
        line += text.count("\n")
        yield text.removeprefix("\ufeff") if is_first else text
        is_first = is_first and not text
        if not part:
            return
