"""Classification in a comparison: a file of labelled examples as its subject."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.detect import detect
from bptt.data.readers.forms import Classified, read_examples
from bptt.data.readers.grid import Columns
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask
from bptt.jobs.subject import LAG, Compared, Shared, Subject, Variant
from bptt.jobs.task import Task


class LabelledSubject(Subject):
    """Labelled texts, DNA or series in a format of `data.readers.forms.FORMS`."""

    def __init__(self, title: str, examples: Classified, form: str, shared: Shared) -> None:
        super().__init__(shared)
        self.title, self.lag = title, LAG
        self._examples, self._source = examples, SourceOptions(form)
        if self._source.is_row:
            cure = "Give texts, series or DNA"
            raise InputError(title, "what is compared are sequences", "rows of numbers", cure)

    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a task that predicts a label for each example."""
        model, head = self._encoder(variant, hidden_size), HeadOptions("last")
        config = ClassifierConfig(variant.cell, self._source, model, head, data=self._data)
        return ClassifyTask(self._examples, None, config)


def _suits(path: Path) -> bool:
    """Return whether a file is anything but lines of text."""
    return detect(path, Columns()).form != "lines"


def _read(path: Path, level: LevelName, length: int, shared: Shared) -> Subject:
    columns = Columns()
    form = detect(path, columns).form
    return LabelledSubject(path.name, read_examples(path, form, columns), form, shared)


COMPARED = Compared(_suits, _read)
