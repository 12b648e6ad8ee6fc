"""`POST /v1/states`: texts that are read once, each with a handle for what follows it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from bptt.errors import InputError
from bptt.jobs.language.answering import StateAnswer
from bptt.jobs.language.model import Trained
from bptt.jobs.language.prompt import Prompt, read_prompt
from bptt.jobs.language.text_read import TextRead, before_line, before_text
from bptt.options.checks import check_choice
from bptt.options.json_schema import JsonSchema
from bptt.serve.json_body import shown_json
from bptt.serve.state_store import STATE
from bptt.serve.verb import Loaded, Verb, check_names, texts_of, texts_schema

# Where a text begins: as `bptt sample` begins one, or as `bptt score` and `bptt next` begin a line.
_STARTS = ("text", "line")


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return States(loaded) if loaded.job.reads_on else None


class States(Verb):
    """Texts that are read once: a `state` for each, behind which `next`, `score` and `sample` go on."""

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._name, self._states = loaded.name, loaded.states
        # More could not be kept until the answer comes.
        self._most = min(loaded.options.max_inputs, loaded.options.max_states)

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The texts, where they begin, and the state that they go on behind."""
        start = {"enum": list(_STARTS), "default": _STARTS[0]}
        return {"input": texts_schema(self._most), "start": start, "state": STATE}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[tuple[str, ...], TextRead]]:
        """Return the texts, and what they go on behind. Raises InputError for a state and a start."""
        check_names(given, ("input", "start", "state"))
        start = given.get("start", _STARTS[0])
        check_choice("start", start, _STARTS)
        behind = self._states.given(given, self._name)
        if behind is not None and "start" in given:
            raise InputError(
                "start", "must be left out with a state", shown_json(start), "Leave one of them out"
            )
        begun = before_text() if start == "text" else before_line(self._trained)
        return (), (texts_of(given, "input", self._most), behind or begun)

    def answer(self, asked: Any, items: Sequence[tuple[tuple[str, ...], TextRead]]) -> Sequence[Any]:
        """Return each text with the prompt that it is, and with what the model has then read."""
        return [self._answer(*item) for item in items]

    def _answer(self, texts: Sequence[str], behind: TextRead) -> Any:
        try:
            prompts = [read_prompt(self._trained, text, behind) for text in texts]
        except InputError as error:
            return error
        model = self._trained.model
        return [
            (text, each, behind.after(model, each.tokens)) for text, each in zip(texts, prompts, strict=True)
        ]

    def result(self, found: Sequence[tuple[str, Prompt, TextRead]]) -> Any:
        """Return a record for each text, which is kept from now on."""
        return [
            StateAnswer(n, text, prompt.unknown, read.count, self._states.keep(self._name, read)).to_dict()
            for n, (text, prompt, read) in enumerate(found, 1)
        ]
