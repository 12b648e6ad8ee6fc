"""One name for one concept: a public class, or a file, whose name occurs twice is found, and has a reason.

The reasons are in SHARED_CLASSES and SHARED_FILES. A name that has become unique must leave its list.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bptt"
# A command is named after what it does, in its file as on the command line and in the path of a request; the
# rooms below do the work.
COMMANDS = ("cli", "serve/verbs")
# Each job has a folder of the same plan: configuration, network, task, answers, metrics, exposure.
JOBS = "jobs"

# Classes and type aliases, with the reason why they share a name.
SHARED_CLASSES: Mapping[str, str] = {
    "Score": "a piece of music, and what a tagger reached",
    "Stepper": "the public module, and the protocol of its backend",
    "Storage": "the policy (derive) that a run (runtime) is called with",
}
# Files, with the reason why they share a name.
SHARED_FILES: Mapping[str, str] = {
    "classes.py": "classes of examples, and as targets",
    "clips.py": "clips as a form of file, as tensors, and as a kind of input",
    "config.py": "the configuration of a job, and its form in config.json",
    "ctc_loss.py": "connectionist temporal classification: its kernel, and its call",
    "dna.py": "DNA read from a file, and as tokens",
    "document.py": "a text as it was read, and a derivation as a document",
    "exposure.py": "an example for probes: what it is, and how each job makes one",
    "function.py": "the autograd function of each backend",
    "jacobian.py": "the Jacobian as expressions, and in torch operations",
    "linear_loss.py": "the loss of an output layer: its kernel, and its call",
    "memory.py": "memory checked before it is taken, and errors when it does not suffice",
    "minimal_pairs.py": "minimal pairs read from a file, and scored",
    "nbest.py": "lists of hypotheses as data, and read from a file",
    "network.py": "a network on paper, and that of each job",
    "ngrams.py": "n-grams counted, classified with, and as a model",
    "numbers.py": "literals of an expression, numbers read from text, and as the input of a model",
    "options.py": "the options of each room, as light modules",
    "parameters.py": "those of a cell's equations, of a layer, and of an estimator",
    "prefix_beam.py": "the beam search on outputs of CTC: its kernel, and its call",
    "reading.py": "files opened and read, and what a job reads from them",
    "registry.py": "the list of output layers, and that of kinds of input",
    "series.py": "series as a form of file, its reader, and a kind of input",
    "skeleton.py": "a form of file, features, and a kind of input",
    "sound.py": "a sound as data, as a form of file, as features, and as a kind of input",
    "stepper.py": "single steps: the module, its kernel, and the choice of backend",
    "table.py": "tables as a form of file, and a kind of input",
    "text.py": "texts as a form of file, as data, on paper, and as a kind of input",
    "values.py": "arguments of estimators, and what a recurrence computes at each step",
    "vectors.py": "word vectors read from a file, and as the input of a model",
    "words.py": "words as data, and as the input of a model",
}


def public_types(source: str) -> Iterator[str]:
    """Yield the names of public classes and type aliases of a module; type variables are local."""
    for node in ast.parse(source).body:
        match node:
            case ast.ClassDef(name=name):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias")):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(value=ast.Name(id="Literal"))):
                pass
            case _:
                continue
        if not name.startswith("_"):
            yield name


def classes_of(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Return every public type that several modules define, with their paths."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, source in sorted(sources.items()):
        for name in public_types(source):
            found[name].append(path)
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def files_of(paths: list[str]) -> dict[str, list[str]]:
    """Return every file name of several rooms, with its paths; commands are left out, jobs are one room."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(paths):
        *folders, name = path.split("/")
        room = folders[0] if folders[:1] == [JOBS] else "/".join(folders)
        if room not in COMMANDS and not name.startswith("__"):
            found[name].setdefault(room, path)
    return {name: list(rooms.values()) for name, rooms in found.items() if len(rooms) > 1}


def sources() -> dict[str, str]:
    """Return the text of every module by its path in the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
    }


def test_no_public_type_has_the_name_of_another() -> None:
    found = classes_of(sources())
    unknown = {name: paths for name, paths in found.items() if name not in SHARED_CLASSES}
    assert not unknown, "\n".join(f"{name}: {', '.join(paths)}" for name, paths in sorted(unknown.items()))
    assert not SHARED_CLASSES.keys() - found.keys(), "unique now: take it off the list"


def test_no_file_has_the_name_of_another() -> None:
    found = files_of(list(sources()))
    unknown = {name: paths for name, paths in found.items() if name not in SHARED_FILES}
    assert not unknown, "\n".join(f"{name}: {', '.join(paths)}" for name, paths in sorted(unknown.items()))
    assert not SHARED_FILES.keys() - found.keys(), "unique now: take it off the list"


def test_planted_types_are_found() -> None:
    planted = {
        "a.py": "class Step: ...\nclass _Own: ...\nKind = Literal['x']\nT = TypeVar('T')",
        "b/c.py": "Step: TypeAlias = int\nclass _Own: ...\nclass Kind: ...\nT = TypeVar('T')",
    }
    assert classes_of(planted) == {"Step": ["a.py", "b/c.py"], "Kind": ["a.py", "b/c.py"]}


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a/memory.py", "b/memory.py"], {"memory.py": ["a/memory.py", "b/memory.py"]}),
        (["a/b/memory.py", "a/memory.py"], {"memory.py": ["a/b/memory.py", "a/memory.py"]}),
        (["jobs/tag/task.py", "jobs/classify/task.py"], {}),
        (["cli/evaluate.py", "derive/evaluate.py"], {}),
        (["a/__init__.py", "b/__init__.py"], {}),
    ],
)
def test_planted_files_are_found(paths: list[str], found: dict[str, list[str]]) -> None:
    assert files_of(paths) == found
