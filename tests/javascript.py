"""Scripts of JavaScript, run by node, or where there is none by Chromium."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bptt import codegen

FILES = Path(codegen.__file__).parent / "javascript"
LIBRARY = "".join((FILES / f"{name}.js").read_text() for name in ("functions", "sums", "stack"))
Evaluate = Callable[[str], Any]


@pytest.fixture(scope="module")
def evaluate(request: pytest.FixtureRequest) -> Evaluate:
    """Return what a body of a function returns, as JSON keeps it; it sees the files that cells are run by."""
    node = shutil.which("node")

    def run(body: str) -> Any:
        text = f'"use strict";\n{LIBRARY}\nconst answer = (() => {{\n{body}\n}})();\n'
        if node is None:
            page = request.getfixturevalue("chromium").new_page()
            return json.loads(page.evaluate(f"(() => {{ {text} return JSON.stringify(answer); }})()"))
        done = subprocess.run(
            [node, "-"], input=f"{text}console.log(JSON.stringify(answer));", capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run
