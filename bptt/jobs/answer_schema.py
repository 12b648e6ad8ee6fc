"""The JSON Schema of all answers, made from the dataclasses that hold them: docs/json.md.

`bptt predict --json` and the server write what it describes. The file `answers.schema.json` beside this
module holds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

from bptt.jobs.answers import Answer, AskedInput, EvaluationRecord
from bptt.jobs.inspected import InspectAnswer
from bptt.jobs.rescore.answering import RescoreAnswer
from bptt.options.field import alternatives, hints_of
from bptt.options.json_schema import JsonSchema, schema_of

FILE = Path(__file__).with_name("answers.schema.json")
_REAL = "Real"
_ABOUT = "A number; NaN and infinity, which JSON lacks, are strings that `float` reads."


def make_schema(answers: Mapping[str, Mapping[str, Iterable[type[Any]]]]) -> JsonSchema:
    """Return the schema of the answers of jobs by their verbs.

    `$defs` has for each verb what any job answers to it, for each verb and job what that job answers, and the
    records by the names of their classes.
    """
    definitions: dict[str, JsonSchema] = {
        _REAL: {
            "description": _ABOUT,
            "anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}],
        }
    }
    verbs: dict[str, list[JsonSchema]] = {}
    for job, by_verb in answers.items():
        for verb, kinds in by_verb.items():
            found = [_record(kind, verb == "predict", definitions) for kind in kinds]
            definitions[f"{verb}.{job}"] = _one_of(found)
            verbs.setdefault(verb, []).append(reference(f"{verb}.{job}"))
    verbs["evaluate"] = [_record(EvaluationRecord, False, definitions)]
    verbs["rescore"] = [_record(RescoreAnswer, False, definitions)]
    verbs["inspect"] = [_record(InspectAnswer, False, definitions)]
    definitions |= {verb: _one_of(found) for verb, found in verbs.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers of bptt",
        "description": "A record that a command prints with `json`, one a line, or that the server answers.",
        "anyOf": [reference(verb) for verb in verbs],
        "$defs": dict(sorted(definitions.items())),
    }


@cache
def read_schema() -> JsonSchema:
    """Return the schema of the answers of all jobs of this package."""
    found: JsonSchema = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def reference(name: str) -> JsonSchema:
    """Return the reference to a definition of the schema."""
    return {"$ref": f"#/$defs/{name}"}


def _record(kind: type[Any], has_input: bool, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the reference to the schema of a record, which is added to the definitions.

    With `has_input` it begins with the fields of AskedInput, as `record_of` writes it.
    """
    if not has_input:
        return _named(kind, definitions)
    name = f"{kind.__name__}.record"
    if name not in definitions:
        asked, answer = (_object(each, definitions) for each in (AskedInput, kind))
        definitions[name] = {
            **answer,
            "properties": asked["properties"] | answer["properties"],
            "required": asked["required"] + answer["required"],
        }
    return reference(name)


def _named(kind: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the reference to the schema of a dataclass, which is added to the definitions."""
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # Its place, for a class that holds itself.
        definitions[kind.__name__] = _object(kind, definitions)
    return reference(kind.__name__)


def _object(kind: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return the schema of a dataclass. A field of an Answer that may be None is left out then."""

    def named(hint: Any) -> JsonSchema | None:
        if hint is float:
            return reference(_REAL)
        return _named(hint, definitions) if is_dataclass(hint) else None

    properties, required = {}, []
    for each in fields(kind):
        hint = hints_of(kind)[each.name]
        if issubclass(kind, Answer) and NoneType in alternatives(hint):
            (hint,) = (part for part in alternatives(hint) if part is not NoneType)
        else:
            required.append(each.name)
        properties[each.name] = schema_of(hint, named)
    return {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _one_of(found: list[JsonSchema]) -> JsonSchema:
    return found[0] if len(found) == 1 else {"anyOf": found}
