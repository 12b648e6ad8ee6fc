"""The comparison of test_playground_engine.py over many random cells.

Run as `PYTHONPATH=tests python -m playground_grid 300`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from javascript import LIBRARY
from javascript_grid import is_finite
from playground_engine import OPENED, record
from test_codegen_javascript import check, draw
from test_explain_diagrams import random_cell
from test_playground_engine import DERIVED, answers, derived

from bptt.cells import Cell

# Cells of one run of node.
_AT_ONCE = 40


def main() -> None:
    """Compare as many random cells as the argument says, and print how many agree."""
    cells = [random_cell(seed) for seed in range(int(sys.argv[1]))]
    points = 0
    for first in range(0, len(cells), _AT_ONCE):
        some = cells[first : first + _AT_ONCE]
        for cell, found in zip(some, run(derivations(some)), strict=True):
            assert found == derived(cell), cell
        drawn = [point for k, cell in enumerate(some) if is_finite(point := draw(cell, seed=first + k))]
        points += len(drawn)
        for each, found in zip(drawn, run(answers(drawn)), strict=True):
            check(each, found)
    print(f"{len(cells)} cells: derivations are equal; {points} of them: gradients agree to 1e-12")  # noqa: T201


def derivations(cells: Sequence[Cell]) -> str:
    """Return the script that derives cells as the page does."""
    return f"{OPENED}return [{', '.join(map(record, cells))}].map(cellOf).map((cell) => {{ {DERIVED} }});"


def run(body: str) -> list[Any]:
    """Return the result of a body of a function, by node."""
    node = shutil.which("node")
    assert node is not None, "needs node"
    script = f"{LIBRARY}\nconsole.log(JSON.stringify((() => {{ {body} }})()));"
    done = subprocess.run([node, "-"], input=script, capture_output=True, text=True, check=True)
    found: list[Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
