"""`POST /v1/score`: the scores of `bptt score`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.answers import plain_data
from bptt.jobs.language.answering import LineAnswer
from bptt.jobs.language.model import Trained
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.jobs.language.text_read import TextRead
from bptt.options.json_schema import JsonSchema
from bptt.serve.state_store import STATE
from bptt.serve.verb import Loaded, Verb, check_names, texts_of, texts_schema


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Score(loaded) if loaded.job.reads_on else None


class Score(Verb):
    """The scores of `bptt score` for lines of text."""

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._name, self._states, self._most = loaded.name, loaded.states, loaded.options.max_inputs

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The lines, and the state behind which each goes on."""
        return {"input": texts_schema(self._most), "state": STATE}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the lines, which go on behind one state."""
        check_names(given, ("input", "state"))
        lines = texts_of(given, "input", self._most)
        for line in lines:
            if "\n" in line:
                raise InputError("input", "must be a line without a newline, or a list of lines", repr(line))
        return self._states.given(given, self._name), lines

    def answer(self, asked: TextRead | None, items: Sequence[tuple[str, ...]]) -> Sequence[Any]:
        """Return a record for each line."""
        scores = score_lines(self._trained, [line for lines in items for line in lines], behind=asked)
        return [plain_data(self._records(lines, scores)) for lines in items]

    def _records(self, lines: Sequence[str], scores: Iterator[LineScore]) -> list[LineAnswer]:
        vocabulary = self._trained.vocabulary
        return [LineAnswer.of(n, line, next(scores), vocabulary) for n, line in enumerate(lines, 1)]
