"""Minimal pairs in the format of BLiMP (Warstadt et al. 2020): of two sentences, one is acceptable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bptt.data.readers.document import Document
from bptt.data.readers.objects import is_json, read_objects
from bptt.errors import InputError

_GOOD = "sentence_good"


@dataclass(frozen=True)
class Prefix:
    """Where the sentences part: after `text` one goes on with the word `good`, the other with `bad`."""

    text: str
    good: str
    bad: str


@dataclass(frozen=True)
class MinimalPair:
    """`paradigm` is the UID of the file. `distance` is its "dependency_length", None if it has none;
    BLiMP counts it otherwise in each paradigm, so it compares pairs of one. `prefix` is None for a
    pair that does not part at one word.
    """

    good: str
    bad: str
    paradigm: str
    distance: int | None
    prefix: Prefix | None
    place: str


def holds_minimal_pairs(document: Document) -> bool:
    """Whether a text is lines of JSON, the first one with "sentence_good"."""
    return is_json(document) and _GOOD in next(read_objects(document), ("", {}))[1]


def read_minimal_pairs(document: Document) -> tuple[MinimalPair, ...]:
    """The pairs of JSON lines with "sentence_good", "sentence_bad", "UID" and perhaps "dependency_length"
    and "one_prefix_prefix", "one_prefix_word_good", "one_prefix_word_bad".

    Raises InputError with the line if one is missing or of another kind, or both sentences are equal.
    """
    return tuple(_pair(found, place) for place, found in read_objects(document))


def _pair(found: dict[str, Any], place: str) -> MinimalPair:
    good, bad = _text(found, _GOOD, place), _text(found, "sentence_bad", place)
    if good == bad:
        raise InputError(place, "the two sentences must differ", repr(good))
    distance = found.get("dependency_length")
    if not isinstance(distance, int | None) or isinstance(distance, bool):
        raise InputError(place, '"dependency_length" must be a whole number', repr(distance))
    prefix = None
    if "one_prefix_prefix" in found:
        keys = ("one_prefix_prefix", "one_prefix_word_good", "one_prefix_word_bad")
        prefix = Prefix(*(_text(found, key, place) for key in keys))
    return MinimalPair(good, bad, _text(found, "UID", place), distance, prefix, place)


def _text(found: dict[str, Any], key: str, place: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(place, f'"{key}" must be a text', repr(value))
    return value
