"""The plan of the house, checked on the syntax trees: who imports whom, where, and how long a file is.

An import inside a function counts as an import of its room. The table is that of the design, with
three decisions: the expression tree is our own, so SymPy is met only in `derive/exact.py`; runtime
and nn name the types of the rooms below them; the file of a user's own cell is read by `cells/load.py`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST_FILE = 300
EVERYBODY = frozenset({"errors", "shapes", "options", "deferred", "languages", "timeline", "notebook"})
# Files, processes, the network, the clock, chance: not the business of a pure function of its input.
OUTSIDE_WORLD = frozenset(
    "io os pathlib shutil tempfile runpy subprocess socket urllib http time datetime random".split()
)
UNSAFE = frozenset({"pickle", "shelve", "marshal", "dill", "joblib"})


@dataclass(frozen=True)
class Room:
    """What a room may import: rooms, packages that are installed; and what of Python's own it may not."""

    rooms: frozenset[str]
    packages: frozenset[str]
    banned: frozenset[str] = frozenset()


def room(rooms: str = "", packages: str = "", banned: frozenset[str] = frozenset()) -> Room:
    return Room(frozenset(rooms.split()) | EVERYBODY, frozenset(packages.split()), banned)


ROOMS = {
    "errors": Room(frozenset(), frozenset(), OUTSIDE_WORLD),
    "shapes": Room(frozenset({"errors"}), frozenset(), OUTSIDE_WORLD),
    "options": Room(frozenset({"errors"}), frozenset()),
    "languages": Room(frozenset(), frozenset(), OUTSIDE_WORLD),
    "plugins": Room(frozenset({"errors"}), frozenset(), OUTSIDE_WORLD),
    "deferred": Room(frozenset(), frozenset(), OUTSIDE_WORLD),
    "timeline": Room(frozenset(), frozenset({"numpy"}), OUTSIDE_WORLD),
    "notebook": Room(frozenset({"errors"}), frozenset(), OUTSIDE_WORLD),
    "version": Room(frozenset(), frozenset(), OUTSIDE_WORLD),
    "files": Room(frozenset({"errors"}), frozenset()),
    "cells": room("plugins", "", OUTSIDE_WORLD),
    "derive": room("cells", "mpmath", OUTSIDE_WORLD),
    "codegen": room("derive cells", "", OUTSIDE_WORLD),
    "runtime": room("codegen derive cells plugins files", "torch"),
    "nn": room("runtime cells", "torch", OUTSIDE_WORLD),
    "data": room("files plugins", "torch numpy tokenizers"),
    "explain": room("codegen derive cells", "", OUTSIDE_WORLD),
    "runs": room("data cells files version", "torch safetensors"),
    "models": room("plugins runs nn data cells", "torch"),
    "graphs": room("models nn data cells version", "torch numpy"),
    "jobs": room("graphs models runs nn data cells files report plugins", "torch"),
    "training": room("jobs runs probe nn data files", "torch safetensors rich"),
    "comparison": room("training jobs models runs report nn data cells files version", "torch"),
    "tuning": room("comparison training jobs runs report data files version", "torch rich"),
    "estimators": room("cells data jobs models runs training", "torch numpy"),
    "probe": room("nn runtime derive cells", "torch mpmath", OUTSIDE_WORLD - {"random"}),
    "report": room("files", "matplotlib numpy"),
    "exporting": room(
        "live report jobs graphs models runs nn data cells files version", "torch numpy safetensors"
    ),
    "serve": room(
        "live probe report jobs models runs runtime nn data cells files version", "torch starlette uvicorn"
    ),
    "bench": room("cells codegen runtime nn data runs models jobs training report files version", "torch"),
    "doctor": room("bench probe codegen runtime cells files version", "torch"),
    "cli": room(
        "cli cells derive codegen runtime nn data explain runs models jobs training comparison tuning probe "
        "report bench doctor inspection explanation exporting playground serve files version",
        "typer rich torch",
    ),
    # What probe measures and report shows meet in one file.
    "inspection": room("nn probe report files", "torch numpy"),
    # A trained run, a probe and the derivation on paper meet.
    "explanation": room("explain derive cells nn probe models jobs runs data", "torch"),
    # The engine of a live page comes from cells, its look from reports.
    "live": room("jobs models nn report codegen derive cells data files", "torch numpy"),
    # A page that trains cells itself: the language comes from cells, the look from reports.
    "playground": room("cells codegen explain report files"),
    "__init__": room(
        "cells derive explain explanation runtime nn jobs estimators probe inspection comparison version "
        "runs training tuning exporting"
    ),
    "__main__": room("cli"),
}
# Names that are loaded when first used; those of `derive` are aliases of what version 0.1.0 had there, and
# `plugins` reads what is installed only when a name is asked for that this package does not have.
LAZY = {
    "__init__.py",
    "derive/__init__.py",
    "plugins.py",
    "deferred.py",
    "cli/lazy.py",
    "jobs/registry.py",
}
# One door for a dependency, or for the outside world.
DOORS = {
    "options/recipe.py": {"tomli"},
    "estimators/sklearn.py": {"sklearn"},
    "derive/exact.py": {"sympy"},
    "cells/load.py": {"pathlib", "runpy"},
    # The types of options that name files, which `cli` opens.
    "explain/options.py": {"pathlib"},
    "explain/numbers/options.py": {"pathlib"},
    # A generator made from a seed: the same numbers each time.
    "explain/numbers/draw.py": {"random"},
    "bench/peers/jax_scan.py": {"jax"},
    "graphs/onnx_graph.py": {"onnx"},
    "graphs/runtime_check.py": {"onnxruntime"},
    "graphs/eight_bits.py": {"onnxruntime"},
    # Parts of a program that runs without this package.
    "exporting/beside/exported_model.py": {"onnxruntime"},
    "exporting/beside/exported_text.py": {"jieba"},
    "bench/peers/onnx_runtime.py": {"onnx", "onnxruntime"},
    "bench/peers/torchrecurrent_layers.py": {"torchrecurrent"},
    "data/audio/libsndfile.py": {"soundfile"},
    "data/audio/microphone.py": {"sounddevice"},
    "data/readers/parquet.py": {"pyarrow"},
    "data/readers/matlab.py": {"scipy"},
    # An unpickler that makes arrays and plain containers alone.
    "data/skeletons/plain_pickle.py": {"pickle"},
    "data/jieba_words.py": {"jieba"},
    "data/zstandard_files.py": {"zstandard"},
    "data/clips/video_file.py": {"av"},
    "data/clips/still_pictures.py": {"PIL"},
    "jobs/translate/metrics.py": {"sacrebleu"},
    "jobs/tag/seqeval.py": {"seqeval"},
}


