"""The notebooks of examples/: their code cells run in one namespace, and what they show.

`.venv/bin/python tests/notebooks.py renew` runs them and stores what they show.
"""

from __future__ import annotations

import ast
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, and import from it, as a kernel does in that of its notebook."""
    before = os.getcwd()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.chdir(before)


def execute(path: Path) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """Run the code cells of a notebook; return its names, and the outputs of each cell."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with inside(path.parent):
        return names, [run(source, names) for source in sources(path)]


def sources(path: Path) -> list[str]:
    """The texts of the code cells."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run(source: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one cell: what it prints, then the value of its last expression, if it is not None."""
    tree, printed, value = ast.parse(source), io.StringIO(), None
    with redirect_stdout(printed):
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        lines = printed.getvalue().splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines})
    if value is not None:
        html = getattr(value, "_repr_html_", None)
        # The text of an object that shows itself as HTML would be longer than all else.
        data = {"text/plain": [type(value).__name__ if html else repr(value)]}
        data |= {"text/html": [html()]} if html else {}
        outputs.append({"data": data, "metadata": {}, "output_type": "display_data"})
    return outputs


def renew(path: Path) -> None:
    """Store what a notebook shows, in the format of Jupyter, version 4.5."""
    book = json.loads(path.read_text(encoding="utf-8"))
    _, outputs = execute(path)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for number, (cell, found) in enumerate(zip(code, outputs, strict=True), 1):
        cell["execution_count"], cell["outputs"] = number, found
    path.write_text(json.dumps(book, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in NOTEBOOKS if sys.argv[1:] == ["renew"] else ():
        renew(each)
