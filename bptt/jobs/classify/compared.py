"""Classification in a comparison: a file of labelled examples as its subject."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from bptt.cells.gru import GRU
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import Classified, read_examples
from bptt.data.readers.grid import Columns
from bptt.data.split import some_indices
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask
from bptt.jobs.subject import LAG, Compared, Shared, Subject, Variant
from bptt.jobs.supervised import hold_out


class LabelledSubject(Subject):
    """Labelled texts, DNA or series in a format of `data.readers.forms.FORMS`."""

    def __init__(self, title: str, examples: Classified, form: str, shared: Shared) -> None:
        super().__init__(shared)
        self.title, self.lag = title, LAG
        self._examples, self._source = examples, SourceOptions(form)
        if self._source.is_row:
            cure = "Give texts, series or DNA"
            raise InputError(title, "what is compared are sequences", "rows of numbers", cure)

    def check(self, variant: Variant) -> None:
        """Accept a cell without a state. Raises InputError for lengths and levels, which are of a text."""
        super().check(variant if variant.is_recurrent else replace(variant, cell=GRU))

    def width(self, variant: Variant, step: int) -> int:
        """Return the width of a step, or of all steps side by side."""
        return step if variant.is_recurrent else step * self._longest

    def remarks(self, variant: Variant) -> tuple[str, ...]:
        """Say what a network without a state reads."""
        if variant.is_recurrent:
            return ()
        return (
            f"{variant.name}: reads {self._longest} steps side by side, as many as the longest example has; "
            "each position has weights of its own, and longer inputs are cut",
        )

    def task(self, variant: Variant, hidden_size: int) -> ClassifyTask:
        """Return a task that predicts a label for each example."""
        model, source = self._encoder(variant, hidden_size), self._source
        if not variant.is_recurrent:
            model = replace(model, feed_forward=(hidden_size,) * self.shared.num_layers, activation="sigmoid")
            source = replace(source, positions=self._longest)
        config = ClassifierConfig(variant.cell, source, model, HeadOptions("last"), data=self._data)
        return ClassifyTask(*self._parts(variant.share), config)

    @cached_property
    def _longest(self) -> int:
        """The number of steps of the longest example, as a codec counts them."""
        return self.task(Variant("longest", GRU), 1).longest

    def _parts(self, share: float) -> tuple[Classified, Classified | None]:
        """Return the examples to learn from and those held out, which no share changes."""
        if share == 1:
            return self._examples, None
        found, seed = self._examples, self.shared.seed
        learned, held_out = (found.take(rows) for rows in hold_out(found, found.targets, self._data))
        return learned.take(some_indices(learned.keys, learned.targets, share, seed)), held_out


def _suits(path: Path) -> bool:
    """Return whether a file is anything but lines of text."""
    return detect(path, Columns()).form != "lines"


def _read(path: Path, level: LevelName, length: int, shared: Shared) -> Subject:
    columns = Columns()
    form = detect(path, columns).form
    return LabelledSubject(path.name, read_examples(path, form, columns), form, shared)


COMPARED = Compared(_suits, _read)
