"""Inputs as named on the command line: a file, a folder, standard input, or a text."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bptt.cli.spelling import spelled
from bptt.data.reading import PACKED, in_encoding, keeps_lines, known_encoding
from bptt.errors import InputError, printable

if TYPE_CHECKING:
    from bptt.data.examples import Examples
    from bptt.data.readers.document import Document
    from bptt.data.readers.forms import Source
    from bptt.jobs.commands import PredictOptions

STDIN = "-"
STDIN_NAME = "standard input"

# The largest number of bytes read at a time.
PART = 2**16

# The endings of readable files; texts hardly ever end in one.
_ENDING = re.compile(
    r"(?i)\.(txt|text|tsv|csv|tab|jsonl?|ndjson|md|xml|html?|parquet|npz|npy|conll\w*|iob2?|bio|ts|arff|data"
    r"|fa|fasta|fna|fq|fastq|mp4|m4v|mov|avi|mkv|webm|gif|wav|flac|mp3|ogg|opus|sph|gz|zip|bz2|xz|zst|tar|pdf|docx?|xlsx?|en|zh)$"
)
_BEGINNING = re.compile(r"(~|\.\.?)?[/\\]|[A-Za-z]:[/\\]")
# Names separated by slashes, without punctuation of sentences.
_SLASHES = re.compile(r"[\w.~+@-]+([/\\][\w.~+@-]+)+[/\\]?")
# A file name may contain spaces, but a sentence usually has more words than this.
_MOST_WORDS = 3


def source_of(given: str, encoding: str | None = None) -> Source:
    """Return the file or folder with this name; standard input for -; else the text itself. Files and
    standard input are in the `encoding`, None for UTF-8.

    Raises InputError if the text looks like a file name but no such file exists.
    """
    from bptt.data.readers.document import Document

    if given == STDIN:
        return _document(stdin().read(), known_encoding(encoding))
    if _exists(given):
        return in_encoding(Path(given), encoding)
    check_text(given)
    # A fastText label at the beginning is not part of the text, just as on standard input.
    return Document("text", given, typed=not given.lstrip().startswith("__label__"))


def averaged(runs: Sequence[Path]) -> tuple[str, ...]:
    """Return a line for the user on the runs that answer together, none for a single one."""
    names = ", ".join(map(str, runs))
    return (f"{len(runs)} runs answer together, by their mean: {names}",) if len(runs) > 1 else ()


def check_inputs(asked: PredictOptions) -> None:
    """Raise InputError without inputs, if one of several is no file or folder, as a text without quotes is
    none, and for a stream that is asked for of standard input and files together, or into a file.
    """
    given = asked.inputs
    if asked.microphone and given:
        came = " ".join(map(repr, given))
        raise InputError("microphone", "is heard instead of an input", came, "Leave one of them out")
    if not given and not asked.microphone:
        raise InputError("input", "must be a file, a folder, a text, or -", "none", "Name one")
    if asked.stream and STDIN in given and len(given) > 1:
        raise InputError("stream", "reads standard input or files", "both", "Give one of these")
    if asked.streams and asked.output is not None:
        cure = "Leave `output` out, and redirect: > FILE"
        raise InputError("output", "is written when all answers are known", "`stream`", cure)
    missing = [each for each in given if len(given) > 1 and not _exists(each)]
    if missing:
        cure = "Check the name; a text is given alone, between quotes"
        raise InputError("input", "several inputs are files or folders that exist", repr(missing[0]), cure)


def sources_of(
    given: str, is_lines: Callable[[Document], bool], encoding: str | None = None
) -> Iterator[Source]:
    """Yield the named source; of standard input, the lines that have arrived, as a source each time.

    So each line is answered at once. If `is_lines` returns False for the first line, all input is one source.
    """
    if given != STDIN:
        yield source_of(given, encoding)
        return
    stream, written = stdin(), known_encoding(encoding)
    if not keeps_lines(written):
        yield _document(stream.read(), written)
        return
    start = stream.readline()
    while start and not start.strip():
        start += stream.readline() or b" "
    if not start.strip() or start.startswith(PACKED) or not is_lines(_document(start, written)):
        yield _document(start + stream.read(), written)
        return
    yield from _arriving(stream, start, written)


def stdin() -> BinaryIO:
    """Return the bytes of standard input. Raises InputError if it is closed."""
    # None if the shell has closed standard input: `bptt ... <&-`.
    if sys.stdin is None:
        raise InputError(STDIN_NAME, "must be open", "closed", "Name a file, or pipe something in")
    return sys.stdin.buffer


def _arriving(stream: BinaryIO, start: bytes, encoding: str) -> Iterator[Document]:
    """Yield whole lines of a stream as they arrive; the last one may lack its line end."""
    number, rest = 1, start
    while True:
        end = rest.rfind(b"\n") + 1
        if end:
            yield _lines(rest[:end], number, encoding)
            number, rest = number + rest.count(b"\n", 0, end), rest[end:]
        part = stream.read1(PART)  # type: ignore[attr-defined]
        if not part:
            break
        rest += part
    if rest:
        yield _lines(rest, number, encoding)


def _lines(data: bytes, number: int, encoding: str) -> Document:
    """Decode lines of standard input, from line `number` on.

    Raises InputError with the line if it is not valid in the encoding.
    """
    from bptt.data.readers.document import Document
    from bptt.data.text import decode_text

    for n, line in enumerate(data.split(b"\n"), number):
        if line.strip():
            decode_text(line, f"{STDIN_NAME}, line {n}", packed=False, encoding=encoding)
    text = data.decode(encoding).replace("\r\n", "\n")
    return Document(STDIN_NAME, text.removeprefix("\ufeff"), typed=True, first=number)


def _document(data: bytes, encoding: str) -> Document:
    from bptt.data.readers.document import Document
    from bptt.data.text import decode_text

    return Document(STDIN_NAME, decode_text(data, STDIN_NAME, encoding=encoding))


def check_text(given: str) -> None:
    """Raise InputError if a text looks like the name of a file, or is no valid Unicode."""
    if looks_like_path(given):
        cure = "If it is meant as a text, give it by standard input: echo TEXT | bptt ... -"
        raise InputError(given, "must be a file, as its name looks like one", "no such file", cure)
    try:
        given.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("text", "must be UTF-8", error) from error


def is_file_name(given: str) -> bool:
    """Return whether a text is the name of a file, or looks like one."""
    return (_exists(given) and Path(given).is_file()) or looks_like_path(given)


def _exists(given: str) -> bool:
    # A text may be longer than any file name; the empty text is a text, not the folder ".".
    return 0 < len(given) < 256 and Path(given).exists()


def looks_like_path(given: str) -> bool:
    """Return whether a text has the ending or the slashes of a file name."""
    name = given.strip()
    if not name or "\n" in name:
        return False
    if len(name.split()) > 1:
        ends = bool(_ENDING.search(name))
        return ends and (bool(_BEGINNING.match(name)) or len(name.split()) <= _MOST_WORDS)
    return bool(_ENDING.search(name) or _BEGINNING.match(name) or _SLASHES.fullmatch(name))


def say_notes(source: Source, examples: Examples[Any, Any]) -> None:
    """Print notes on how a source was read, and on examples left out, on standard error."""
    name = source.name if not isinstance(source, Path) else str(source)
    for note in examples.notes:
        print(printable(f"{name}: {spelled(note)}"), file=sys.stderr)
