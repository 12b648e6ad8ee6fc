"""`POST /v1/score`: the scores of `bptt score`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.answers import plain_data
from bptt.jobs.language.answering import LineAnswer
from bptt.jobs.language.model import Trained
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.options.json_schema import JsonSchema
from bptt.serve.verb import Loaded, Verb, check_names, texts_of, texts_schema


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Score(loaded) if loaded.job.reads_on else None


class Score(Verb):
    """The scores of `bptt score` for lines of text."""

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._most = loaded.options.max_inputs

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The lines."""
        return {"input": texts_schema(self._most)}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the lines."""
        check_names(given, ("input",))
        lines = texts_of(given, "input", self._most)
        for line in lines:
            if "\n" in line:
                raise InputError("input", "must be a line without a newline, or a list of lines", repr(line))
        return (), lines

    def answer(self, asked: Any, items: Sequence[tuple[str, ...]]) -> Sequence[Any]:
        """Return a record for each line."""
        scores = score_lines(self._trained, [line for lines in items for line in lines])
        return [plain_data(self._records(lines, scores)) for lines in items]

    def _records(self, lines: Sequence[str], scores: Iterator[LineScore]) -> list[LineAnswer]:
        vocabulary = self._trained.vocabulary
        return [LineAnswer.of(n, line, next(scores), vocabulary) for n, line in enumerate(lines, 1)]
