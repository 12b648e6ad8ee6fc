"""The output of `bptt predict`: lines or JSON, to standard output as they arrive, or into a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.cli.streams import coloured, shown, shows_colours
from bptt.errors import printable, printable_json
from bptt.jobs.answers import Asking, plain_data, record_of

if TYPE_CHECKING:
    from bptt.data.examples import Example
    from bptt.jobs.answers import Answer, Arriving, Line

# Characters that would end a line or a column of the output, with their escapes in JSON.
_ESCAPES = {ord(mark): json.dumps(mark)[1:-1] for mark in "\t\n\r\v\f\x1c\x1d\x1e"} | {
    ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"
}


class AnswerPrinter:
    """A printer of answers as lines or JSON, numbered by the inputs, from 1.

    `flush` writes to standard output; with a `path`, `close` writes the whole file at the end. Raises
    InputError if that file exists.
    """

    def __init__(self, path: Path | None, as_json: bool) -> None:
        self._path, self._as_json = path, as_json
        self._lines: list[str] = []
        self._row = 0
        if path is not None:
            from bptt.files import check_new

            # Checked now, so that an output that cannot be written fails before the work.
            check_new(path)

    def head(self, header: Line) -> None:
        """Print the names of the columns, unless the output is JSON."""
        if not self._as_json:
            self._print(header)

    def write(self, example: Example[Any, Any], answer: Answer, asking: Asking | Arriving) -> None:
        """Print the answer to the next input."""
        self._row += 1
        if self._as_json:
            from bptt.files import to_json

            self._print(printable_json(to_json(record_of(self._row, example, answer))))
            return
        for line in asking.lines(answer, example, self._row):
            self._print(line)
        if isinstance(asking, Asking) and self._path is None and shows_colours():
            parts = asking.parts(answer, example)
            self._lines += [f"{coloured(parts)}\n"] if parts else []

    def end_sentence(self) -> None:
        """Print an empty line, unless the output is JSON."""
        if not self._as_json:
            self._print("")

    def _print(self, line: Line) -> None:
        if isinstance(line, tuple):
            text = "\t".join(map(one_line, line))
        else:
            text = shown(line) if self._path is None else line
        self._lines.append(text + "\n")

    def flush(self) -> None:
        """Write the lines so far to standard output, unless the output is a file."""
        if self._path is None:
            sys.stdout.write("".join(self._lines))
            sys.stdout.flush()
            self._lines.clear()

    def close(self) -> None:
        """Write all lines that are left, or the whole file."""
        self.flush()
        if self._path is not None:
            from bptt.files import write_new

            write_new(self._path, "".join(self._lines).encode("utf-8"))
            print(printable(f"answers: {self._path}"), file=sys.stderr)


def print_json(record: object) -> None:
    """Print a record as JSON on a line, at once."""
    from bptt.files import to_json

    print(printable_json(to_json(plain_data(record))), flush=True)


def one_line(text: str) -> str:
    """Escape tabs, line ends and control characters, so that the text fits in one line and column."""
    return printable(text.translate(_ESCAPES))
