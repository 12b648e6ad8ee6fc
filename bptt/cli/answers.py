"""Where the answers of `bptt predict` go: lines or JSON, to standard output as they come or into a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bptt.errors import printable, printable_json

if TYPE_CHECKING:
    from bptt.data.examples import Example
    from bptt.data.readers.asked import Said

of_reading = partial(typer.Option, rich_help_panel="Input")

# What would end a line or a column of the output, as it is spelled in JSON.
_ESCAPES = {ord(mark): json.dumps(mark)[1:-1] for mark in "\t\n\r\v\f\x1c\x1d\x1e"} | {
    ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"
}


@dataclass(frozen=True)
class ReadingArguments:
    """What the user says about the file that is asked about; by default it is read as it shows."""

    form: Annotated[
        str | None, of_reading("--input", help="Input format. Default: as learned from, or detected.")
    ] = None
    text_column: Annotated[
        str | None,
        of_reading(
            "--text-column",
            "--source-column",
            help="Column of the input, by name, or by number without a header.",
        ),
    ] = None
    label_column: Annotated[
        str | None,
        of_reading("--label-column", "--target-column", help="Column of the label or translation."),
    ] = None
    header: Annotated[
        bool | None,
        of_reading("--header/--no-header", help="Whether the first row is a header. Default: detected."),
    ] = None

    def said(self) -> Said:
        """The same for the readers."""
        from bptt.data.readers.asked import Said

        return Said(self.form, self.text_column, self.label_column, self.header)


@dataclass(frozen=True)
class AnswerArguments:
    """The form of the answers, and where they go."""

    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New file for the answers."),
    ] = None
    json: Annotated[
        bool,
        typer.Option("--json", help="Print a JSON object a line: row, name, place, input, answer, scores."),
    ] = False


class Answers:
    """Answers as lines of text or JSON, numbered by the inputs, from 1 on.

    Standard output gets what `flush` is called after; a file is written when all is done, by `close`.
    """

    def __init__(self, arguments: AnswerArguments) -> None:
        from bptt.files import check_new

        self.as_json, self._path = arguments.json, arguments.output
        self._lines: list[str] = []
        self._row = 0
        if self._path is not None:
            # What cannot be written is missed before the work.
            check_new(self._path)

    @property
    def to_stdout(self) -> bool:
        """Whether the answers go to standard output."""
        return self._path is None

    def next_row(self) -> int:
        """The number of the next input."""
        self._row += 1
        return self._row

    def write(self, text: str) -> None:
        """A line, or several that end in a newline."""
        self._lines.append(text if text.endswith("\n") else text + "\n")

    def record(self, example: Example[Any, Any], answer: Mapping[str, Any]) -> None:
        """A JSON object: which input it was, and the answer."""
        about = {
            "row": self._row,
            "name": example.name or None,
            "place": example.place,
            "input": example.input if isinstance(example.input, str | tuple) else None,
        }
        from bptt.files import to_json

        self.write(printable_json(to_json({**about, **answer})))

    def flush(self) -> None:
        """Hand on what was written, unless it goes into a file."""
        if self._path is None:
            sys.stdout.write("".join(self._lines))
            sys.stdout.flush()
            self._lines.clear()

    def close(self) -> None:
        """Hand on all that was written."""
        from bptt.files import write_new

        self.flush()
        if self._path is not None:
            write_new(self._path, "".join(self._lines).encode("utf-8"))
            print(printable(f"answers: {self._path}"), file=sys.stderr)


def one_line(text: str) -> str:
    """A text in a line and a column of the output: tabs, line ends and control characters are escaped."""
    return printable(text.translate(_ESCAPES))
