"""`POST /v1/completions`: samples in the form of OpenAI's text completions, for programs that speak it.

https://platform.openai.com/docs/api-reference/completions.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bptt.errors import InputError
from bptt.jobs.language.sampling_options import SamplingOptions
from bptt.options.field import check_fields, option
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.options.option_set import OptionSet
from bptt.serve.drawn_verb import DrawnRequest, DrawnVerb, check_size
from bptt.serve.json_body import json_kind, shown_json
from bptt.serve.sample_row import SampleRow, TextPiece, Wanted
from bptt.serve.token_records import TokenRecord
from bptt.serve.verb import FLAG, Loaded, flag_of, texts_of, texts_schema

# The largest seed that is drawn if none is given.
_SEEDS = 2**53
_MOST_STOPS = 16
_USAGE = "include_usage"
# Fields of the form that are taken only with values that change nothing.
_IDLE: Mapping[str, tuple[Any, ...]] = {
    "suffix": ("",),
    "best_of": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
}


@dataclass(frozen=True, kw_only=True)
class CompletionOptions:
    """The fields of a request that are numbers and flags. Raises InputError for one out of range."""

    max_tokens: int = option(16, "Largest number of tokens.", least=0)
    temperature: float = option(1.0, "Temperature of the softmax (0: always the likeliest).", least=0)
    top_p: float = option(1.0, "Draw from the likeliest tokens whose probabilities sum to this.")
    n: int = option(1, "Number of samples of each prompt.", least=1)
    seed: int | None = option(None, "Seed; the same seed draws the same samples.", usual="drawn", least=0)
    logprobs: int | None = option(
        None, "Number of likeliest tokens to give with ln P beside each token.", usual="no ln P", least=0
    )
    echo: bool = option(False, "Give the prompt before the text.")
    stream: bool = option(False, "Send events while the text is drawn.")

    def __post_init__(self) -> None:
        check_fields(self)


_OPTIONS = OptionSet({"": CompletionOptions})


@dataclass(frozen=True)
class _About:
    """The parts of a request that its answer shows; `echoed` are the rows that have sent their prompts."""

    options: CompletionOptions
    usage: bool
    number: str = field(default_factory=lambda: f"cmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))
    echoed: set[int] = field(default_factory=set)


def make(loaded: Loaded) -> Completions | None:
    """Return the verb for a language model."""
    return Completions(loaded) if loaded.job.reads_on else None


class Completions(DrawnVerb):
    """Samples of prompts in the form of OpenAI's text completions."""

    example: ClassVar[Mapping[str, Any]] = {"max_tokens": 2, "logprobs": 1, "echo": True}

    def __init__(self, loaded: Loaded) -> None:
        self.drawing, self._limits = loaded.drawing, loaded.options

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The fields of the form that are taken."""
        options = {each.name: _or_null(option_schema(each)) for each in _OPTIONS}
        idle = {
            name: {"enum": [None, *values], "default": values[0], "description": "Not supported."}
            for name, values in _IDLE.items()
        }
        prompt = {**texts_schema(self._limits.max_inputs), "default": ""}
        stop = _or_null({**texts_schema(_MOST_STOPS), "default": None})
        flags = {"type": "object", "properties": {_USAGE: FLAG}, "additionalProperties": False}
        usage = _or_null({**flags, "default": None})
        user = _or_null({"type": "string", "default": None})
        return {"prompt": prompt, **options, "stop": stop, "stream_options": usage, "user": user, **idle}

    @property
    def whole(self) -> JsonSchema:
        """The answer in OpenAI's form."""
        texts: JsonSchema = {name: {"type": "string"} for name in ("id", "model")}
        choices = {"type": "array", "items": {"type": "object"}}
        properties = {**texts, "object": {"const": "text_completion"}, "created": {"type": "integer"}}
        properties |= {"choices": choices, "usage": {"type": "object"}}
        return {"type": "object", "properties": properties, "required": list(properties)}

    def read(self, given: Mapping[str, Any]) -> DrawnRequest:
        """Return the request; a field that is null has its default."""
        fields = {name: value for name, value in given.items() if value is not None}
        for name, values in _IDLE.items():
            value = fields.pop(name, values[0])
            # Python takes false for 0.
            if isinstance(value, bool) or value not in values:
                raise InputError(name, "is not supported", shown_json(value), "Leave it out")
        user, usage = fields.pop("user", ""), fields.pop("stream_options", {})
        if not isinstance(user, str):
            raise InputError("user", "must be a text", json_kind(user))
        if not isinstance(usage, dict) or usage.keys() - {_USAGE}:
            rule = f"must be an object with {_USAGE} alone"
            raise InputError("stream_options", rule, shown_json(usage))
        prompts = texts_of({"prompt": fields.pop("prompt", "")}, "prompt", self._limits.max_inputs)
        stops = texts_of({"stop": fields.pop("stop")}, "stop", _MOST_STOPS) if "stop" in fields else ()
        if "" in stops:
            raise InputError("stop", "must be texts of a character or more", "an empty one")
        asked = _OPTIONS.make(CompletionOptions, _OPTIONS.read(fields))
        rows, limits = len(prompts) * asked.n, self._limits
        check_size(("max_tokens", asked.max_tokens, limits.max_tokens), ("n", rows, limits.max_inputs))
        seed = secrets.randbelow(_SEEDS) if asked.seed is None else asked.seed
        # Without a token to draw, one is drawn and left out.
        length = max(asked.max_tokens, 1)
        options = SamplingOptions(temperature=asked.temperature, top_p=asked.top_p, seed=seed, length=length)
        wanted = Wanted(
            prompts, options, number=asked.n, stops=stops, top=asked.logprobs, read_too=asked.echo
        )
        return DrawnRequest(wanted, asked.stream, _About(asked, flag_of(usage, _USAGE)))

    def document(self, name: str, asked: DrawnRequest, rows: Sequence[SampleRow]) -> Any:
        """Return all choices and what they have used."""
        choices = []
        for row in rows:
            assert row.sample is not None
            choices.append(self._choice(asked, row.index, row.sample.text, row.records, row, row))
        return {**self._chunk(name, asked, choices), "usage": self._usage(asked, rows)}

    def event(self, name: str, asked: DrawnRequest, piece: TextPiece) -> Any:
        """Return a chunk with the piece of one choice."""
        first = None if piece.index in asked.about.echoed else piece.of
        asked.about.echoed.add(piece.index)
        choice = self._choice(asked, piece.index, piece.text, piece.tokens, first, piece.row)
        return self._chunk(name, asked, [choice])

    def last_events(self, name: str, asked: DrawnRequest, rows: Sequence[SampleRow]) -> Iterator[Any]:
        """Yield a chunk without choices that holds the usage, if that was asked for."""
        if asked.about.usage:
            yield {**self._chunk(name, asked, []), "usage": self._usage(asked, rows)}

    def _choice(
        self,
        asked: DrawnRequest,
        index: int,
        text: str,
        records: Sequence[TokenRecord],
        first: SampleRow | None,
        ended: SampleRow | None,
    ) -> dict[str, Any]:
        """Return a piece of a choice, with the prompt if it is the `first`, and its end if it has `ended`."""
        options: CompletionOptions = asked.about.options
        own = text, list(records)
        if not options.max_tokens:
            own = "", []
        if options.echo and first is not None:
            own = first.form.prompt.text + own[0], [*first.read_records, *own[1]]
        reason = None
        if ended is not None and ended.sample is not None:
            reason = "stop" if ended.sample.ended == "end" and options.max_tokens else "length"
        listed = None if options.logprobs is None else _log_probabilities(own[1])
        return {"text": own[0], "index": index, "logprobs": listed, "finish_reason": reason}

    def _chunk(self, name: str, asked: DrawnRequest, choices: list[dict[str, Any]]) -> dict[str, Any]:
        about: _About = asked.about
        return {
            "id": about.number,
            "object": "text_completion",
            "created": about.created,
            "model": name,
            "choices": choices,
        }

    def _usage(self, asked: DrawnRequest, rows: Sequence[SampleRow]) -> dict[str, int]:
        options: CompletionOptions = asked.about.options
        read = sum(len(row.form.prompt.tokens) for row in rows[:: options.n])
        drawn = sum(row.sample.tokens for row in rows if row.sample is not None) if options.max_tokens else 0
        return {"prompt_tokens": read, "completion_tokens": drawn, "total_tokens": read + drawn}


def _log_probabilities(records: Sequence[TokenRecord]) -> dict[str, Any]:
    return {
        "tokens": [each.token for each in records],
        "token_logprobs": [each.log_probability for each in records],
        "top_logprobs": [each.top for each in records],
        "text_offset": [each.offset for each in records],
    }


def _or_null(schema: JsonSchema) -> JsonSchema:
    return {"anyOf": [schema, {"type": "null"}], "default": schema.get("default")}
