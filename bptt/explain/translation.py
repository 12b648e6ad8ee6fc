"""A derivation in another language: every template, title and label translated, formulas as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from bptt.explain.document import Derivation, Fact, Section, Sentence
from bptt.explain.formula_tree import Formula
from bptt.languages.available import Language
from bptt.languages.phrase import Lookup, Phrase, in_order, table_of, translate


def translated(document: Derivation, language: Language) -> Derivation:
    """Return the document in a language; a sentence that its table does not have stays English."""
    if language is Language.EN:
        return document
    changed: Derivation = _changed(document, table_of(language))
    return replace(changed, language=language)


def templates(document: Derivation) -> Iterator[str]:
    """Yield every template, title and label of a document, in order."""
    found: list[str] = []
    _changed(document, found.append)
    yield from found


def _changed(part: Any, table: Lookup) -> Any:
    """Return a part of a document with its texts changed; code, excerpts and names stay."""
    match part:
        case Sentence():
            template, places = in_order(part.template, len(part.insertions), table)
            inserted = [_changed(each, table) for each in part.insertions]
            return Sentence(template, tuple(inserted[place] for place in places))
        case Phrase():
            return translate(part, table)
        case tuple():
            return tuple(_changed(each, table) for each in part)
        case Section(title=title) | Derivation(title=title):
            return replace(part, **_inside(part, table), title=translate(title, table))
        case Fact(label=label):
            return replace(part, **_inside(part, table), label=translate(label, table))
        case _ if is_dataclass(part) and not isinstance(part, Formula | type):
            return replace(part, **_inside(part, table))
    return part


def _inside(part: Any, table: Lookup) -> dict[str, Any]:
    """Return the changed fields of a dataclass, but its title and label."""
    named = (field.name for field in fields(part) if field.name not in ("title", "label"))
    return {name: _changed(getattr(part, name), table) for name in named}
