"""The verbs of a model: each reads a request, and answers several at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.errors import InputError
from bptt.jobs.answers import plain_data, record_of
from bptt.jobs.commands import predict_options
from bptt.jobs.job import Job
from bptt.jobs.language.model import Trained
from bptt.jobs.language.next_tokens import TOP, next_tokens
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.options.checks import check_least
from bptt.options.choices import Choices
from bptt.options.field import alternatives
from bptt.options.option_set import OptionSet


class Verb(ABC):
    """One verb of one model. `answer` runs in the thread that owns the model, all else in the server's."""

    @abstractmethod
    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, Any]:
        """Return what has to be equal for requests to be answered together, and the item itself.

        Raises InputError for a field that is unknown, missing, or has another type.
        """

    @abstractmethod
    def answer(self, asked: Any, items: Sequence[Any]) -> Sequence[Any]:
        """Return the answers to each item as plain data, or the error that it fails with."""


class Predict(Verb):
    """The answers of `bptt predict`. Inputs of several requests make one batch if the model is `by_row`."""

    def __init__(self, job: Job[Any], trained: Any, by_row: bool, most: int) -> None:
        self._job, self._trained, self._by_row, self._most = job, trained, by_row, most
        own = job.options.predict
        self._options = OptionSet({} if own is None else {job.name: own})
        # The options under which answers are found; common ones, which name files and streams, are left out.
        self._all = predict_options(job.options)

    @classmethod
    def fits(cls, job: Job[Any], trained: Any) -> bool:
        """Return whether a job gives answers to lines of text; inputs that are files cannot be sent."""
        if job.ask is None:
            return False
        asking = job.ask(trained, Choices(predict_options(job.options), {}))
        return asking.reads_lines(_document(1, "a"), Said())

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the chosen options and the inputs."""
        inputs = texts_of(given, "input", self._most)
        options = self._options.read({name: value for name, value in given.items() if name != "input"})
        for name in options:
            if Path in alternatives(self._options.named(name).hint):
                raise InputError(name, "must be left out of a request: it names a file", cure="Leave it out")
        return tuple(sorted(options.items())), inputs

    def answer(self, asked: tuple[tuple[str, Any], ...], items: Sequence[tuple[str, ...]]) -> Sequence[Any]:
        """Return the records of each item's inputs."""
        assert self._job.ask is not None
        asking = self._job.ask(self._trained, Choices(self._all, dict(asked)))
        found: list[Any] = []
        for inputs in items:
            try:
                found.append([asking.read(_document(n, text), Said()) for n, text in enumerate(inputs, 1)])
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


class Score(Verb):
    """The scores of `bptt score` for lines of text."""

    def __init__(self, trained: Trained, most: int) -> None:
        self._trained, self._most = trained, most

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the lines."""
        _check_names(given, ("input",))
        lines = texts_of(given, "input", self._most)
        for line in lines:
            if "\n" in line:
                raise InputError("input", "must be a line without a newline, or a list of lines", repr(line))
        return (), lines

    def answer(self, asked: Any, items: Sequence[tuple[str, ...]]) -> Sequence[Any]:
        """Return a record for each line."""
        scores = score_lines(self._trained, [line for lines in items for line in lines])
        return [[self._record(n, line, next(scores)) for n, line in enumerate(lines, 1)] for lines in items]

    def _record(self, row: int, line: str, found: LineScore) -> dict[str, Any]:
        return {
            "row": row,
            "input": line,
            "log_probability": found.log_probability,
            "unknown": found.unknown,
            "tokens": [self._trained.vocabulary.show(token) for token in found.tokens],
            "log_probabilities": list(found.log_probabilities),
        }


class Choose(Score):
    """The sentences of `bptt choose`, the most probable first."""

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the sentences. Raises InputError for fewer than two."""
        asked, sentences = super().read(given)
        if len(sentences) < 2:
            raise InputError("input", "needs two sentences or more", len(sentences))
        return asked, sentences

    def answer(self, asked: Any, items: Sequence[tuple[str, ...]]) -> Sequence[Any]:
        """Return a record for each sentence, with the nats that it is `behind` the most probable one."""
        found = []
        for records in super().answer(asked, items):
            ordered = sorted(records, key=lambda each: -each["log_probability"])
            best = ordered[0]["log_probability"]
            found.append([{**each, "behind": best - each["log_probability"]} for each in ordered])
        return found


class Next(Verb):
    """The likeliest next tokens of `bptt next`."""

    def __init__(self, trained: Trained, most: int) -> None:
        self._trained, self._most = trained, most

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[tuple[str, ...], int, bool]]:
        """Return the texts, the number of tokens to name, and whether the last step alone is asked for."""
        _check_names(given, ("input", "top", "last"))
        top, last = given.get("top", TOP), given.get("last", False)
        check_least("top", top, 1)
        if not isinstance(last, bool):
            raise InputError("last", "is true or false", repr(last))
        return (), (texts_of(given, "input", self._most), top, last)

    def answer(self, asked: Any, items: Sequence[tuple[tuple[str, ...], int, bool]]) -> Sequence[Any]:
        """Return a record for each text, with its steps."""
        return [self._answer(*item) for item in items]

    def _answer(self, texts: tuple[str, ...], top: int, last: bool) -> Any:
        try:
            return [
                {"row": n, "input": text, "steps": plain_data(next_tokens(self._trained, text, top, last))}
                for n, text in enumerate(texts, 1)
            ]
        except InputError as error:
            return error


def texts_of(given: Mapping[str, Any], name: str, most: int) -> tuple[str, ...]:
    """Return a field that is a text or a list of texts. Raises InputError for anything else."""
    if name not in given:
        raise InputError(name, "must be given", "nothing")
    value = given[name]
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise InputError(name, "must be a text, or a list of texts", type(value).__name__)
    if not 1 <= len(found) <= most:
        raise InputError(name, f"must hold 1 to {most:,} texts", f"{len(found):,}")
    for each in found:
        try:
            each.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(name, "must be valid Unicode", ascii(each)) from error
    return tuple(found)


def _check_names(given: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise InputError(name, f"must be one of {', '.join(known)}", "another field", "Leave it out")


def _document(number: int, text: str) -> Document:
    return Document(f"input {number}", text, typed=True)
