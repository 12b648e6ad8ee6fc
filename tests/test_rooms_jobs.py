"""The registry alone lists jobs: no other file asks which job something is, by its class or by its name.

A job says what it does on its record, so that a job from another package is treated as ours are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_rooms import ROOT

from bptt.jobs.registry import all_options

JOBS = ROOT / "bptt" / "jobs"
NAMES = {name for options in all_options() for name in (options.name, options.task)}
# Files that may name jobs, and why.
ALLOWED = {
    "bptt/exporting/beside/exported_run.py": "runs without this package, so without the registry",
    "bptt/data/problems.py": "has a series of marks, called so",
    "bptt/languages/zh/looks.py": "translates names of columns, such as tag",
    "bptt/jobs/registry.py": "is the registry",
    "bptt/jobs/older.py": "has the titles and units of runs of version 0.1.0, which have none in config.json",
    "bptt/training/claim.py": "has the files of runs of version 0.1.0, which config.json does not list",
}


def is_of_a_job(path: Path) -> bool:
    """Whether a file is in the folder of a job."""
    return JOBS in path.parent.parents


def outside() -> Iterator[Path]:
    """The files that are not of one job."""
    return (path for path in sorted((ROOT / "bptt").rglob("*.py")) if not is_of_a_job(path))


CLASSES = {
    node.name
    for path in JOBS.rglob("*.py")
    if is_of_a_job(path)
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.ClassDef)
}


def breaches(source: str) -> list[str]:
    """Every line that asks which job something is, as "line: how"."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                classes = {name for each in ast.walk(kinds) if (name := _name(each)) in CLASSES}
                found |= {(node.lineno, f"asks for {name}") for name in classes}
            case ast.MatchClass(cls=kind) if _name(kind) in CLASSES:
                found.add((node.lineno, f"asks for {_name(kind)}"))
            case ast.Compare(left=left, comparators=others):
                found |= {(node.lineno, f"compares with {name!r}") for name in _jobs([left, *others])}
            case ast.MatchValue(value=value):
                found |= {(node.lineno, f"compares with {name!r}") for name in _jobs([value])}
            case ast.Dict(keys=keys):
                found |= {(node.lineno, f"lists {name!r}") for name in _jobs(keys)}
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                found |= {(node.lineno, f"lists {name!r}") for name in _jobs(items)}
            case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Constant(value=str(name))) if (
                name in NAMES
            ):
                found.add((node.lineno, f"lists {name!r}"))
    return [f"{line}: {how}" for line, how in sorted(found)]


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _jobs(nodes: list[ast.expr | None]) -> set[str]:
    """The names of jobs among the texts of expressions."""
    return {node.value for node in nodes if isinstance(node, ast.Constant) and node.value in NAMES}


def test_the_registry_alone_lists_jobs() -> None:
    found = {
        name: lines
        for path in outside()
        if (lines := breaches(path.read_text("utf-8"))) and (name := path.relative_to(ROOT).as_posix())
    }
    assert set(found) == set(ALLOWED), {name: found.get(name) for name in set(found) ^ set(ALLOWED)}


def test_classes_and_names_of_jobs_are_known() -> None:
    assert {"TrainedTagger", "TagTask", "TrainedClassifier", "TrainedLanguageModel"} <= CLASSES
    assert {"lm", "language-model", "classify", "forecast"} <= NAMES


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("isinstance(model, TrainedTagger)", "asks for TrainedTagger"),
        ("isinstance(model, int | task.TagTask)", "asks for TagTask"),
        ("issubclass(kind, (int, TagTask))", "asks for TagTask"),
        ("match model:\n    case TrainedTagger(): pass", "asks for TrainedTagger"),
        ("if job == 'tag': pass", "compares with 'tag'"),
        ("if 'lm' != job.name: pass", "compares with 'lm'"),
        ("if job in {'tag', name}: pass", "lists 'tag'"),
        ("match job:\n    case 'tag': pass", "compares with 'tag'"),
        ("READERS = {'classify': 3}", "lists 'classify'"),
        ("Job = Literal['lm']", "lists 'lm'"),
        ("Job = Literal['lm', 'other']", "lists 'lm'"),
    ],
)
def test_a_planted_breach_is_found(source: str, how: str) -> None:
    assert [line.partition(": ")[2] for line in breaches(source)] == [how]


@pytest.mark.parametrize(
    "source", ["isinstance(x, int)", "find_job('tag')", "label='forecast'", "x == 'film'"]
)
def test_what_asks_for_no_job_passes(source: str) -> None:
    assert breaches(source) == []
