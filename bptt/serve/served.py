"""The models that are served, by name, with the verbs of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bptt.cells.load import Cells, names_of
from bptt.errors import InputError
from bptt.jobs.job import Job
from bptt.jobs.loading import load
from bptt.jobs.registry import find_page, job_of_run
from bptt.options.checks import shown
from bptt.serve.drawn_verb import DrawnVerb
from bptt.serve.options import ServeOptions
from bptt.serve.registry import make_verbs
from bptt.serve.row_products import fix_rows
from bptt.serve.state_store import StateStore
from bptt.serve.verb import AnyVerb, Loaded, Verb


@dataclass
class Served:
    """A model: its run, its job, and once it is loaded its verbs and what `/info` says of it."""

    name: str
    run: Path
    job: Job[Any]
    verbs: Mapping[str, AnyVerb] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_live_page(self) -> bool:
        """Whether a live page runs models of this job."""
        return find_page(self.job) is not None

    def load(self, options: ServeOptions, states: StateStore) -> None:
        """Load the model. Raises InputError if a file is damaged, or it has no verb."""
        trained = load(self.run, options.device)
        fix_rows(trained.model)
        verbs = make_verbs(Loaded(self.name, self.job, trained, options, states))
        # Kernels are compiled when they are first used: now, so that no request has to wait for that.
        for verb in verbs.values():
            if verb.example is None:
                continue
            if isinstance(verb, DrawnVerb):
                verb.drawing.join(verb.read(verb.example).wanted, Future())
                while verb.drawing.step():
                    pass
            elif isinstance(verb, Verb):
                asked, item = verb.read(verb.example)
                # Errors are results here: the example may be no input of this model.
                verb.answer(asked, [item])
        if not verbs:
            cure = "Serve another run"
            raise InputError(
                str(self.run),
                "must be a run that answers texts, sounds or clips",
                f"a {self.job.options.called}",
                cure,
            )
        self.verbs, self.info = verbs, _describe(self, trained, verbs)


def find_served(runs: Sequence[str]) -> dict[str, Served]:
    """Return the models of runs given as FOLDER or NAME=FOLDER, not loaded.

    Raises InputError if a folder is no run, a name or a folder is empty, or two have one name.
    """
    found: dict[str, Served] = {}
    for given in runs:
        name, run = _named(given)
        if name in found:
            rule, cure = "must have a name of its own", f"Name it: other={run}"
            raise InputError(given, rule, f"{name!r} again", cure)
        found[name] = Served(name, run, job_of_run(run))
    return found


def _named(given: str) -> tuple[str, Path]:
    name, equals, folder = given.partition("=")
    if equals and not Path(given).exists():
        if not (name and folder):
            raise InputError("runs", "must be FOLDER or NAME=FOLDER", shown(given))
        return name, Path(folder)
    return Path(given).resolve().name, Path(given)


def _describe(served: Served, trained: Any, verbs: Iterable[str]) -> dict[str, Any]:
    """Return what `/info` says of a model: task, cell with its equations, sizes, verbs."""
    cells: Cells = trained.config.cell
    vocabulary = getattr(trained, "vocabulary", None)
    return {
        "name": served.name,
        "task": trained.task,
        "cell": names_of(cells),
        "equations": {cell.name: [equation.text for equation in cell.equations] for cell in _each(cells)},
        "parameters": sum(parameter.numel() for parameter in trained.model.parameters()),
        "vocabulary": None if vocabulary is None else vocabulary.size,
        "labels": getattr(trained, "labels", None),
        "verbs": list(verbs),
    }


def _each(cells: Cells) -> Iterator[Any]:
    yield from {cell.name: cell for cell in (cells if isinstance(cells, tuple) else (cells,))}.values()
