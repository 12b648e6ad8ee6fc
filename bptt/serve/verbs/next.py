"""`POST /v1/next`: the next tokens of `bptt next`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.language.answering import NextAnswer
from bptt.jobs.language.commands import NEXT
from bptt.jobs.language.model import Trained
from bptt.jobs.language.next_tokens import TOP, next_tokens
from bptt.options.checks import check_least
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.serve.verb import Loaded, Verb, check_names, texts_of, texts_schema


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Next(loaded) if loaded.job.reads_on else None


class Next(Verb):
    """The likeliest next tokens of `bptt next`."""

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._most = loaded.options.max_inputs

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The texts, and the options of `bptt next`."""
        options = {name: option_schema(NEXT.named(name)) for name in ("top", "last")}
        return {"input": texts_schema(self._most), **options}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[tuple[str, ...], int, bool]]:
        """Return the texts, the number of tokens to name, and whether the last step alone is asked for."""
        check_names(given, ("input", "top", "last"))
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
                NextAnswer(n, text, next_tokens(self._trained, text, top, last)).to_dict()
                for n, text in enumerate(texts, 1)
            ]
        except InputError as error:
            return error
