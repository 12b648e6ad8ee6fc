"""The text of the program beside a model: its modules as one file, which imports nothing of this package."""

from __future__ import annotations

import ast
from pathlib import Path

FILE = "run.py"
_MODULES = ("exported_text", "exported_model", "exported_answers", "exported_run")


def program() -> bytes:
    """Return the file: the docstring of the last module, all imports once, then the modules in order."""
    here, heads, bodies, about = Path(__file__).parent, dict[str, None](), list[str](), ""
    for name in _MODULES:
        text = (here / f"{name}.py").read_text(encoding="utf-8")
        lines, body = text.splitlines(), ast.parse(text).body
        about = "\n".join(lines[: body[0].end_lineno])
        imports = [each for each in body if isinstance(each, ast.Import | ast.ImportFrom)]
        for each in imports[1:]:
            if not (isinstance(each, ast.ImportFrom) and str(each.module).startswith("bptt.")):
                heads["\n".join(lines[each.lineno - 1 : each.end_lineno])] = None
        bodies.append("\n".join(lines[imports[-1].end_lineno :]).strip("\n"))
    future = "from __future__ import annotations"
    return "\n\n".join([about, future, "\n".join(sorted(heads)), *bodies]).encode() + b"\n"
