"""The C++ of the catalogue's kernels, held to its hashes in `golden/kernels.json`.

python tests/kernel_texts.py                    # which texts have changed
python tests/kernel_texts.py diff [REVISION]    # how, line by line, since a revision of git (HEAD)
python tests/kernel_texts.py renew              # keep the hashes of the texts as they are now
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from bptt.cells import CATALOGUE
from bptt.codegen.cpp import ctc_loss, linear_loss, prefix_beam
from bptt.codegen.cpp.emit import REALS, source
from bptt.codegen.plan import plan

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden" / "kernels.json"
DTYPES = ("float32", "float64", "bfloat16", "int8")


def texts() -> dict[str, str]:
    """The text of every kernel, by its name."""
    cells = [source(plan(cell), dtype) for cell in CATALOGUE.values() for dtype in DTYPES]
    losses = [loss.source(dtype) for loss in (linear_loss, ctc_loss) for dtype in REALS]
    return {one.name: one.text for one in (*cells, *losses, prefix_beam.SOURCE)}


def hashes(found: Mapping[str, str]) -> dict[str, str]:
    return {name: sha256(text.encode()).hexdigest()[:16] for name, text in found.items()}


def changed() -> list[str]:
    """The names of the kernels whose text is not that of the hashes, or that have no hash."""
    now, then = hashes(texts()), json.loads(GOLDEN.read_text("utf-8"))
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def texts_of(revision: str) -> dict[str, str]:
    """The texts that a revision of git writes, by this program as it was there."""
    with TemporaryDirectory() as folder:
        tree = subprocess.run(
            ["git", "archive", revision, "bptt", "tests/kernel_texts.py"],
            cwd=TESTS.parent,
            stdout=subprocess.PIPE,
            check=True,
        )
        subprocess.run(["tar", "-x", "-C", folder], input=tree.stdout, check=True)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, f"{folder}/tests"])}
        command = [sys.executable, "-c", "import json, kernel_texts; print(json.dumps(kernel_texts.texts()))"]
        found = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, check=True)
    read: dict[str, str] = json.loads(found.stdout)
    return read


def difference(revision: str) -> Iterator[str]:
    before, now = texts_of(revision), texts()
    for name in sorted({*before, *now}):
        pair = [side.get(name, "").splitlines() for side in (before, now)]
        yield from difflib.unified_diff(*pair, f"{revision}/{name}", name, lineterm="")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: list[str]) -> int:
    match arguments:
        case []:
            names = changed()
            say("\n".join(names) or "no text has changed")
            return 1 if names else 0
        case ["diff", *revision] if len(revision) <= 1:
            say("\n".join(difference(*(revision or ["HEAD"]))))
        case ["renew"]:
            GOLDEN.write_text(json.dumps(hashes(texts()), indent=1) + "\n", "utf-8")
        case _:
            say(__doc__ or "")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
