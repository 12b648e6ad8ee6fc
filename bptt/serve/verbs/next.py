"""`POST /v1/next`: the next tokens of `bptt next`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.language.answering import NextAnswer
from bptt.jobs.language.commands import NEXT
from bptt.jobs.language.model import Trained
from bptt.jobs.language.next_tokens import TOP, next_tokens
from bptt.jobs.language.prompt import read_prompt
from bptt.jobs.language.text_read import TextRead, before_line
from bptt.options.checks import check_least
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.serve.state_store import STATE
from bptt.serve.verb import Loaded, Verb, check_names, flag_of, texts_of, texts_schema

# Tokens that may be named at each of the largest number of steps.
_NAMED = 100
_Item = tuple[tuple[str, ...], int, bool, TextRead | None]


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Next(loaded) if loaded.job.reads_on else None


class Next(Verb):
    """The likeliest next tokens of `bptt next`."""

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._name, self._states, self._most = loaded.name, loaded.states, loaded.options.max_inputs
        self._most_steps = loaded.options.max_tokens

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The texts, the options of `bptt next`, and the state behind which each text goes on."""
        options = {name: option_schema(NEXT.named(name)) for name in ("top", "last")}
        return {"input": texts_schema(self._most), **options, "state": STATE}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, _Item]:
        """Return the texts, the number of tokens to name, whether the last step alone is asked for, and what
        the texts go on behind.
        """
        check_names(given, ("input", "top", "last", "state"))
        top, last = given.get("top", TOP), flag_of(given, "last")
        check_least("top", top, 1)
        behind = self._states.given(given, self._name)
        return (), (texts_of(given, "input", self._most), top, last, behind)

    def answer(self, asked: Any, items: Sequence[_Item]) -> Sequence[Any]:
        """Return a record for each text, with its steps."""
        return [self._answer(*item) for item in items]

    def _answer(self, texts: tuple[str, ...], top: int, last: bool, behind: TextRead | None) -> Any:
        try:
            self._check_size(texts, top, last, behind)
            return [
                NextAnswer(n, text, next_tokens(self._trained, text, top, last, behind)).to_dict()
                for n, text in enumerate(texts, 1)
            ]
        except InputError as error:
            return error

    def _check_size(self, texts: Sequence[str], top: int, last: bool, behind: TextRead | None) -> None:
        """Raise InputError for more steps, or more tokens that are named, than an answer may have."""
        steps, most, before = len(texts), self._most_steps, behind or before_line(self._trained)
        wide = min(top, self._trained.vocabulary.size)
        bound = steps if last else steps + sum(len(text.encode()) for text in texts)
        # A token is a byte or more: few requests have to be counted exactly.
        if not last and max(bound, bound * wide / _NAMED) > most:
            steps += sum(len(read_prompt(self._trained, text, before).tokens) for text in texts)
        if steps > most:
            cure = "Ask for the `last` alone, or send less"
            raise InputError("input", f"must have at most {most:,} steps in all", f"{steps:,}", cure)
        if steps * wide > most * _NAMED:
            came = f"{top:,} at each of {steps:,} steps"
            raise InputError("top", f"must name at most {most * _NAMED:,} tokens in all", came)