def violations(path: str, source: str) -> list[str]:
    """Every broken rule of `bptt/ROOM/FILE.py` as `path:line: rule`, in the order of the lines."""
    inside = Path(path).relative_to("bptt")
    name = inside.parts[0].removesuffix(".py")
    if name not in ROOMS:
        return [f"{path}:1: {name} is no room of the plan"]
    found = [
        *_imports(name, inside.as_posix(), ast.parse(source)),
        *_calls(name, inside.as_posix(), ast.parse(source)),
    ]
    lines = len(source.splitlines())
    if lines > LONGEST_FILE:
        found.append((lines, f"{lines} lines, at most {LONGEST_FILE}"))
    return [f"{path}:{line}: {rule}" for line, rule in sorted(found)]


def _imports(name: str, file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    top = set(_top_level(tree.body))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="deferred"), args=[ast.Constant(value=str(module)), _]):
                if not _allowed(name, file, module):
                    yield node.lineno, f"{name} may not import {_short(module)}"
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if node not in top and name != "cli":
            yield node.lineno, "imports stand at the top of the file"
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "imports are absolute"
        elif any(alias.name == "*" for alias in node.names):
            yield node.lineno, "imports are not starred"
        else:
            for module in _modules(node):
                if not _allowed(name, file, module):
                    yield node.lineno, f"{name} may not import {_short(module)}"


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, also under `if TYPE_CHECKING:`, `try:` and `with`."""
    for statement in body:
        yield statement
        for block in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.ExceptHandler | ast.With):
                yield from _top_level(getattr(statement, block, []))


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Full names of modules; `from bptt import nn` is bptt.nn."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module == "bptt":
        return [f"bptt.{alias.name}" for alias in node.names]
    return [node.module or ""]


def _allowed(name: str, file: str, module: str) -> bool:
    here, (package, *rest) = ROOMS[name], module.split(".")
    if package in DOORS.get(file, ()):
        return True
    if package == "bptt":
        return (rest[0] in here.rooms | {name}) if rest else name == "cli"
    if package in sys.stdlib_module_names:
        return package not in here.banned | UNSAFE
    return package in here.packages


def _short(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "bptt" and len(parts) > 1 else parts[0]


def _calls(name: str, file: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What goes round the imports, prints outside the command line, or reads and writes pickles."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="__import__" | "import_module" as hidden) if file not in LAZY:
                yield node.lineno, f"{hidden} hides an import"
            case ast.Call(func=ast.Name(id="print")) if name != "cli":
                yield node.lineno, f"{name} does not print"
            case ast.Attribute(value=ast.Name(id="torch"), attr="load" | "save" as function):
                yield node.lineno, f"torch.{function} pickles"


def test_house_keeps_its_plan() -> None:
    found = [
        line
        for path in sorted((ROOT / "bptt").rglob("*.py"))
        for line in violations(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "line"),
    [
        ("bptt/nn/layer.py", "from bptt.codegen import plan", "1: nn may not import codegen"),
        ("bptt/nn/layer.py", "import torch\nimport sympy", "2: nn may not import sympy"),
        ("bptt/nn/layer.py", "from bptt import data", "1: nn may not import data"),
        ("bptt/cells/cell.py", "import torch.nn", "1: cells may not import torch"),
        ("bptt/cells/cell.py", "from pathlib import Path", "1: cells may not import pathlib"),
        ("bptt/derive/adjoint.py", "import sympy", "1: derive may not import sympy"),
        ("bptt/derive/exact.py", "import torch", "1: derive may not import torch"),
        ("bptt/codegen/plan.py", "import subprocess", "1: codegen may not import subprocess"),
        ("bptt/codegen/plan.py", "import time", "1: codegen may not import time"),
        ("bptt/runtime/operators.py", "import sympy", "1: runtime may not import sympy"),
        ("bptt/data/text.py", "from bptt.nn import LSTM", "1: data may not import nn"),
        ("bptt/jobs/task.py", "import bptt.training.loop", "1: jobs may not import training"),
        ("bptt/jobs/task.py", "print(1)", "1: jobs does not print"),
        ("bptt/training/loop.py", "from bptt.report import page", "1: training may not import report"),
        ("bptt/training/loop.py", "import pickle", "1: training may not import pickle"),
        ("bptt/training/loop.py", "import torch\ntorch.save(1, 'x')", "2: torch.save pickles"),
        (
            "bptt/probe/gradient_by_lag.py",
            "from bptt.training import loop",
            "1: probe may not import training",
        ),
        ("bptt/report/training_figure.py", "import torch", "1: report may not import torch"),
        ("bptt/nn/layer.py", "def f():\n    import math", "2: imports stand at the top of the file"),
        ("bptt/nn/layer.py", "from .stack import Stack", "1: imports are absolute"),
        ("bptt/nn/layer.py", "from torch import *", "1: imports are not starred"),
        ("bptt/nn/layer.py", "import bptt", "1: nn may not import bptt"),
        ("bptt/nn/layer.py", "x = __import__('sympy')", "1: __import__ hides an import"),
        ("bptt/nn/layer.py", "\n" * 301, "301: 301 lines, at most 300"),
        ("bptt/data/forms/dna.py", "x = deferred('bptt.nn.layer', 'LSTM')", "1: data may not import nn"),
        ("bptt/kitchen/stove.py", "", "1: kitchen is no room of the plan"),
    ],
)
def test_a_planted_violation_is_named(path: str, source: str, line: str) -> None:
    assert violations(path, source) == [f"{path}:{line}"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("bptt/derive/exact.py", "import sympy"),
        ("bptt/nn/layer.py", "import math\nimport torch\nfrom bptt.runtime import operators"),
        ("bptt/runs/run_folder.py", "from bptt.version import __version__"),
        ("bptt/cli/train.py", "def train():\n    from bptt.training.loop import train\n    print(1)"),
        ("bptt/nn/layer.py", "if TYPE_CHECKING:\n    from bptt.cells import Cell"),
        ("bptt/nn/layer.py", "\n" * 300),
    ],
)
def test_what_the_plan_allows_passes(path: str, source: str) -> None:
    assert violations(path, source) == []


# A flag; CSS variables of pages, --line, are set or read in these files; the last is a command line.
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
CSS = {
    "explain/cards.py",
    "explain/page.py",
    "explain/diagrams/svg.py",
    "exporting/beside/exported_run.py",
}
# A command in backticks may be quoted whole, as `bptt compare FILE --cells ...`; xcode-select is not ours.
QUOTED = re.compile(r"`bptt [^`]*`|xcode-select --install")


def flags(source: str) -> list[str]:
    """The flags that texts of a file name, as `line: flag`; a formatted text is one text."""
    tree = ast.parse(source)
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=parts):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in parts)
            case ast.Constant(value=str(text)) if id(node) not in inner:
                pass
            case _:
                continue
        found += [(node.lineno, flag) for flag in FLAG.findall(QUOTED.sub("", text))]
    return [f"{line}: {flag}" for line, flag in sorted(found)]


def test_only_the_command_line_spells_flags() -> None:
    """The library names options by their fields, which Python and recipes have too."""
    found = [
        f"{path.relative_to(ROOT)}:{flag}"
        for path in sorted((ROOT / "bptt").rglob("*.py"))
        if (inside := path.relative_to(ROOT / "bptt")).parts[0] != "cli" and inside.as_posix() not in CSS
        for flag in flags(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"Give --text or --data"', ["1: --data", "1: --text"]),
        ('x = 1\ny = f"{x} with --text"', ["2: --text"]),
        ('def f():\n    """Return what --text gives."""', ["2: --text"]),
        ('f"`bptt train {x} --resume` goes on"', []),
        ('f"`bptt train {x}` goes on with --resume"', ["1: --resume"]),
        ('"one - or -- two, a--b, -n"', []),
    ],
)
def test_a_planted_flag_is_named(source: str, found: list[str]) -> None:
    assert flags(source) == found


def test_every_deferred_function_is_there() -> None:
    calls = (
        node
        for path in sorted((ROOT / "bptt").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    found = 0
    for node in calls:
        match node:
            case ast.Call(func=ast.Name(id="deferred"), args=[ast.Constant(module), ast.Constant(name)]):
                assert callable(getattr(import_module(str(module)), str(name))), (module, name)
                found += 1
    assert found > 10


def loaded(modules: str) -> set[str]:
    """What is heavy and loaded when modules are imported."""
    heavy = "torch numpy sympy mpmath matplotlib tokenizers safetensors rich http.server".split()
    code = f"import sys, {modules}; print(*(m for m in {heavy} if m in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize("module", ["bptt", "bptt.cli.main"])
def test_import_stays_light(module: str) -> None:
    """The command line answers at once: nothing heavy is loaded before a verb runs."""
    assert not loaded(module)


def test_options_of_all_jobs_stay_light() -> None:
    """Help and refusals answer at once: no job needs torch to say what it takes."""
    modules = [path.relative_to(ROOT) for path in (ROOT / "bptt" / "jobs").glob("*/options.py")]
    assert len(modules) >= 9
    assert loaded(", ".join(".".join(path.with_suffix("").parts) for path in modules)) <= {"numpy"}
