"""The form of a verb: it reads a request of a model, and answers several at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from bptt.data.readers.document import Document
from bptt.errors import InputError
from bptt.jobs.job import Job
from bptt.models.kinds.registry import find_kind
from bptt.options.json_schema import JsonSchema
from bptt.serve.json_body import json_kind, shown_json
from bptt.serve.options import ServeOptions
from bptt.serve.shared_sampling import SharedSampling
from bptt.serve.state_store import StateStore


@dataclass(frozen=True)
class Loaded:
    """A trained model that verbs are made for: its name, its job, itself, the limits, the states that are
    kept.
    """

    name: str
    job: Job[Any]
    trained: Any
    options: ServeOptions
    states: StateStore

    @cached_property
    def drawing(self) -> SharedSampling:
        """The samples that are drawn from a language model, for all verbs together."""
        return SharedSampling(self.trained)


class AnyVerb(ABC):
    """One verb of one model as it is described."""

    # A request that every model takes: it is answered when the models are loaded, which compiles kernels.
    # None for a verb without one.
    example: ClassVar[Mapping[str, Any] | None] = {"input": ["", ""]}
    # The verb whose records are answered; "" for its own.
    records: ClassVar[str] = ""
    # The types of a body that is a file, whose options are then in the address; none for a body in JSON.
    types: ClassVar[Sequence[str]] = ()

    @property
    @abstractmethod
    def fields(self) -> Mapping[str, JsonSchema]:
        """The schemas of the fields of a request, beside `model`; one without a default is required."""

    @property
    def whole(self) -> JsonSchema | None:
        """The schema of the whole answer; None: the model, and records of the schema of all answers."""
        return None

    @property
    def summary(self) -> str:
        """The verb in a line, for the list of paths."""
        return (type(self).__doc__ or "").split("\n")[0]


class Verb(AnyVerb):
    """One verb of one model. `answer` runs in the thread that owns the model, all else in the server's."""

    @abstractmethod
    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, Any]:
        """Return what has to be equal for requests to be answered together, and the item itself.

        Raises InputError for a field that is unknown, missing, or has another type.
        """

    @abstractmethod
    def answer(self, asked: Any, items: Sequence[Any]) -> Sequence[Any]:
        """Return the answers to each item, or the error that it fails with."""

    def result(self, found: Any) -> Any:
        """Return the answers to an item as plain data: by default they are such."""
        return found


# The schema of a field that is true or false.
FLAG: JsonSchema = {"type": "boolean", "default": False}


def flag_of(given: Mapping[str, Any], name: str) -> bool:
    """Return a field that is true or false, by default false. Raises InputError for anything else."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InputError(name, "is true or false", shown_json(value))
    return value


def reads_texts(loaded: Loaded) -> bool:
    """Return whether an input can be written as a text; sounds, clips, skeletons and music are files."""
    source = getattr(loaded.trained.config, "source", None)
    if source is not None:
        return find_kind(source.kind).fits_memory
    return loaded.job.ask is not None or loaded.job.reads_on


def text_document(number: int, text: str) -> Document:
    """Return a text of a request, whose name in errors has its number."""
    return Document(f"input {number}", text, typed=True)


def texts_schema(most: int, least: int = 1) -> JsonSchema:
    """Return the schema of a field that `texts_of` reads."""
    several = {"type": "array", "items": {"type": "string"}, "minItems": least, "maxItems": most}
    return several if least > 1 else {"anyOf": [{"type": "string"}, several]}


def texts_of(given: Mapping[str, Any], name: str, most: int) -> tuple[str, ...]:
    """Return a field that is a text or a list of texts. Raises InputError for anything else."""
    if name not in given:
        raise InputError(name, "must be given", "nothing")
    value = given[name]
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise InputError(name, "must be a text, or a list of texts", json_kind(value))
    if not 1 <= len(found) <= most:
        several = f"1 to {most:,} texts" if most > 1 else "one text"
        raise InputError(name, f"must hold {several}", f"{len(found):,}")
    for each in found:
        check_unicode(name, each)
    return tuple(found)


def check_unicode(name: str, text: str) -> None:
    """Raise InputError for a text with half of a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(name, "must be valid Unicode", ascii(text[error.start])) from error


def check_names(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise InputError for a field that is not `known`."""
    for name in given:
        if name not in known:
            raise InputError(name, f"must be one of {', '.join(known)}", "another field", "Leave it out")
