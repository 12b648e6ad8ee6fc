"""No modules of the package import each other in a circle, also only for types or inside a function."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Circles of imports that are still to be opened, by the name of a module in each, with the reason.
CIRCLES: dict[str, str] = {}


def circles(sources: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The modules that import each other in a circle, also only for types, from their texts by name.

    What importing a module imports of the packages around it does not count.
    """
    reached: dict[str, set[str]] = {}
    direct = {name: _modules_of(source, sources) - {name} for name, source in sources.items()}
    for name in sources:
        found, waiting = set[str](), list(direct[name])
        while waiting:
            module = waiting.pop()
            if module not in found:
                found.add(module)
                waiting += direct[module]
        reached[name] = found
    groups = {
        tuple(sorted({name, *(other for other in reached[name] if name in reached[other])}))
        for name in sources
        if name in reached[name]
    }
    return sorted(groups)


def _modules_of(source: str, known: Collection[str]) -> set[str]:
    """The modules that a text imports, of those that are known: `from a import b` is a.b, or else a."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {f if f in known else f"{node.module}" for f in full.values()}
    return found & set(known)


def test_no_modules_import_each_other_in_a_circle() -> None:
    paths = sorted((ROOT / "bptt").rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    sources = {
        name.removesuffix(".__init__"): path.read_text(encoding="utf-8")
        for name, path in zip(names, paths, strict=True)
    }
    found = circles(sources)
    assert not [circle for circle in found if not CIRCLES.keys() & {*circle}], found
    assert CIRCLES.keys() <= {name for circle in found for name in circle}, (
        "a circle is open: take it off the list"
    )


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"p.a": "from p import b", "p.b": "import p.c", "p.c": ""}, []),
        ({"p.a": "from p import b", "p.b": "import p.a", "p.c": "import p.a"}, [("p.a", "p.b")]),
        ({"p.a": "from p.b import x", "p.b": "if TYPE_CHECKING:\n    from p.a import y"}, [("p.a", "p.b")]),
        (
            {"p.a": "import p.b", "p.b": "def f():\n    import p.c", "p.c": "import p.a"},
            [("p.a", "p.b", "p.c")],
        ),
        ({"p": "from p.a import x", "p.a": "from p import b", "p.b": ""}, []),
        ({"p": "from p.a import x", "p.a": "from p import y"}, [("p", "p.a")]),
    ],
)
def test_a_planted_circle_is_found(sources: dict[str, str], expected: list[tuple[str, ...]]) -> None:
    assert circles(sources) == expected
