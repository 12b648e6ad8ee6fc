"""The record by which the rest of the package knows a job; each job registers one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from bptt.jobs.options import JobOptions

if TYPE_CHECKING:
    from torch import nn

    from bptt.cells.load import Cells
    from bptt.data.readers.forms import Source
    from bptt.graphs.written import WrittenGraphs
    from bptt.jobs.answers import Answer, Asking, EvaluationReport, Line
    from bptt.jobs.ensembling import Ensembling
    from bptt.jobs.model_page import ModelPage
    from bptt.jobs.subject import Compared
    from bptt.jobs.task import Task
    from bptt.nn.exposure import Exposure
    from bptt.options.choices import Choices
    from bptt.runs.origin import Origin


class Configuration(Protocol):
    """The configuration of a model: a cell and sections of options."""

    @property
    def cell(self) -> Cells:
        """The cell of the recurrent layers, or one for each."""


class TrainedModel(Protocol):
    """A trained model with everything needed to read inputs and to answer; `task` is that of its job."""

    task: ClassVar[str]

    @property
    def model(self) -> nn.Module:
        """The network."""


Model = TypeVar("Model", bound=TrainedModel)


@dataclass(frozen=True)
class Stretch:
    """The examples to inspect.

    At most `count` examples of `source` from index `number` on, and at most `limit` steps of each; of a
    continuous text, consecutive stretches. A `labelled` source has targets, those of translations perhaps in
    the file `target`; otherwise the model's answers replace them. With `alone`, a language model reads line
    `number` by itself, as `bptt score` does.
    """

    source: Source
    labelled: bool
    limit: int
    number: int = 0
    count: int = 1
    target: Source | None = None
    alone: bool = False


@dataclass(frozen=True)
class Folding:
    """Cross-validation: the fold of each row, a task for each fold, and the scores of all folds together.

    `make` returns a task from the training rows and the held-out rows. `score` evaluates all folds, given the
    task and the held-out rows of each.
    """

    folds: Sequence[int]
    make: Callable[[list[int], list[int]], Task]
    score: Callable[[Sequence[tuple[Any, Sequence[int]]]], EvaluationReport]


@dataclass(frozen=True)
class Job(Generic[Model]):
    """A job: functions that begin a training, load, answer, evaluate and expose examples to probes.

    Args:
        options: its names and options.
        begin: returns the task for the chosen options, with the weights of a trained model if one is given.
            Reads the data, and reports what it detected; seed torch before. Raises InputError if the data
            cannot be read or do not fit the options.
        configuration: returns the configuration of a run folder. Raises InputError if it is damaged.
        load: returns the trained model of a run folder with its best weights. Raises InputError if a file is
            missing or damaged.
        evaluate: evaluates a model, loaded from the given run folder, on the data that the options choose.
        expose: returns the examples to inspect. Raises InputError if they cannot be read.
        ask: returns the model as it answers under the chosen options; None for a job without answers.
        sample: draws samples; yields what is printed, piece by piece, or a record for each sample if `json`
            was chosen, and writes the files that the options name. None for a job that draws none.
        score: yields a line for each part of the sources that a likelihood is printed for, or its record if
            `json` was chosen. None for a job without.
        fold: returns cross-validation if it was chosen; None for a job without.
        held_out: returns the data that a run kept for inspection; None for a job that keeps none.
        draw: draws the picture of an evaluation; None if the package of the job has a module `pictures`, or
            there are no pictures.
        graphs: writes a trained model for an operator set of ONNX; None if the package of the job has a
            module `graphs`, or its models have no graph.
        hub_task: the task of the model hub, or that of each kind of the data; empty if it has none.
        criterion: returns the held-out metric that chose the weights of a trained model.
        page: describes a trained model, and its run folder if there is one, for a page in which it runs; None
            if the package of the job has a module `model_page`, or no page runs its models.
        reads_on: whether `model` is a LanguageModel and `vocabulary` its tokens.
        compared: how the job takes part in comparisons; None if its package has a module `compared`, or it
            takes no part.
        ensembling: how several runs answer together; None if its package has a module `ensemble`, or its
            answers have no mean.

    """

    options: JobOptions
    begin: Callable[[Choices, Origin[Model] | None], Task]
    configuration: Callable[[Path], Configuration]
    load: Callable[[Path], Model]
    evaluate: Callable[[Model, Path, Choices], EvaluationReport]
    expose: Callable[[Model, Stretch], list[Exposure]]
    ask: Callable[[Model, Choices], Asking] | None = None
    sample: Callable[[Model, Choices], Iterator[str | Answer]] | None = None
    score: Callable[[Model, Sequence[Source], Choices], Iterator[Line | Answer]] | None = None
    fold: Callable[[Choices], Folding | None] | None = None
    held_out: Callable[[Path], Source] | None = None
    draw: Callable[[Any, Path], None] | None = None
    graphs: Callable[[Model, int], WrittenGraphs] | None = None
    hub_task: str | Mapping[str, str] = ""
    criterion: Callable[[Model], str] = lambda _: "loss"
    page: Callable[[Model, Path | None], ModelPage] | None = None
    reads_on: bool = False
    compared: Compared | None = None
    ensembling: Ensembling | None = None

    @property
    def name(self) -> str:
        """The name of the job: `bptt train NAME`."""
        return self.options.name

    def hub_task_of(self, kind: str) -> str:
        """Return the task of the model hub for data of a kind, "" if it has none."""
        return self.hub_task if isinstance(self.hub_task, str) else self.hub_task.get(kind, "")
