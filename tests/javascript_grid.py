"""The comparison of test_codegen_javascript.py over many random cells, each as it is and adjusted.

Run as `PYTHONPATH=tests python -m javascript_grid 300`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from javascript import LIBRARY
from test_codegen_javascript import BODY, SIZES, STEPS, Drawn, check, draw
from test_explain_diagrams import random_cell
from user_cells import CELLS as ODD

from bptt.cells import CATALOGUE
from bptt.cells.adjusted import adjusted
from bptt.runtime.reference.forward import forward

# Cells of one run of node.
_AT_ONCE = 40
# Beyond it differences cancel.
_LARGEST = 1e3


def main() -> None:
    """Compare the catalogue, the odd cells and so many random ones, and say how many agree."""
    count, node = int(sys.argv[1]), shutil.which("node")
    assert node is not None, "needs node"
    plain = [*CATALOGUE.values(), *ODD.values(), *map(random_cell, range(count))]
    cells = [each for cell in plain for each in (cell, adjusted(cell))]
    sizes = json.dumps({**SIZES, "B": 1, "T": STEPS})
    points = [point for number, cell in enumerate(cells) if is_finite(point := draw(cell, seed=number))]
    for first in range(0, len(points), _AT_ONCE):
        drawn = points[first : first + _AT_ONCE]
        body = BODY % (sizes, STEPS, ",\n".join(each.entry() for each in drawn))
        script = f"{LIBRARY}\nconsole.log(JSON.stringify((() => {{ {body} }})()));"
        done = subprocess.run([node, "-"], input=script, capture_output=True, text=True, check=True)
        for each, found in zip(drawn, json.loads(done.stdout), strict=True):
            check(each, found)
    agreed = f"{len(points)} cells: values, gradients and norms agree to 1e-12"
    print(f"{agreed}; {len(cells) - len(points)} left out, which grow beyond {_LARGEST:.0e}")  # noqa: T201


def is_finite(drawn: Drawn) -> bool:
    """Return whether no value of a cell that multiplies its states grows without bound."""
    names = [*drawn.cell.states, drawn.cell.output]
    return all(float(v.abs().max()) < _LARGEST for v in forward(drawn.problem, names).values())


if __name__ == "__main__":
    main()
