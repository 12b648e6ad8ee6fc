"""Tables: aligned and in colour on a terminal, separated by tabs elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bptt.cli.answers import one_line
from bptt.cli.language import language
from bptt.languages.available import Language
from bptt.languages.phrase import table_of, translated_phrases

_GAP = "  "
# Blue for low, orange for high, as in pictures and pages; RGB. Black is read on both ends.
_LOW, _HIGH = (86, 180, 233), (230, 130, 60)


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: its name, and the cells.

    `short` are the cells as a terminal shows them, if it shows them otherwise; `styles` are theirs, by the
    names of rich. Numbers are aligned on the right.
    """

    name: str
    cells: Sequence[str]
    short: Sequence[str] | None = None
    styles: Sequence[str] | None = None
    number: bool = False


def numbers(name: str, values: Sequence[float | None], styles: Sequence[str] | None = None) -> TableColumn:
    """Return a column of numbers with six digits, on a terminal three decimals; None leaves a cell empty."""
    cells = ["" if value is None else f"{value:.6g}" for value in values]
    short = ["" if value is None else f"{value:.3f}" for value in values]
    return TableColumn(name, cells, short, styles, number=True)


def shades(values: Sequence[float], gate: bool) -> list[str]:
    """Return the styles of numbers: blue for low and orange for high, about 0.5 for a gate, else about 0."""
    middle, reach = (0.5, 0.5) if gate else (0.0, max(map(abs, values), default=0) or 1.0)
    found = []
    for value in values:
        share = max(-1.0, min(1.0, (value - middle) / reach))
        end = _HIGH if share > 0 else _LOW
        red, green, blue = (round(255 + (colour - 255) * abs(share)) for colour in end)
        found.append(f"black on rgb({red},{green},{blue})")
    return found


def token_name(token: str) -> str:
    """Return a token for a cell: without the space before a word, a token of spaces with signs for them."""
    return one_line(token.removeprefix(" ") if token.strip() else token.replace(" ", "␣"))


def print_table(table: Sequence[TableColumn], pairs: int = 0, asked: Language | None = None) -> None:
    """Print a table with a line of names.

    The last columns are `pairs`; a terminal that is too narrow for all of them shows fewer. Names that are
    phrases are in the language that was asked for; that of the environment is for a terminal alone, so that
    a program finds the same names everywhere.
    """
    on_terminal = sys.stdout.isatty()
    spoken = language(asked) if on_terminal else asked or Language.EN
    table = translated_phrases(tuple(table), table_of(spoken))
    if on_terminal:
        _print_aligned(table, pairs)
        return
    print("\t".join(column.name for column in table))
    for row in zip(*(column.cells for column in table), strict=True):
        print("\t".join(row))


def _print_aligned(table: Sequence[TableColumn], pairs: int) -> None:
    from rich.console import Console
    from rich.text import Text

    from bptt.explain.plain import columns

    console = Console()
    cells = [[column.name, *(column.cells if column.short is None else column.short)] for column in table]
    widths = [max(map(columns, each)) for each in cells]
    shown = len(table)
    while pairs and sum(widths[:shown]) + len(_GAP) * (shown - 1) > console.width:
        shown, pairs = shown - 2, pairs - 1
    for row in range(len(cells[0])):
        line = Text()
        for column, each, width in zip(table[:shown], cells[:shown], widths[:shown], strict=True):
            room = " " * (width - columns(each[row]))
            style = "bold" if row == 0 else "" if column.styles is None else column.styles[row - 1]
            line.append(room if column.number else "")
            line.append(each[row], style)
            line.append(("" if column.number else room) + _GAP)
        line.rstrip()
        console.print(line, soft_wrap=True)
