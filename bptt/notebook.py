"""Plain values as HTML in the output of a notebook, which brings its own style."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, TypeVar

from bptt.errors import counted, printable

# Rows of a table: a notebook keeps all that it shows.
MOST = 100
# Characters of an input that names a row.
_WIDEST = 60


class ShownRow(ABC):
    """An answer that a notebook shows as a table of one row."""

    @abstractmethod
    def as_row(self) -> Mapping[str, str]:
        """Return the cells of the answer by their columns."""

    def _repr_html_(self) -> str:
        """Return the answer for a notebook."""
        return rows_html([self.as_row()])


class ShownMetrics:
    """The result of an evaluation, whose metrics a notebook shows as a table."""

    metrics: Mapping[str, float]

    def _repr_html_(self) -> str:
        """Return the metrics for a notebook."""
        return metrics_html(self.metrics)


Shown = TypeVar("Shown", bound=ShownRow)
Shown_co = TypeVar("Shown_co", bound=ShownRow, covariant=True)


class Answers(list[Shown]):
    """Answers to inputs, which a notebook shows as a table with a row for each.

    `inputs` names the rows if they are texts.
    """

    def __init__(self, answers: Iterable[Shown], inputs: Sequence[Any] = ()) -> None:
        super().__init__(answers)
        self._texts = [each for each in inputs if isinstance(each, str)]

    def _repr_html_(self) -> str:
        """Return the answers for a notebook; a single one as it shows itself."""
        if len(self) == 1:
            return self[0]._repr_html_()
        rows = [each.as_row() for each in self]
        if len(self._texts) == len(self):
            return rows_html(rows, self._texts, "input")
        return rows_html(rows, [str(number) for number in range(1, len(self) + 1)])


class PartAnswers(tuple[Shown_co, ...]):
    """Answers to the parts of one input, which a notebook shows as a table with a row for each."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """Return the answers for a notebook."""
        return rows_html([each.as_row() for each in self])


def rows_html(rows: Sequence[Mapping[str, str]], names: Sequence[str] = (), head: str = "") -> str:
    """Return a table of rows by their columns, the first MOST of them.

    `names` are the cells of a column before them, below `head`; () leaves it out.
    """
    shown = rows[:MOST]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    lines = [[row.get(column, "") for column in columns] for row in shown]
    if names:
        columns = [head, *columns]
        lines = [[shortened(name), *line] for name, line in zip(names, lines, strict=False)]
    more = f"<p>and {counted(len(rows) - MOST, 'rows')} more</p>" if len(rows) > MOST else ""
    return table_html(columns, lines) + more


def table_html(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: the first column names the row, all others are aligned to the right."""
    lines = (_row("td", row) for row in rows)
    return f"<table><thead>{_row('th', head)}</thead><tbody>{''.join(lines)}</tbody></table>"


def shares_html(head: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return a table of shares between 0 and 1: a row for each name, each cell as dark as it is large."""
    lines = (f"<tr>{_cell('td', name, 0)}{''.join(map(_share, values))}</tr>" for name, values in rows)
    return f"<table><thead>{_row('th', ('', *head))}</thead><tbody>{''.join(lines)}</tbody></table>"


def metrics_html(metrics: Mapping[str, float]) -> str:
    """Return a table of metrics, a column for each."""
    return rows_html([{name: f"{value:.6g}" for name, value in metrics.items()}])


def list_html(lines: Iterable[str]) -> str:
    """Return a list of sentences."""
    return f"<ul>{''.join(f'<li>{text_html(line)}</li>' for line in lines)}</ul>"


def block_html(text: str) -> str:
    """Return lines of text in columns of one width, as equations are."""
    return f"<pre>{'<br/>'.join(map(text_html, text.splitlines()))}</pre>"


def text_html(text: str) -> str:
    """Escape a text, which may come from a file, for HTML; control characters become visible."""
    return escape(printable(text))


def shortened(text: str) -> str:
    """Return the beginning of a text that names a row."""
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(_cell(tag, cell, place) for place, cell in enumerate(cells))}</tr>"


def _cell(tag: str, text: str, place: int) -> str:
    return f'<{tag} style="text-align:{"right" if place else "left"}">{text_html(text)}</{tag}>'


def _share(value: float) -> str:
    # Half transparent at most, so that the number is legible in a light and in a dark notebook.
    style = f"text-align:right;background:rgba(31,119,180,{value / 2:.2f})"
    return f'<td style="{style}">{value:.2f}</td>'
