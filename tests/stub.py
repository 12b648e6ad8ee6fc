"""The stub of the package, `bptt/__init__.pyi`, made from its list of public names.

python tests/stub.py         # write it anew after the list has changed
"""

from __future__ import annotations

from pathlib import Path

import bptt

PATH = Path(bptt.__file__).with_suffix(".pyi")
HEAD = '"""The public names for type checkers and editors; written by `tests/stub.py`."""\n\n'


def stub() -> str:
    """One import for each public name, sorted as ruff sorts them."""
    homes = [(module, name) for module, names in bptt.PUBLIC.items() for name in names.split()]
    pairs = sorted([*homes, ("bptt.version", "__version__")], key=lambda pair: (pair[0], _rank(pair[1])))
    return HEAD + "".join(f"from {module} import {name} as {name}\n" for module, name in pairs)


def _rank(name: str) -> tuple[bool, str]:
    """Classes before functions."""
    return name[0].islower(), name


if __name__ == "__main__":
    PATH.write_text(stub(), "utf-8")
