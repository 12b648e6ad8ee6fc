"""`POST /v1/rescore`: the texts, weights and error rates of `bptt rescore` for the same lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from serve_app import answers, ask, save_model, started

from bptt.serve.app import App

LISTS = [
    {"id": "a", "input": ["THE CAT", "THE HAT"], "am_score": [-0.5, -1.5], "output": "THE HAT"},
    {"id": "b", "input": ["WAS FULL", "WERE FULL"], "am_score": [-2.5, -3.5], "output": "WAS FULL"},
    {"id": "c", "input": ["CATS", "A CAT", "HATS"], "am_score": [-4.5, -5.5, -6.5], "output": "A CAT"},
]
UNREFERENCED = [{name: value for name, value in each.items() if name != "output"} for each in LISTS]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("runs") / "lm"
    save_model(folder)
    found = started(folder, max_inputs=8)
    yield found
    found.worker.close()


@pytest.mark.parametrize(
    "options", [{"weight": 0.3, "per_word": 2.0}, {"weight": 0.0}, {"weight": 5, "case": "upper"}]
)
def test_the_choice_is_that_of_the_command_line(
    app: App, command: Command, tmp_path: Path, options: dict[str, Any]
) -> None:
    (tmp_path / "lists.json").write_text(json.dumps(UNREFERENCED), encoding="utf-8")
    flags = [each for name, value in options.items() for each in ("--" + name.replace("_", "-"), value)]
    printed = command("rescore", app.models["lm"].run, tmp_path / "lists.json", *flags).out
    (found,) = answers(app, "rescore", input=UNREFERENCED, **options)
    assert [f"{each['name']} {each['text']}" for each in found["chosen"]] == printed.splitlines()
    for each, given in zip(found["chosen"], LISTS, strict=True):
        assert given["input"][each["hypothesis"] - 1] == each["text"]
    assert "rescored" not in found
    as_json = command("rescore", app.models["lm"].run, tmp_path / "lists.json", *flags, "--json").out
    assert json.loads(as_json) == found


def test_weights_are_tuned_and_errors_counted_as_on_the_command_line(
    app: App, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "lists.json").write_text(json.dumps(LISTS), encoding="utf-8")
    path = tmp_path / "lists.json"
    ended = command("rescore", app.models["lm"].run, path, "--tune", path)
    (found,) = answers(app, "rescore", input=LISTS, tune=LISTS)
    as_json = command("rescore", app.models["lm"].run, path, "--tune", path, "--json").out
    assert json.loads(as_json) == found
    assert (
        f"--weight {found['weights']['language']:.6g} --per-word {found['weights']['per_word']:.6g}"
        in ended.err
    )
    assert f"{found['case']} case" in ended.err
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in ended.out.splitlines()[1:]}
    for name, row in (("first", "1-best"), ("rescored", "rescored"), ("oracle", "oracle")):
        each = found[name]
        counts = [
            each[key] for key in ("errors", "words", "hits", "substitutions", "deletions", "insertions")
        ]
        assert [f"{each['error_rate']:.2%}", *map(str, counts)] == rows[row]
    assert answers(app, "rescore", input=LISTS, tune_share=0.4)[0]["weights"]


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("needs one of `weight`, `tune`, `tune_share`, got none", {"input": LISTS}),
        ("got `weight` and `tune`", {"input": LISTS, "weight": 1, "tune": LISTS}),
        ("references: must be left out of a request: it names a file", {"input": LISTS, "references": "/x"}),
        ("costs: must be left out", {"input": LISTS, "costs": ["/x"], "weight": 1}),
        ("input: must be a list of n-best lists", {"input": "x", "weight": 1}),
        ('input: entry 1: "input" must be a list of texts', {"input": [{"input": [1]}], "weight": 1}),
        ("input: must be valid Unicode", {"input": [{"input": ["\ud800"]}], "weight": 1}),
        ("input: must be valid Unicode", {"input": [{"input": ["a"], "output": "\ud800"}], "weight": 1}),
        ("input: must hold at most 8 texts, got 14", {"input": LISTS * 2, "weight": 1}),
        ("must say what was said in each utterance", {"input": LISTS, "tune": UNREFERENCED}),
    ],
)
def test_a_fault_of_the_lists_is_named(app: App, said: str, body: Any) -> None:
    status, problem, _ = ask(app, "/v1/rescore", body)
    assert status == 422 and said in problem["detail"]
