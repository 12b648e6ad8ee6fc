"""Cells of strangers: equations whose parts are exchanged, as a configuration holds them.

Either they are refused, or the derived gradients are those of autograd; the text of a kernel is written too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import torch
from drawn import draw
from torch import Tensor
from user_cells import CELLS

from bptt.cells import CATALOGUE, Cell
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.derive import derivation, text
from bptt.runtime.backend import backend
from bptt.runtime.operators import recurrence, unrolled
from soak.damage import damage
from soak.target import Target

SEEDS = [cell.to_dict() for cell in (*CATALOGUE.values(), *CELLS.values())]
TOKEN = re.compile(r"\w+|[-+*/@()]+|\s+|.")
PIECES = (
    *(
        "x",
        "h",
        "h_prev",
        "W_h @ x",
        "R_h @ h_prev",
        "R_h @ b_h",
        "b_h",
        "u_h * h_prev",
        "0",
        "1",
        "2.5",
        "1e300",
    ),
    *(
        "tanh(",
        "sigmoid(",
        "mean(",
        "sum(",
        "log(",
        "sqrt(",
        "rsqrt(",
        "exp(",
        ")",
        "**2",
        "**-1",
        "**100",
        "-",
    ),
    *(
        " + ",
        " * ",
        " / ",
        " @ ",
        "(",
        "((x + 1)**9 + 1)**9",
        "-" * 90,
        "(" * 200,
        "\x1b[2J",
        "门",
        "x" * 120,
    ),
)
SIZES = {"I": 3, "H": 4, "P": 2, "D": 5, "G": 6, "V": 7}
# Where a value is near a pole, rounding is all that the two ways have in common.
LARGEST, RELATIVE = 1e4, 1e-6


def exchanged(line: str, others: list[str], random: Random) -> str:
    """An equation with one or two of its tokens dropped, wrapped or replaced by those of others."""
    tokens = TOKEN.findall(line)
    names = [token for token in TOKEN.findall(" ".join(others)) if token.isidentifier()]
    for _ in range(random.randint(1, 2)):
        at = random.randrange(len(tokens) + 1)
        read = [k for k, token in enumerate(tokens) if token.isidentifier() and k > 1]
        match random.randrange(8):
            case 0:
                tokens[at : at + 1] = []
            case 1:
                tokens[at:at] = [random.choice(PIECES)]
            case 2:
                tokens[at : at + 1] = [random.choice(PIECES)]
            case 3 | 4 | 5 if read and names:
                tokens[random.choice(read)] = random.choice(names)
            case _:
                part = "".join(tokens[4:]) or "x"
                wrapped = ("({} * {})", "({} + b_h * {})", "tanh({})", "(R_h @ ({}))", "({} / (1 + {}**2))")
                tokens[4:] = [random.choice(wrapped).replace("{}", part)]
    return "".join(tokens)


def stranger(random: Random) -> str:
    """The JSON of a cell of which something was changed."""
    cell: dict[str, Any] = json.loads(json.dumps(random.choice(SEEDS)))
    if random.random() < 0.1:
        return damage(json.dumps(cell).encode(), random).decode("utf-8", "replace")
    lines = cell["equations"]
    for _ in range(random.randint(1, 2)):
        at = random.randrange(len(lines))
        lines[at] = exchanged(lines[at], lines, random)
    if random.random() < 0.2:
        cell["widths"][random.choice(["x", "h", "a"])] = random.choice("IHPDGV1")
    if random.random() < 0.1:
        lines *= random.choice([2, 100, 600])
    return json.dumps(cell)


def gradients(cell: Cell, run: Any) -> list[Tensor]:
    """The outputs, and the gradients of every argument."""
    drawn = draw(cell, 3, 2, SIZES).leaves()
    x, *rest = drawn.tensors
    count = len(cell.states)
    outputs = run(cell, x, rest[:count], rest[count:])
    loss = sum((o.sin().sum() for o in outputs), torch.zeros(())) + sum(0 * t.sum() for t in drawn.tensors)
    return [*outputs, *torch.autograd.grad(loss, drawn.tensors)]


def derived_as_autograd(made: str, folder: Path) -> None:
    """Read the cell; derive, print and emit; compare the gradients where they are finite."""
    try:
        data = json.loads(made)
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict):
        return
    cell = Cell.from_dict(data)
    assert cell == Cell.from_dict(cell.to_dict())
    text(derivation(cell))
    source(plan(cell), "float32")
    with backend("reference"):
        found, wanted = gradients(cell, recurrence), gradients(cell, unrolled)
    if all(w.isfinite().all() and w.abs().max() < LARGEST for w in wanted if w.numel()):
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=RELATIVE, atol=RELATIVE)


TARGETS = (Target("cells", stranger, derived_as_autograd, cost=40),)
