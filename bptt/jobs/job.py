"""What the rest of the package needs to know of a job: one record, which each job registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from torch import nn

from bptt.cells.cell import Cell
from bptt.data.readers.forms import Source
from bptt.jobs.answers import Asking, EvaluationReport
from bptt.jobs.options import JobOptions
from bptt.jobs.subject import Compared
from bptt.jobs.task import Task
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.origin import Origin


class Configuration(Protocol):
    """The configuration of a model: a cell, and sections of options."""

    @property
    def cell(self) -> Cell:
        """The cell of the recurrent layers."""


class TrainedModel(Protocol):
    """A trained model with all that it needs to read inputs and to answer; `task` is that of its job."""

    task: ClassVar[str]

    @property
    def model(self) -> nn.Module:
        """The network."""


Model = TypeVar("Model", bound=TrainedModel)


@dataclass(frozen=True)
class Stretch:
    """Which examples are looked into.

    At most `count` examples of `source` from the `number` on, counted from 0, and at most `limit` steps of
    each; of a continuous text stretches that follow each other. A `labelled` source has the answers, those of
    translations perhaps in the file `target`; else the answers that are found take their place.
    """

    source: Source
    labelled: bool
    limit: int
    number: int = 0
    count: int = 1
    target: Source | None = None


@dataclass(frozen=True)
class Folding:
    """Cross-validation: the rows of each fold, a task that holds these rows out, and scores of all folds.

    `make` takes the rows to learn from and those held out. `score` takes, for each fold, its task and its
    rows.
    """

    folds: Sequence[int]
    make: Callable[[list[int], list[int]], Task]
    score: Callable[[Sequence[tuple[Any, Sequence[int]]]], EvaluationReport]


@dataclass(frozen=True)
class Job(Generic[Model]):
    """A job: how it begins, loads, answers and evaluates, and what it shows to a probe.

    Args:
        options: its names and its options.
        begin: makes the task from what was chosen, and from the model that it begins with, if any. It reads
            the data and says what it found; seed torch before. Raises InputError.
        configuration: reads the configuration of a run folder. Raises InputError.
        load: the trained model of a run folder with its best weights. Raises InputError.
        evaluate: measures a model, from the run folder named, on data as `options.evaluate` say.
        expose: the examples to look into, for a probe. Raises InputError.
        ask: the model asked as `options.predict` say; None for a job without answers to inputs.
        fold: cross-validation if it was chosen; None for a job without.
        held_out: the data that a run kept to be looked at; None for a job that keeps none.
        draw: draws the picture of an evaluation; None where the package of the job has a module `pictures`,
            or there are none.
        compared: how the job takes part in comparisons; None where its package has a module `compared`, or
            it takes no part.

    """

    options: JobOptions
    begin: Callable[[Choices, Origin[Model] | None], Task]
    configuration: Callable[[Path], Configuration]
    load: Callable[[Path], Model]
    evaluate: Callable[[Model, Path, Choices], EvaluationReport]
    expose: Callable[[Model, Stretch], list[Exposure]]
    ask: Callable[[Model, Choices], Asking] | None = None
    fold: Callable[[Choices], Folding | None] | None = None
    held_out: Callable[[Path], Source] | None = None
    draw: Callable[[Any, Path], None] | None = None
    compared: Compared | None = None

    @property
    def name(self) -> str:
        """The name of the job: `bptt train NAME`."""
        return self.options.name
