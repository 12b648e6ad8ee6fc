"""`--select` of taggers: the held-out metric that chooses the epoch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Command
from job_files import SMALL, write_file
from test_jobs_tag import FORMS, OPTIONS, config
from tiny_task import Quiet, goes_on_exactly, records

from bptt.errors import InputError
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.task import TagTask
from bptt.runs.run_folder import read_config
from bptt.training.loop import train


def select(form: str, name: str | None) -> TagTask:
    torch.manual_seed(0)
    usual = config()
    return TagTask(FORMS[form](), None, replace(usual, tags=replace(usual.tags, select=name)))


@pytest.mark.parametrize("name", ["loss", "accuracy", "f1"])
def test_the_epoch_is_the_best_by_the_metric_that_was_chosen(name: str, tmp_path: Path) -> None:
    outcome = train(select("entities", name), replace(OPTIONS, epochs=6), tmp_path / "run", Quiet())
    held_out = [each for each in records(tmp_path / "run") if each["kind"] == "held-out"]
    sign = -1 if name == "loss" else 1
    best = max(held_out, key=lambda each: (sign * each[name], -each["loss"], -each["step"]))
    assert (outcome.criterion, outcome.best_step) == (name, best["step"])
    assert outcome.best_value == best[name]


def test_the_usual_metric_is_that_of_the_tags() -> None:
    assert [select(form, None).criterion for form in FORMS] == ["f1", "accuracy", "f1"]
    assert select("parts of speech", "loss").criterion == "loss"


def test_runs_of_the_usual_metric_are_written_as_ever(tmp_path: Path) -> None:
    select("entities", None).save(tmp_path)
    assert sorted(read_config(tmp_path)["tags"]) == ["crf", "scheme", "unit"]


def test_f1_needs_entities() -> None:
    with pytest.raises(InputError, match=r"select: f1 is of entities, got tags that spell none.*accuracy"):
        select("parts of speech", "f1")
    with pytest.raises(InputError, match="select"):
        TagOptions(select="macro_f1")


def test_a_run_goes_on_with_its_metric(tmp_path: Path) -> None:
    options = replace(OPTIONS, epochs=2, schedule="constant")
    assert goes_on_exactly(lambda: select("entities", "accuracy"), options, tmp_path)


def test_it_is_said_kept_and_recalled(command: Command, tmp_path: Path) -> None:
    data, run = write_file("tag", tmp_path), tmp_path / "run"
    begun = command("train", "tag", data, "-o", run, *SMALL["tag"], "--select", "loss")
    assert "best held-out loss" in begun.out
    assert json.loads((run / "config.json").read_text())["tags"]["select"] == "loss"
    again = command("train", "tag", data, "-o", run, "--resume", "--epochs", 3)
    assert again.code == 0 and "best held-out loss" in again.out
    other = command("train", "tag", data, "-o", run, "--resume", "--select", "accuracy")
    assert other.code == 2 and "tags.select: loss before, accuracy now" in other.err
    none = command(
        "train", "tag", data, "-o", tmp_path / "x", *SMALL["tag"], "--scheme", "none", "--select", "f1"
    )
    assert none.code == 2 and "select: f1 is of entities" in none.err
