"""Plain lines, each an input without a label."""

from __future__ import annotations

from bptt.data.examples import Example, Examples, gather
from bptt.data.readers.document import Document


def read_lines(document: Document) -> Examples[str, str]:
    """Read every line, also an empty one, as an input without a label: one answer a line."""
    rows: list[Example[str, str]] = [Example(line, None, place) for place, line in document.numbered()]
    return gather(document.name, rows)
