"""The interface of jobs to comparisons: a subject, read from a file, makes a task for each variant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bptt.cells.load import Cells, per_layer
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.task import Task
from bptt.models.options import EncoderOptions
from bptt.nn.initialisation import RecurrentInit

# The lag up to which gradients are shown for data without a known lag.
LAG = 50


@dataclass(frozen=True)
class Variant:
    """A network to train: its cell, initialisation and clipping.

    In a text, back-propagation is truncated at `longer` times the usual length, and tokens are those of
    `level` (None: of the comparison). `share` is the share of the training examples that it learns from. A
    cell without a state reads all steps side by side, padded: the standard network that recurrent ones are
    compared with.
    """

    name: str
    cell: Cells
    recurrent_init: RecurrentInit = "default"
    forget_bias: float | None = None
    clipped: bool = True
    longer: int = 1
    level: LevelName | None = None
    share: float = 1.0

    @property
    def plain(self) -> str:
        """The name without level and share, which is shared by the points of a learning curve."""
        return self.name.split(" ")[0]

    @property
    def is_recurrent(self) -> bool:
        """Whether a cell carries a state."""
        return any(cell.states for cell in per_layer(self.cell, 1))


@dataclass(frozen=True)
class Shared:
    """The options common to all variants."""

    num_layers: int = 1
    batch_size: int = 50
    seed: int = 0


class Subject(ABC):
    """The data that variants are compared on.

    `title` names the data, `lag` is the number of steps that a model must remember; `baseline` is the loss
    without any memory, None if unknown. Tasks read in one direction, and the answer to a sequence is read off
    its last step, so that information must be carried there.
    """

    title: str
    lag: int
    baseline: float | None = None

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def check(self, variant: Variant) -> None:
        """Raise InputError if a variant has no effect on this data."""
        if variant.longer > 1:
            cure = "Leave it out: sequences are always followed back to their beginning"
            raise InputError("remedies", "length is for a text", self.title, cure)
        if variant.level is not None:
            raise InputError("levels", "are for a text", self.title, "Leave them out")
        if not variant.is_recurrent:
            rule = "dense, a standard network on all steps side by side, is for examples with a label"
            raise InputError("cells", rule, self.title, "Leave it out")

    def width(self, variant: Variant, step: int) -> int:
        """Return the width of what the first layer reads at once, given that of a step."""
        return step

    def remarks(self, variant: Variant) -> tuple[str, ...]:
        """Return lines for the user about how a variant reads this data."""
        return ()

    @abstractmethod
    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a new task. Initial weights are drawn from torch's generator: seed it before."""

    def _encoder(self, variant: Variant, hidden_size: int) -> EncoderOptions:
        return EncoderOptions(
            hidden_size,
            self.shared.num_layers,
            bidirectional=False,
            recurrent_init=variant.recurrent_init,
            forget_bias=variant.forget_bias,
        )

    @property
    def _data(self) -> ExampleOptions:
        return ExampleOptions(self.shared.batch_size, seed=self.shared.seed)


@dataclass(frozen=True)
class Compared:
    """The functions by which a job takes part in comparisons.

    `suits` returns whether a file looks like data of the job; it raises InputError if the file does not
    exist. `read` reads a file; the level of the vocabulary and the length of truncated back-propagation apply
    to a text that is read as one stream. It raises InputError if the file has no such data.
    """

    suits: Callable[[Path], bool]
    read: Callable[[Path, LevelName, int, Shared], Subject]
