"""Plain values as HTML in the output of a notebook, which brings its own style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bptt.errors import printable


def table_html(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: the first column names the row, all others are aligned to the right."""
    lines = (_row("td", row) for row in rows)
    return f"<table><thead>{_row('th', head)}</thead><tbody>{''.join(lines)}</tbody></table>"


def list_html(lines: Iterable[str]) -> str:
    """Return a list of sentences."""
    return f"<ul>{''.join(f'<li>{text_html(line)}</li>' for line in lines)}</ul>"


def text_html(text: str) -> str:
    """Escape a text, which may come from a file, for HTML; control characters become visible."""
    return escape(printable(text))


def _row(tag: str, cells: Sequence[str]) -> str:
    shown = (
        f'<{tag} style="text-align:{"right" if place else "left"}">{text_html(cell)}</{tag}>'
        for place, cell in enumerate(cells)
    )
    return f"<tr>{''.join(shown)}</tr>"
