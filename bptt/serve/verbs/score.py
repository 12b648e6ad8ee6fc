"""`POST /v1/score`: the scores of `bptt score`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.scoring import LineScore, score_lines
from bptt.serve.verb import Loaded, Verb, check_names, texts_of


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Score(loaded) if loaded.job.reads_on else None


class Score(Verb):
    """The scores of `bptt score` for lines of text."""

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._most = loaded.options.max_inputs

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
