"""The text of the program beside a model: its modules as one file, which imports nothing of this package."""

from __future__ import annotations

import re
from pathlib import Path

FILE = "run.py"
_HERE = Path(__file__).parent
_OURS = re.compile(r"^from bptt\.[^\n]*\n", re.MULTILINE)
_FUTURE = "from __future__ import annotations\n"


def program() -> bytes:
    """Return the file."""
    run, text = (_HERE / f"{name}.py" for name in ("exported_run", "exported_text"))
    head, _, body = run.read_text(encoding="utf-8").partition(_FUTURE)
    imports, first, rest = _OURS.sub("", body).partition("\nArray = Any\n")
    _, _, reading = text.read_text(encoding="utf-8").partition(_FUTURE)
    return f"{head}{_FUTURE}{reading}{imports}{first}{rest}".encode()
