"""`POST /v1/predict`: the answers of `bptt predict`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bptt.data.readers.asked import Said
from bptt.errors import InputError
from bptt.jobs.answers import record_of
from bptt.jobs.commands import predict_options
from bptt.options.choices import Choices
from bptt.options.field import alternatives
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.options.option_set import NamedOption, OptionSet
from bptt.serve.row_products import is_by_row
from bptt.serve.verb import Loaded, Verb, reads_texts, text_document, texts_of, texts_schema


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a job that answers texts; inputs that are files cannot be sent."""
    return Predict(loaded) if loaded.job.ask is not None and reads_texts(loaded) else None


class Predict(Verb):
    """The answers of `bptt predict`. Inputs of several requests make one batch if the model is `by_row`."""

    def __init__(self, loaded: Loaded) -> None:
        self._job, self._trained, self._most = loaded.job, loaded.trained, loaded.options.max_inputs
        self._by_row = is_by_row(loaded.trained.model)
        job = loaded.job
        own = job.options.predict
        self._options = OptionSet({} if own is None else {job.name: own})
        # The options under which answers are found; common ones, which name files and streams, are left out.
        self._all = predict_options(job.options)

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The inputs, and the options of `bptt predict` for the job; none names a file."""
        options = {each.name: option_schema(each) for each in self._options if not _names_file(each)}
        return {"input": texts_schema(self._most), **options}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the chosen options and the inputs."""
        inputs = texts_of(given, "input", self._most)
        options = self._options.read({name: value for name, value in given.items() if name != "input"})
        for name in options:
            if _names_file(self._options.named(name)):
                raise InputError(name, "must be left out of a request: it names a file", cure="Leave it out")
        return tuple(sorted(options.items())), inputs

    def answer(self, asked: tuple[tuple[str, Any], ...], items: Sequence[tuple[str, ...]]) -> Sequence[Any]:
        """Return the records of each item's inputs."""
        assert self._job.ask is not None
        asking = self._job.ask(self._trained, Choices(self._all, dict(asked)))
        found: list[Any] = []
        for inputs in items:
            try:
                found.append(
                    [asking.read(text_document(n, text), Said()) for n, text in enumerate(inputs, 1)]
                )
            except InputError as error:
                found.append(error)
        parts = [part for each in found if isinstance(each, list) for part in each]
        if self._by_row and parts:
            rows = tuple(row for part in parts for row in part.rows)
            answers = iter(list(asking.answer(replace(parts[0], rows=rows))))
        else:
            answers = (
                answer
                for part in parts
                for row in range(len(part.rows))
                for answer in asking.answer(part.take([row]))
            )
        for number, each in enumerate(found):
            if isinstance(each, list):
                rows = tuple(row for part in each for row in part.rows)
                found[number] = [record_of(n, row, next(answers)) for n, row in enumerate(rows, 1)]
        return found


def _names_file(option: NamedOption) -> bool:
    return Path in alternatives(option.hint)
