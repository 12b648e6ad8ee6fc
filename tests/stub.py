"""The stubs of packages that import their names on first use, made from their lists of public names.

python tests/stub.py         # write them anew after a list has changed
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

PACKAGES = ("bptt", "bptt.cells", "bptt.nn")
HEAD = '"""The public names for type checkers and editors; written by `tests/stub.py`."""\n\n'


def stub(package: str) -> str:
    """Write one import for each public name, sorted as ruff sorts them."""
    public = import_module(package).PUBLIC
    homes = [(module, name) for module, names in public.items() for name in names.split()]
    more = [("bptt.version", "__version__")] if package == "bptt" else []
    pairs = sorted([*homes, *more], key=lambda pair: (pair[0], _rank(pair[1])))
    return HEAD + "".join(f"from {module} import {name} as {name}\n" for module, name in pairs)


def path_of(package: str) -> Path:
    """Return the path of the stub of a package."""
    return Path(str(import_module(package).__file__)).with_suffix(".pyi")


def _rank(name: str) -> tuple[int, str]:
    """Rank constants before classes, and these before functions."""
    is_constant = name.isupper() and len(name) > 1
    return 0 if is_constant else 2 if name[0].islower() else 1, name.lower()


if __name__ == "__main__":
    for each in PACKAGES:
        path_of(each).write_text(stub(each), "utf-8")
