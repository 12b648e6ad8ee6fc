"""The table of cells and operators in docs/export.md, read from the equations of the catalogue.

python tests/operator_table.py    # write it anew after a cell was added
"""

from __future__ import annotations

import re
from pathlib import Path

from bptt.cells import CATALOGUE
from bptt.graphs.standard_operators import StandardOperator, standard_operator

PAGE = Path(__file__).parent.parent / "docs" / "export.md"
HEAD = "| cell | operator | how |\n|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


def how(operator: StandardOperator | None) -> str:
    """What is particular about the operator of a cell."""
    if operator is None:
        return ""
    said = [", ".join(dict.fromkeys(operator.activations))]
    if operator.peepholes:
        said.append("peephole weights")
    if operator.linear_before_reset is not None:
        said.append(f"`linear_before_reset` {operator.linear_before_reset}")
    if any(term.coefficient == -1 for gate in operator.gates for term in gate):
        said.append("rows of a gate with the other sign")
    return "; ".join(said)


def table() -> str:
    """The lines of the table."""
    rows = []
    for name, cell in CATALOGUE.items():
        operator = standard_operator(cell)
        kind = operator.kind if operator else "Scan" if cell.states else "no loop"
        rows.append(f"| `{name}` | {kind} | {how(operator)} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(table(), text), encoding="utf-8")
