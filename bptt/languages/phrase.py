"""Phrases: English texts that know the template they were made from, so that they can be translated."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias

from bptt.languages.available import Language
from bptt.languages.zh import CHINESE

# The translation of an English template, None if there is none. Its insertions are {} in the order of
# English, or {0}, {1}, … in any order.
Lookup: TypeAlias = Callable[[str], str | None]

# An enumeration of any length, which no table could list.
_LISTING = re.compile(r"\{\}(?:(?:, \{\})+|(?:; \{\})+)")
_PLACE = re.compile(r"\{(\d*)\}")


class Phrase(str):
    """An English text with the `template` and the `insertions` that it was made from.

    An insertion that is itself a phrase is translated with it; any other is a name or a number and stays.
    """

    template: str
    insertions: tuple[str, ...]

    def __new__(cls, template: str, insertions: Sequence[str] = ()) -> Phrase:
        """Make the English text."""
        made = super().__new__(cls, filled(template, insertions))
        made.template, made.insertions = template, tuple(insertions)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.template, self.insertions


def phrase(template: str, *insertions: str) -> Phrase:
    """Make a phrase from an English template in which each {} is replaced by an insertion."""
    return Phrase(template, insertions)


def table_of(language: Language) -> Lookup:
    """Return the table of a language."""
    return _chinese if language is Language.ZH else lambda template: template


def _chinese(template: str) -> str | None:
    if _LISTING.fullmatch(template):
        return template.replace(", ", "、").replace("; ", "；")
    return CHINESE.get(template)


def translate(text: str, table: Lookup) -> str:
    """Translate a phrase, or a text that the table has as it is; any other text stays."""
    if not isinstance(text, Phrase):
        return table(text) or text
    template, places = in_order(text.template, len(text.insertions), table)
    inserted = [translate(each, table) if isinstance(each, Phrase) else each for each in text.insertions]
    return filled(template, [inserted[place] for place in places])


def translated_phrases(value: Any, table: Lookup) -> Any:
    """Return a value with every phrase translated that it holds: in tuples, and in fields of dataclasses."""
    match value:
        case Phrase():
            return translate(value, table)
        case tuple():
            return tuple(translated_phrases(each, table) for each in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            inside = {f.name: translated_phrases(getattr(value, f.name), table) for f in fields(value)}
            return replace(value, **inside)
    return value


def in_order(template: str, count: int, table: Lookup) -> tuple[str, list[int]]:
    """Translate a template of `count` insertions: each is {}, and the list says which of them it is.

    A template that the table does not have stays.
    """
    found = table(template)
    if found is None:
        return template, list(range(count))
    pieces = _PLACE.split(found)
    places = [int(number) if number else place for place, number in enumerate(pieces[1::2])]
    return "{}".join(pieces[::2]), places


def filled(template: str, insertions: Sequence[str]) -> str:
    """Replace each {} of a template; without insertions it is a text, in which a {} is two characters."""
    if not insertions:
        return template
    first, *others = template.split("{}")
    return first + "".join(text + piece for text, piece in zip(insertions, others, strict=True))
