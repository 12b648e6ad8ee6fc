"""What every job answers follows the published JSON Schema, which is that of the dataclasses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import answer_schemas
import pytest
from conftest import Command
from job_files import data_of, small_options, write_file
from jsonschema import Draft202012Validator

import bptt
from bptt.files import to_json
from bptt.jobs.answer_schema import read_schema
from bptt.jobs.answers import Answer, plain_data
from bptt.jobs.registry import find_answers, job_names

LISTS = [{"id": "a", "input": ["the cat", "the hat"], "am_score": [-2, -1], "output": "the cat"}]
# What a command answers beside `predict` of a file that was learned from.
MORE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "classify": (("predict", "fine film"),),
    "tag": (("predict", "Ada to", "--n-best", "2"),),
    "mark": (("predict", "ACGGT"),),
    "translate": (("predict", "go home", "--n-best", "2"),),
    "transcribe": (("predict", "{data}", "--n-best", "2"), ("predict", "--stream", "{data}")),
    "lm": (
        ("score", "{data}"),
        ("choose", "the cat", "the cats"),
        ("next", "the"),
        ("next", "the", "--all"),
        ("sample", "--length", "3", "-n", "2"),
        ("rescore", "{lists}", "--weight", "1"),
        ("rescore", "{lists}", "--tune", "{lists}", "-o", "{lists}.out"),
    ),
    "music": (("score", "{data}"), ("sample", "--bars", "1", "-n", "2", "-o", "{lists}.mid")),
}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**read_schema(), "anyOf": [{"$ref": f"#/$defs/{name}"}]})


def no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def records(text: str) -> Iterator[Any]:
    for line in text.splitlines():
        yield json.loads(line, parse_constant=no_constant)


@pytest.mark.parametrize("job", job_names())
def test_answers_of_a_job_follow_the_schema(job: str, tmp_path: Path, command: Command) -> None:
    data, run = data_of(job, tmp_path), tmp_path / "run"
    ended = command("train", job, data, "-o", run, *small_options(job))
    assert ended.code == 0, ended.err
    file = next(data.parent.rglob("*.wav")) if job == "transcribe" else data
    lists = tmp_path / "lists.json"
    lists.write_text(json.dumps(LISTS), encoding="utf-8")
    whole = () if job in ("lm", "music") else (("predict", str(file)),)
    for verb, *given in (*whole, *MORE.get(job, ())):
        words = (each.format(data=file, lists=lists) for each in given)
        answers = command(verb, run, *words, "--json")
        assert answers.code == 0, answers.err
        name = "stream" if "--stream" in given else verb
        found = list(records(answers.out))
        # A model that has learned nothing hears nothing.
        assert found or name == "stream"
        for each in found:
            validator("rescore" if verb == "rescore" else f"{name}.{job}").validate(each)
            Draft202012Validator(read_schema()).validate(each)
    if job == "transcribe":
        (heard,) = records(command("predict", run, file, "--json").out)
        assert heard["input"] == str(file)
    (evaluated,) = records(command("evaluate", run, data, "--json").out)
    validator("evaluate").validate(evaluated)
    assert evaluated["metrics"]


def test_the_files_hold_the_schema_of_the_dataclasses() -> None:
    """If this fails: `python tests/answer_schemas.py renew`."""
    for path in answer_schemas.COPIES:
        assert path.read_text(encoding="utf-8") == answer_schemas.text(), path
    Draft202012Validator.check_schema(read_schema())


def classes(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from classes(each)


def test_every_class_of_answers_is_in_the_schema() -> None:
    find_answers()
    names = {name.removesuffix(".record") for name in read_schema()["$defs"]}
    found = {each.__name__ for each in classes(Answer) if each.__module__.startswith("bptt.")}
    # What is final about sound has more fields.
    assert found and found - {"FinalAnswer"} <= names


@pytest.mark.parametrize(
    ("verb", "change"),
    [("score", {"log_probability": None}), ("score", {"more": 1}), ("next", {"row": "1"}), ("choose", {})],
)
def test_another_record_is_refused(verb: str, change: Mapping[str, Any]) -> None:
    line = {
        "row": 1,
        "input": "a",
        "log_probability": -1.0,
        "unknown": 0,
        "tokens": [],
        "log_probabilities": [],
    }
    assert validator("score").is_valid(line)
    assert not validator(verb).is_valid(line | change)


def test_numbers_that_json_lacks_are_strings() -> None:
    line = {"row": 1, "input": "a", "log_probability": float("-inf"), "unknown": 0}
    written = to_json(plain_data({**line, "tokens": ["a"], "log_probabilities": [float("nan")]}))
    (found,) = records(written)
    assert float(found["log_probability"]) == float("-inf")
    validator("score.lm").validate(found)


def test_scores_in_another_base_are_refused_as_json(tmp_path: Path, command: Command) -> None:
    data, run = write_file("lm", tmp_path), tmp_path / "run"
    bptt.train("lm", data, run, epochs=1, hidden_size=4, embedding_size=3, progress=False)
    ended = command("score", run, data, "--json", "--base", "2")
    assert ended.code == 2
    assert "json" in ended.err and "natural logarithms" in ended.err
    ranked = list(records(command("score", run, data, "--json", "--sort").out))
    sums = [each["log_probability"] for each in ranked]
    assert sums == sorted(sums, reverse=True)
