"""Kinds of files of which each is one example, such as sounds or clips, known by the ending of their name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Rows that show whether a column holds names of files.
_SHOWN = 50


@dataclass(frozen=True)
class Media:
    """Files of a kind: `endings` in small letters, and `make`, which returns the input of a file.

    The label behind the path of a file is one word, or a text if they are `said`.
    """

    kind: str
    endings: frozenset[str]
    make: Callable[[Path], Any]
    said: bool = False

    def owns(self, name: str) -> bool:
        """Return whether a name is that of a file of this kind."""
        dot = name.rstrip().rfind(".")
        return dot >= 0 and name.rstrip()[dot:].lower() in self.endings

    def column(self, rows: Sequence[Sequence[str]]) -> int | None:
        """Return the first column of rows whose cells all name files of this kind, the first row aside, which
        may be a header.
        """
        below = rows[1:_SHOWN] if len(rows) > 1 else rows
        width = min(map(len, below), default=0)
        return next((i for i in range(width) if all(self.owns(row[i]) for row in below)), None)

    def cut(self, line: str) -> tuple[str, ...] | None:
        """Return the path of a file and its label, with a space between them, or the path alone; None if a
        line is neither.
        """
        line = line.strip()
        if "," in line or "\t" in line:
            return None
        if self.owns(line):
            return (line,)
        spaces = [place for place, letter in enumerate(line) if letter == " "]
        # The path ends with the first ending of such a file; it may hold spaces.
        for place in spaces if self.said else spaces[-1:]:
            if self.owns(line[:place]):
                return line[:place].strip(), line[place:].strip()
        return None

    def cuts(self, lines: Sequence[str]) -> bool:
        """Return whether the first lines are paths of files, alone or all with a label behind a space."""
        found = [self.cut(line) for line in lines if line.strip()][:_SHOWN]
        return bool(found) and None not in found and len({len(each or ()) for each in found}) == 1
