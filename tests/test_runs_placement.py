"""A placement: the device by its name, and models and batches that meet there, in every job."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from language_models import make_task
from second_device import SECOND, second_device
from test_golden_runs import LINES, NAMES, RUNS, read_answers
from test_jobs_forecast import config as forecast_config
from test_jobs_forecast import monthly, pasts
from test_jobs_regress import config as regression_config
from test_jobs_regress import lengths

from bptt.errors import InputError
from bptt.jobs.forecast.task import ForecastTask
from bptt.jobs.language.evaluation import evaluate_text
from bptt.jobs.language.model import Trained
from bptt.jobs.language.sampling import SamplingOptions, read_prompt, sample_many
from bptt.jobs.loading import load
from bptt.jobs.regress.task import RegressTask
from bptt.jobs.task import Task
from bptt.runs.placement import Placement, device_of
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.report import Silent


@pytest.mark.parametrize(("text", "device"), [("cpu", "cpu"), ("cpu:0", "cpu")])
def test_a_device_by_its_name(text: str, device: str) -> None:
    assert Placement.parse(text) == Placement(torch.device(device), 0, 1)


def test_several_of_a_type_by_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert Placement.parse("cuda").device == torch.device("cuda")
    assert Placement.parse("cuda:1").device == torch.device("cuda", 1)
    message = "device: the last cuda device of this machine is cuda:1, got cuda:2. Use a number up to 1"
    with pytest.raises(InputError, match=message):
        Placement.parse("cuda:2")


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "cpu:0:1", "cuda:٣"])
def test_a_wrong_name_is_answered_with_the_right_ones(text: str) -> None:
    with pytest.raises(InputError, match=r"device: expected cpu, cuda, mps, or one of several"):
        Placement.parse(text)


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getattr(torch, name), "device_count", lambda: 0)
    with pytest.raises(InputError, match=rf"device: {name} needs such a device, .* got {name} on .*Use cpu"):
        Placement.parse(name)


@pytest.mark.parametrize(("rank", "size"), [(-1, 1), (1, 1), (2, 2), (0, 0)])
def test_a_rank_is_one_of_the_processes(rank: int, size: int) -> None:
    with pytest.raises(InputError, match="rank is from 0 to world_size - 1"):
        Placement(rank=rank, world_size=size)


def test_two_devices_are_kept_apart() -> None:
    """The instrument itself: it sees a tensor that was not moved, and one that was."""
    with second_device() as second:
        model, x = Placement(SECOND).place(torch.nn.Linear(2, 3)), torch.ones(4, 2)
        assert device_of(model) == SECOND and second.has(model.weight) and x.device.type == "cpu"
        with pytest.raises(AssertionError, match="on the CPU, others on the second device"):
            model(x)
        found = model(x.to(SECOND))
        found.sum().backward()
        assert second.has(found) and second.has(model.weight.grad) and not second.has(found.cpu())


@pytest.mark.parametrize("name", NAMES)
def test_a_run_answers_the_same_on_another_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = _answers(RUNS / name)
    with second_device() as second:
        trained = load(RUNS / name, Placement(SECOND))
        assert all(map(second.has, trained.model.parameters()))
        monkeypatch.setattr("test_golden_runs.load", lambda run: trained)
        there = _answers(RUNS / name, trained)
        assert second.operations > 10
    _close(here, there)


def _answers(run: Path, trained: Any = None) -> list[Any]:
    """What a run says: a language model of whole texts, and by steps."""
    trained = trained or load(run)
    if not isinstance(trained, Trained):
        return read_answers(run)
    text = "\n".join(LINES) + "\n"
    metrics = evaluate_text(trained.model, trained.vocabulary, trained.config.data, text)
    drawn = sample_many(trained, read_prompt(trained, "the"), SamplingOptions(length=20), 2)
    return [list(metrics.values()), drawn]


def _close(here: Any, there: Any) -> None:
    """The same text; numbers within the rounding of float32 over some hundred operations each."""
    if isinstance(here, list):
        assert len(here) == len(there)
        for one, other in zip(here, there, strict=True):
            _close(one, other)
    elif isinstance(here, float):
        assert there == pytest.approx(here, abs=200 * torch.finfo(torch.float32).eps, rel=2e-4)
    else:
        assert here == there


def language() -> Task:
    return make_task(dtype=torch.float32)


def examples(module: str, *arguments: str) -> Callable[[], Task]:
    def make() -> Task:
        torch.manual_seed(0)
        found: Task = getattr(__import__(module), "task" if arguments else "make")(*arguments)
        return found

    return make


def regression() -> Task:
    torch.manual_seed(0)
    return RegressTask(lengths(40), None, regression_config())


def forecast() -> Task:
    torch.manual_seed(0)
    return ForecastTask(pasts(monthly(60)), forecast_config())


TASKS: dict[str, Callable[[], Task]] = {
    "language": language,
    "adding": examples("test_jobs_problems"),
    "regress": regression,
    "forecast": forecast,
    "tag": examples("test_jobs_tag", "entities"),
    "classify text": examples("test_jobs_classify", "columns"),
    "classify series": examples("test_jobs_classify", "ts"),
    "translate text": examples("test_jobs_translate", "text"),
    "translate class": examples("test_jobs_translate", "class"),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_job_trains_and_goes_on_where_it_is_placed(name: str, tmp_path: Path) -> None:
    """One epoch there, and a second one here: the losses are those of a run that stayed here."""
    one = TrainingOptions(epochs=1, log_every=1, schedule="constant")
    run, two = tmp_path / "run", replace(one, epochs=2)
    with second_device() as second:
        task = TASKS[name]()
        train(task, one, run, Silent(), placement=Placement(SECOND))
        assert all(map(second.has, task.model.parameters()))
        assert all(second.has(p.grad) for p in task.model.parameters() if p.grad is not None)
    train(TASKS[name](), one, tmp_path / "here", Silent())
    for there, here in zip(*map(_losses, (run, tmp_path / "here")), strict=True):
        assert there == pytest.approx(here, rel=1e-4)
    outcome = train(TASKS[name](), two, run, Silent(), resume=True)
    assert outcome.status == "finished" and json.loads(_records(run)[-1])["epoch"] == 2


def _losses(run: Path) -> list[float]:
    records = map(json.loads, _records(run))
    return [record["loss"] for record in records if "loss" in record]


def _records(run: Path) -> list[str]:
    return (run / "metrics.jsonl").read_text("utf-8").splitlines()
