"""The scripts of the playground that read, derive and emit cells, run by node or Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from javascript import Evaluate

from bptt.cells import Cell
from bptt.playground.playground_page import engine_text

# A cell of the page from what `Cell.to_dict` writes, and the object that its JavaScript makes. The engine is
# a scope of its own: it has the functions of cells, too.
OPENED = f"""
const engine = (() => {{
{engine_text()}
  return {{ Cell, CellError, Notation, adjointOf, emitted, mathOf, mathText, normalForm, toText }};
}})();
const cellOf = (record) => new engine.Cell({{ ...record, equations: record.equations.join("\\n") }});
const opened = (record) => eval(`(${{engine.emitted(cellOf(record))}})`);
"""


def record(cell: Cell) -> str:
    """Return a cell as JavaScript has it."""
    return json.dumps(cell.to_dict(), ensure_ascii=False)


def each(evaluate: Evaluate, cells: Iterable[Cell], body: str) -> list[Any]:
    """Return what the body of a function of `cell` returns for each cell."""
    records = ", ".join(map(record, cells))
    found: list[Any] = evaluate(f"{OPENED}return [{records}].map(cellOf).map((cell) => {{ {body} }});")
    return found
