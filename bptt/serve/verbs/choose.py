"""`POST /v1/choose`: the order of `bptt choose`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.language.answering import LineAnswer, choices_of
from bptt.jobs.language.scoring import LineScore
from bptt.options.json_schema import JsonSchema
from bptt.serve.verb import Loaded, Verb, texts_schema
from bptt.serve.verbs.score import Score


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Choose(loaded) if loaded.job.reads_on else None


class Choose(Score):
    """The sentences of `bptt choose`, the most probable first, each with the nats that it is `behind`."""

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The sentences, and the state behind which each goes on."""
        return {**super().fields, "input": texts_schema(self._most, least=2)}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, ...]]:
        """Return the sentences. Raises InputError for fewer than two."""
        asked, sentences = super().read(given)
        if len(sentences) < 2:
            raise InputError("input", "needs two sentences or more", len(sentences))
        return asked, sentences

    def _records(self, lines: Sequence[str], scores: Iterator[LineScore]) -> list[LineAnswer]:
        return list(choices_of(super()._records(lines, scores)))
