"""`POST /v1/choose`: the order of `bptt choose`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.serve.verb import Loaded, Verb
from bptt.serve.verbs.score import Score


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Choose(loaded) if loaded.job.reads_on else None


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
