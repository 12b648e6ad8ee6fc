"""The OpenAPI 3.1 document of a server: https://spec.openapis.org/oas/v3.1.1.

Requests come from the options of the verbs, answers from the schema of all answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from bptt.jobs.answer_schema import read_schema
from bptt.options.json_schema import JsonSchema
from bptt.serve.http_problem import MEDIA_TYPE
from bptt.serve.served import Served
from bptt.version import __version__

_JSON = "application/json"
_STATE = {"enum": ["loading", "ready", "draining"]}
# The statuses of problems, with their causes.
PROBLEMS: Mapping[int, str] = {
    400: "The body is not what its type says.",
    403: "A Host or an Origin that is not allowed.",
    404: "No model of that name answers this.",
    408: "The body took too long to arrive.",
    410: "A state that was deleted, or whose time is over.",
    413: "The body is too long.",
    415: "The body has another type.",
    422: "A field is missing, unknown or out of range, or the model cannot read an input.",
    429: "Too many requests wait. Retry-After says when to come again.",
    500: "An internal error.",
    503: "The models are being loaded, or the server ends.",
    504: "The answer took too long.",
}


def make_document(models: Iterable[Served], verbs: Sequence[str]) -> dict[str, Any]:
    """Return the document for loaded models: the paths that any of them answers."""
    found = list(models)
    paths: dict[str, Any] = {
        "/": {"get": _get("page", "The page of these models.", "text/html", {"type": "string"})},
        "/models/{name}": {"get": _live_page()},
        "/health": {"get": _health()},
        "/info": {"get": _get("info", "The models, and the limits of a request.", _JSON, {"type": "object"})},
        "/metrics": {"get": _get("metrics", "Counts and durations.", "text/plain", {"type": "string"})},
        "/v1/models": {"get": _get("names", "The names of the models.", _JSON, {"type": "object"})},
        "/openapi.json": {"get": _get("openapi", "This document.", _JSON, {"type": "object"})},
    }
    for verb in verbs:
        able = [each for each in found if verb in each.verbs]
        if able:
            paths[f"/v1/{verb}"] = {"post": _post(verb, able)}
        if able and verb == "states":
            paths[f"/v1/{verb}/{{state}}"] = {"delete": _delete()}
    schemas = {"Problem": _problem(), **_moved(read_schema()["$defs"])}
    return {
        "openapi": "3.1.0",
        "info": {"title": "bptt serve", "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas, "responses": {"Problem": _refusal("A problem.")}},
    }


def _post(verb: str, able: Sequence[Served]) -> dict[str, Any]:
    """Return the operation of a verb for the models that answer it."""
    if able[0].verbs[verb].types:
        return _upload(verb, able)
    requests = [_request(each, verb, len(able) > 1) for each in able]
    answers = list({each.job.name: _answers(each, verb) for each in able}.values())
    result = _object({"model": {"type": "string"}, "answers": {"type": "array", "items": _any_of(answers)}})
    answered = _answered(verb, able, able[0].verbs[verb].whole or result)
    return {
        "operationId": verb,
        "summary": able[0].verbs[verb].summary,
        "requestBody": {"required": True, "content": {_JSON: {"schema": _any_of(requests)}}},
        "responses": {"200": answered, **_problems(PROBLEMS)},
    }


def _delete() -> dict[str, Any]:
    """Return the operation that forgets a state."""
    state = {"name": "state", "in": "path", "required": True, "schema": {"type": "string"}}
    responses = {"204": {"description": "The state is forgotten."}, **_problems((403, 404, 410))}
    return {
        "operationId": "forget",
        "summary": "Forget a state.",
        "parameters": [state],
        "responses": responses,
    }


def _upload(verb: str, able: Sequence[Served]) -> dict[str, Any]:
    """Return the operation of a verb whose requests are files, with options in the address."""
    fields = {name: schema for each in able for name, schema in each.verbs[verb].fields.items()}
    names = {"model": {"enum": [each.name for each in able]}, **fields}
    answers = list({each.job.name: _answers(each, verb) for each in able}.values())
    result = _object({"model": {"type": "string"}, "answers": {"type": "array", "items": _any_of(answers)}})
    answered = _answered(verb, able, result)
    return {
        "operationId": verb,
        "summary": able[0].verbs[verb].summary,
        "parameters": [{"name": name, "in": "query", "schema": schema} for name, schema in names.items()],
        "requestBody": {"required": True, "content": {kind: {} for kind in able[0].verbs[verb].types}},
        "responses": {"200": answered, **_problems(PROBLEMS)},
    }


def _answered(verb: str, able: Sequence[Served], result: JsonSchema) -> dict[str, Any]:
    """Return the response with the answers, as a document or as events."""
    found = _response("The answers.", _JSON, result)
    if any("stream" in each.verbs[verb].fields for each in able):
        found["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return found


def _request(served: Served, verb: str, named: bool) -> JsonSchema:
    """Return the schema of a request to a model, whose name is needed if others answer the verb, too."""
    fields = served.verbs[verb].fields
    found = _object({"model": {"const": served.name}, **fields})
    wanted = [name for name, schema in fields.items() if "default" not in schema]
    return {**found, "required": [*(["model"] if named else []), *wanted], "additionalProperties": False}


def _answers(served: Served, verb: str) -> JsonSchema:
    """Return the schema of an answer; that of a job of another package is any object."""
    verb = served.verbs[verb].records or verb
    known, name = read_schema()["$defs"], f"{verb}.{served.job.name}"
    if not any(each.startswith(f"{verb}.") for each in known):
        name = verb  # All jobs answer alike.
    return {"$ref": f"#/components/schemas/{name}"} if name in known else {"type": "object"}


def _health() -> dict[str, Any]:
    found = _object({"status": _STATE})
    responses = {"200": _response("Ready.", _JSON, found), "503": _response("Not ready.", _JSON, found)}
    return {"operationId": "health", "summary": "Whether the models are loaded.", "responses": responses}


def _get(name: str, summary: str, kind: str, schema: JsonSchema) -> dict[str, Any]:
    responses = {"200": _response(summary, kind, schema), **_problems((403, 503))}
    return {"operationId": name, "summary": summary, "responses": responses}


def _live_page() -> dict[str, Any]:
    found = _get("live", "The live page of a model.", "text/html", {"type": "string"})
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return {**found, "parameters": [name], "responses": {**found["responses"], **_problems((404, 422))}}


def _problems(statuses: Iterable[int]) -> dict[str, Any]:
    listed = {str(each): _refusal(f"{HTTPStatus(each).phrase}: {PROBLEMS[each]}") for each in statuses}
    return {**listed, "default": {"$ref": "#/components/responses/Problem"}}


def _refusal(about: str) -> dict[str, Any]:
    return _response(about, MEDIA_TYPE, {"$ref": "#/components/schemas/Problem"})


def _response(about: str, kind: str, schema: JsonSchema) -> dict[str, Any]:
    return {"description": about, "content": {kind: {"schema": schema}}}


def _problem() -> JsonSchema:
    """Return the schema of a problem document: RFC 9457."""
    texts = {name: {"type": "string"} for name in ("type", "title", "detail")}
    return _object({**texts, "status": {"type": "integer"}})


def _object(properties: Mapping[str, JsonSchema]) -> JsonSchema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _any_of(schemas: Sequence[JsonSchema]) -> JsonSchema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _moved(value: Any) -> Any:
    """Return a part of the schema of answers with its references as those of the document."""
    if isinstance(value, Mapping):
        return {
            key: each.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(each)
            for key, each in value.items()
        }
    return [_moved(each) for each in value] if isinstance(value, list) else value
