"""`POST /v1/inspect`: gates, states and gradients of a text, as `bptt inspect` computes them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bptt.errors import InputError
from bptt.jobs.inspected import InspectAnswer
from bptt.jobs.job import Stretch
from bptt.options.choices import Choices
from bptt.options.field import check_fields, option
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.options.option_set import OptionSet
from bptt.probe.look import look
from bptt.serve.verb import Loaded, Verb, reads_texts, text_document, texts_of, texts_schema


@dataclass(frozen=True, kw_only=True)
class InspectionLimits:
    """How much of a text is inspected. Raises InputError for a value out of range."""

    limit: int = option(50, "Largest number of steps.", least=1, most=200)
    lags: int = option(50, "Steps that the gradient is followed back.", least=1, most=200)

    def __post_init__(self) -> None:
        check_fields(self)


_OPTIONS = OptionSet({"": InspectionLimits})


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a model that reads texts."""
    return Inspect(loaded) if reads_texts(loaded) else None


class Inspect(Verb):
    """Gates, states and gradients of one text, and the verdict of `bptt inspect`."""

    example: ClassVar[Mapping[str, Any]] = {"input": "a a", "limit": 2, "lags": 1}

    def __init__(self, loaded: Loaded) -> None:
        self._job, self._trained = loaded.job, loaded.trained

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The text, and the limits."""
        return {"input": texts_schema(1), **{each.name: option_schema(each) for each in _OPTIONS}}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, tuple[str, InspectionLimits]]:
        """Return the text and its limits."""
        (text,) = texts_of(given, "input", 1)
        chosen = Choices.read(_OPTIONS, {name: value for name, value in given.items() if name != "input"})
        return (), (text, chosen.make(InspectionLimits))

    def answer(self, asked: Any, items: Sequence[tuple[str, InspectionLimits]]) -> Sequence[Any]:
        """Return the record of each text."""
        return [self._answer(*item) for item in items]

    def _answer(self, text: str, asked: InspectionLimits) -> Any:
        stretch = Stretch(text_document(1, text), labelled=False, limit=asked.limit)
        try:
            exposures = self._job.expose(self._trained, stretch)
            found = look(exposures, asked.lags)
        except InputError as error:
            return error
        tokens = exposures[0].sequences[found.of].tokens
        return [InspectAnswer.of(1, text, tokens, found).to_dict()]
