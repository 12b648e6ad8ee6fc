"""A job in a comparison: a file of its data as the subject, which makes a task for each variant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bptt.cells.cell import Cell
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.task import Task
from bptt.models.options import EncoderOptions
from bptt.nn.initialisation import RecurrentInit

# How far back the gradient in data of any length is followed.
LAG = 50


@dataclass(frozen=True)
class Variant:
    """A network to train: its cell, what it begins with, whether its gradient is clipped, and how many times
    as far it is followed back through a text.
    """

    name: str
    cell: Cell
    recurrent_init: RecurrentInit = "default"
    forget_bias: float | None = None
    clipped: bool = True
    longer: int = 1


@dataclass(frozen=True)
class Shared:
    """The options that all variants have in common."""

    num_layers: int = 1
    batch_size: int = 50
    seed: int = 0


class Subject(ABC):
    """`title` says what it is, `lag` how many steps back it asks to remember; `baseline` is the loss of who
    remembers nothing, None where it is not known. Tasks read in one direction, and an answer for a sequence
    is read off its last step: what it needs must be carried there.
    """

    title: str
    lag: int
    baseline: float | None = None

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def check(self, variant: Variant) -> None:
        """Raise InputError for a variant that makes no difference here."""
        if variant.longer > 1:
            cure = "Leave it out: sequences are always followed back to their beginning"
            raise InputError("remedies", "length is for a text", self.title, cure)

    @abstractmethod
    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a fresh task. The weights are drawn from torch's generator: seed it before."""

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
    """How a job takes part in comparisons, for a job that does.

    `suits` says whether a file looks like data of the job; it raises InputError if there is no such file.
    `read` reads a file; the level of the vocabulary and the length of truncated back-propagation count for a
    text that is read as one stream. It raises InputError for a file that holds no such data.
    """

    suits: Callable[[Path], bool]
    read: Callable[[Path, LevelName, int, Shared], Subject]
