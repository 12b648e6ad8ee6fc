"""The OpenAPI document is valid, and what the server takes and answers follows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from job_files import SMALL, write_file
from jsonschema import Draft202012Validator
from language_models import make_task
from openapi_spec_validator import OpenAPIV31SpecValidator
from serve_app import ask, started

import bptt.serve
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.serve.app import App
from bptt.serve.openapi import PROBLEMS
from bptt.serve.registry import verb_names

# Verbs whose bodies are files.
FILES = {"upload", "transcribe"}
REQUESTS: dict[str, dict[str, Any]] = {
    "predict": {"model": "films", "input": ["fine film", "dull"], "top": 2},
    "score": {"input": "the cat"},
    "choose": {"input": ["the cat", "the cats"]},
    "next": {"input": "the", "top": 2, "last": True},
    "states": {"input": ["the", ""], "start": "line"},
    "rescore": {"input": [{"input": ["the", "a"]}], "weight": 1},
    "completions": {"prompt": ["the", ""], "max_tokens": 3, "logprobs": 1, "stop": "x", "best_of": None},
    "sample": {"prompt": "the", "length": 3, "keep": True},
    "inspect": {"model": "words", "input": "Ada to", "limit": 9},
}
# A field that no verb has, one that is missing, and values of another kind or out of range.
REFUSED = {
    "inspect": ({"limit": 201}, {"input": ["a", "b"]}),
    "next": ({"top": 0}, {"last": 1}),
    "choose": ({"input": ["one"]},),
    "predict": ({"top": 0.5},),
    "sample": ({"length": 0},),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("runs")
    task = make_task("the cat was full.\nthe cats were full.\n" * 20, dtype=torch.float32, spread=3)
    (found / "lm").mkdir()
    task.save(found / "lm")
    write_weights(task.model, found / "lm" / WEIGHTS, task.metadata)
    return found


@pytest.fixture
def app(folder: Path, command: Command) -> Iterator[App]:
    runs = {"films": "classify", "words": "tag"}
    for name, job in runs.items():
        if not (folder / name).exists():
            data = write_file(job, folder)
            assert command("train", job, data, "-o", folder / name, *SMALL[job]).code == 0
    app = started(folder / "lm", *(folder / name for name in runs), max_inputs=4)
    yield app
    app.worker.close()


def schema_at(document: Any, *path: str) -> Draft202012Validator:
    """The schema at a place of the document, with what it refers to."""
    found = document
    for each in path:
        found = found[each]
    return Draft202012Validator({**found["schema"], "components": document["components"]})


def test_the_document_is_valid_and_followed(app: App) -> None:
    status, document, headers = ask(app, "/openapi.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    OpenAPIV31SpecValidator(document).validate()
    paths = document["paths"]
    assert {name for name in paths if name.startswith("/v1/")} == {
        *(f"/v1/{verb}" for verb in verb_names() if verb not in FILES),
        "/v1/states/{state}",
        "/v1/models",
    }
    for path, operations in paths.items():
        for method, operation in operations.items():
            for answered, response in operation["responses"].items():
                if answered.isdecimal() and int(answered) >= 400 and path != "/health":
                    assert list(response["content"]) == ["application/problem+json"], (path, method)
    assert REQUESTS.keys() == set(verb_names()) - FILES
    for verb, body in REQUESTS.items():
        place = "paths", f"/v1/{verb}", "post"
        takes = schema_at(document, *place, "requestBody", "content", "application/json")
        answers = schema_at(document, *place, "responses", "200", "content", "application/json")
        refuses = schema_at(document, *place, "responses", "422", "content", "application/problem+json")
        takes.validate(body)
        status, found, _ = ask(app, f"/v1/{verb}", body)
        assert status == 200, found
        answers.validate(found)
        missing = [{name: value for name, value in body.items() if name != "input"}]
        wrong = [{**body, **change} for change in ({"other": 1}, *REFUSED.get(verb, ()))]
        for each in (*(missing if "input" in body else ()), *wrong):
            assert not takes.is_valid(each), each
            status, found, _ = ask(app, f"/v1/{verb}", each)
            assert status == 422, each
            refuses.validate(found)


def test_every_status_of_a_problem_is_in_the_document() -> None:
    raised = set()
    for path in Path(bptt.serve.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("HttpProblem", "cls"):
                raised |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}
    # Starlette itself refuses a method.
    assert raised - {405} == PROBLEMS.keys()
