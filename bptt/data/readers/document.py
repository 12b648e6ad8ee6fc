"""A text with its name: of a file, of standard input, of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bptt.deferred import deferred

_read_text = deferred("bptt.data.text", "read_text")


@dataclass(frozen=True)
class Document:
    r"""`text` has `` `` as line ends. `name` is its name in errors. A `typed` text is no file: each line is
    an input, whatever it looks like. `first` is the number of the first line. `cut`: what follows the
    text in the file is not in it, so that its last row may lack an end.
    """

    name: str
    text: str
    typed: bool = False
    first: int = 1
    cut: bool = False

    @property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        # Not str.splitlines, which would also cut at characters that texts hold within a line.
        return self.text.removesuffix("\n").split("\n")

    def numbered(self) -> Iterator[tuple[str, str]]:
        """Yield each line with its place, as ("train.tsv:1", "...")."""
        return ((f"{self.name}:{n}", line) for n, line in enumerate(self.lines, self.first))


def read_document(path: Path) -> Document:
    """Read a file's text, by the rules of `read_text`, which it raises for."""
    return Document(str(path), _read_text(path))
