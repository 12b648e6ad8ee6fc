"""`POST /v1/sample`: the samples of `bptt sample`, with all options of the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from bptt.errors import InputError
from bptt.jobs.commands import sample_options
from bptt.jobs.language.sampling_options import LineOptions, PromptOptions, SamplingOptions
from bptt.options.choices import Choices
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.serve.drawn_verb import DrawnRequest, DrawnVerb, check_size
from bptt.serve.sample_row import SampleRow, TextPiece, Wanted
from bptt.serve.state_store import STATE
from bptt.serve.verb import FLAG, Loaded, flag_of

# Beside the options of the command.
_OWN = ("stream", "state", "keep")
# Options of the command that the server has, or whose only form of an answer is JSON.
_ELSEWHERE = ("run", "device", "weights", "json")


def make(loaded: Loaded) -> SampleVerb | None:
    """Return the verb for a language model."""
    return SampleVerb(loaded) if loaded.job.reads_on else None


class SampleVerb(DrawnVerb):
    """The samples of `bptt sample`, of a prompt or behind a state."""

    example: ClassVar[Mapping[str, Any]] = {"prompt": "", "length": 2}

    def __init__(self, loaded: Loaded) -> None:
        self.drawing, self._states, self._name = loaded.drawing, loaded.states, loaded.name
        self._options, self._limits = sample_options(loaded.job.options), loaded.options

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The options of `bptt sample`, and those of a stream and of states."""
        options = {each.name: option_schema(each) for each in self._options if each.name not in _ELSEWHERE}
        return {**options, "stream": FLAG, "keep": FLAG, "state": STATE}

    def read(self, given: Mapping[str, Any]) -> DrawnRequest:
        """Return the request. Raises InputError for an option that is unknown or out of bounds."""
        values = self._options.read({name: each for name, each in given.items() if name not in _OWN})
        for name in _ELSEWHERE:
            if name in values:
                raise InputError(name, "must be left out of a request", "one", "Leave it out")
        chosen = Choices(self._options, values)
        number, options = chosen.get("number"), chosen.make(SamplingOptions)
        limits = self._limits
        check_size(("length", options.length, limits.max_tokens), ("number", number, limits.max_inputs))
        behind = self._states.given(given, self._name)
        prompt = chosen.make(PromptOptions).prompt
        keep, lines = flag_of(given, "keep"), chosen.make(LineOptions)
        wanted = Wanted((prompt,), options, lines, number, behind, keep=keep)
        return DrawnRequest(wanted, flag_of(given, "stream"))

    def document(self, name: str, asked: DrawnRequest, rows: Sequence[SampleRow]) -> Any:
        """Return a record for each sample."""
        return {"model": name, "answers": [self._record(row) for row in rows]}

    def event(self, name: str, asked: DrawnRequest, piece: TextPiece) -> Any:
        """Return the text of the piece; in the last of a sample, its record too."""
        ended = {} if piece.row is None else self._record(piece.row)
        return {"row": piece.index + 1, **ended, "text": piece.text}

    def _record(self, row: SampleRow) -> dict[str, Any]:
        assert row.sample is not None
        state = None if row.read is None else self._states.keep(self._name, row.read)
        return replace(row.sample, state=state).to_dict()
