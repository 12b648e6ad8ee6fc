"""The diagrams of the catalogue and of a user's cell with ten equations, held to texts in `golden/diagrams`.

python tests/diagram_texts.py                    # which diagrams have changed
python tests/diagram_texts.py renew              # keep them as they are now
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from bptt.cells import CATALOGUE, Cell
from bptt.explain.diagrams.boxes import text_drawing
from bptt.explain.diagrams.grid_layout import layout
from bptt.explain.drawn import diagrams

GOLDEN = Path(__file__).parent / "golden" / "diagrams"
TEN = Cell.define(
    "ten-equations",
    """
    i = sigmoid(W_i @ x + R_i @ h_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ h_prev + p_f * c_prev + b_f)
    a = W_a @ x + R_a @ (f * h_prev)
    m = mean(a)
    e = a - m
    s = rsqrt(mean(e**2) + epsilon)
    n = tanh(gain_n * s * e + b_n)
    c = f * c_prev + i * n
    o = sigmoid(W_o @ x + R_o @ h_prev + p_o * c)
    h = o * tanh(c) + (1 - o) * h_prev
    """,
    states="h c",
    constants={"epsilon": 1e-5},
)
CELLS = {**CATALOGUE, TEN.name: TEN}
# The diagrams of the architectures hold the name of the cell only: one cell shows them.
ARCHITECTURES_OF = "lstm"


def text_of(cell: Cell) -> str:
    """The diagrams of a cell, one below the other."""
    found = diagrams(cell)
    own = {name: each for name, each in found.items() if name.startswith(f"{cell.name}-")}
    shown = found if cell.name == ARCHITECTURES_OF else own
    return "\n".join(
        "\n".join((name, "", *text_drawing(layout(diagram)), "")) for name, diagram in shown.items()
    )


def texts() -> Mapping[str, str]:
    """The text of each cell, by its name."""
    return {name: text_of(cell) for name, cell in CELLS.items()}


def changed() -> list[str]:
    """The names of the cells whose diagrams are not those that are kept, or that have none."""
    return [name for name, text in texts().items() if kept(name) != text]


def kept(name: str) -> str:
    """The text that is kept for a cell, empty if there is none."""
    path = GOLDEN / f"{name}.txt"
    return path.read_text("utf-8") if path.exists() else ""


if __name__ == "__main__":
    if sys.argv[1:] == ["renew"]:
        GOLDEN.mkdir(exist_ok=True)
        for name, text in texts().items():
            (GOLDEN / f"{name}.txt").write_text(text, "utf-8")
    sys.stdout.write("\n".join(changed() or ["no diagram has changed"]) + "\n")
