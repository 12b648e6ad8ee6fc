"""A resumed run comes to the same numbers as one that never stopped, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_task import (
    BATCHES,
    PowerCut,
    Quiet,
    TinyTask,
    everything,
    records,
    run_until,
    same,
    train_tiny,
)

from bptt.errors import InputError
from bptt.runs.run_folder import read_config, write_config
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.record import synced_size

# Checkpoints after every step, or only with the evaluations.
ALWAYS, SELDOM = 0.0, 1e9


OPTIMISERS: list[dict[str, Any]] = [
    {"optimiser": "adam", "weight_decay": 0.01},
    {"optimiser": "adamw", "weight_decay": 0.01},
    {"optimiser": "sgd", "learning_rate": 0.5, "momentum": 0.9},
    {"optimiser": "sgd", "learning_rate": 0.5},
    {"optimiser": "lbfgs"},
]
SCHEDULES: list[dict[str, Any]] = [
    {"schedule": "constant", "warmup": 5},
    {"schedule": "linear"},
    {"schedule": "cosine", "clip_value": 0.01},
    {"schedule": "exponential"},
    {"schedule": "plateau"},
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda values: values["schedule"])
@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda values: "-".join(map(str, values.values())))
@pytest.mark.parametrize("every", [ALWAYS, SELDOM], ids=["always", "seldom"])
def test_every_optimiser_and_schedule_goes_on_exactly(
    tmp_path: Path, optimiser: dict[str, Any], schedule: dict[str, Any], every: float
) -> None:
    values = {**optimiser, **schedule}
    if values["optimiser"] == "lbfgs":
        values.pop("clip_value", None)
    options = TrainingOptions(epochs=4, log_every=2, checkpoint_every=every, seed=7, **values)
    train(TinyTask(), options, tmp_path / "whole", Quiet())
    # In L-BFGS a step is an epoch; the second stop hits the resumed run.
    run_until((1, 1), options, tmp_path / "run")
    run_until((3, 2), options, tmp_path / "run", resume=True)
    outcome = train(TinyTask(), options, tmp_path / "run", Quiet(), resume=True)
    assert outcome.status == "finished"
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


def test_dropout_carry_and_order_matter_to_this_test(tmp_path: Path) -> None:
    """The tiny task would notice if the random state, the carry or the position were lost."""
    options = TrainingOptions(epochs=2, checkpoint_every=ALWAYS)
    train(TinyTask(), options, tmp_path / "whole", Quiet())
    lost = {
        "random": lambda saved: saved["random"].update(cpu=torch.get_rng_state()),
        "carry": lambda saved: saved["state"].update(carry=()),
        "index": lambda saved: saved["state"].update(index=0),
    }
    for name, lose in lost.items():
        run = tmp_path / name
        run_until((1, 1), options, run)
        saved = nested_tensors.load(run / FILE)
        lose(saved)
        (run / FILE).write_bytes(nested_tensors.dumps(saved))
        train(TinyTask(), options, run, Quiet(), resume=True)
        assert not same(everything(run)["checkpoint"], everything(tmp_path / "whole")["checkpoint"])


def test_killed_before_the_first_checkpoint_it_begins_again(tmp_path: Path) -> None:
    options, quiet = TrainingOptions(epochs=2), Quiet()
    train(TinyTask(), options, tmp_path / "whole", Quiet())
    outcome = train(TinyTask(), options, tmp_path / "run", quiet, resume=True)
    assert outcome.status == "finished"
    assert "training begins" in quiet.messages[0]
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


def test_killed_between_evaluation_and_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, run = TrainingOptions(epochs=3), tmp_path / "run"
    train(TinyTask(), options, tmp_path / "whole", Quiet())

    def die(path: Path) -> int:
        if path.exists() and len(records(run)) == 4:
            raise PowerCut
        return synced_size(path)

    with monkeypatch.context() as context:
        context.setattr("bptt.training.keeping.synced_size", die)
        with pytest.raises(PowerCut):
            train(TinyTask(), options, run, Quiet())
    assert len(records(run)) == 4
    train(TinyTask(), options, run, Quiet(), resume=True)
    assert same(everything(run), everything(tmp_path / "whole"))


def test_a_finished_run_says_so(tmp_path: Path) -> None:
    options, run, quiet = TrainingOptions(epochs=2), tmp_path / "run", Quiet()
    first = train(TinyTask(), options, run, Quiet())
    before = everything(run)
    again = train(TinyTask(), options, run, quiet, resume=True)
    assert again.status == "finished before"
    assert (again.best_value, again.step) == (first.best_value, first.step)
    assert quiet.progress == []
    assert same(everything(run), before)


def test_more_epochs_go_on_and_are_the_same_as_if_asked_for_at_once(tmp_path: Path) -> None:
    short = TrainingOptions(epochs=1, schedule="exponential")
    long = replace(short, epochs=3, checkpoint_every=5.0)
    train(TinyTask(), replace(short, epochs=3), tmp_path / "whole", Quiet())
    train(TinyTask(), short, tmp_path / "run", Quiet())
    saved = nested_tensors.load(tmp_path / "run" / FILE)
    saved["state"]["seconds"] = 1000.0
    (tmp_path / "run" / FILE).write_bytes(nested_tensors.dumps(saved))
    outcome = train(TinyTask(), long, tmp_path / "run", Quiet(), resume=True)
    assert outcome.step == 3 * BATCHES
    assert outcome.seconds > 1000.0
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("task", "values", "named"),
    [
        ({}, {"optimiser": "adamw"}, "training.optimiser: adam before, adamw now"),
        ({}, {"learning_rate": 0.01}, "training.learning_rate: 0.004 before, 0.01 now"),
        ({}, {"seed": 2}, "training.seed: 0 before, 2 now"),
        ({}, {"epochs": 1}, "training.epochs: 2 before, 1 now, and epochs can only be added"),
        ({"vocabulary": "abcd"}, {}, "data.letters: 3 before, 4 now; vocab.txt would be another"),
        ({"vocabulary": "xyz"}, {}, "vocab.txt would be another"),
    ],
)
def test_another_configuration_is_refused_by_name(
    tmp_path: Path, task: dict[str, Any], values: dict[str, Any], named: str
) -> None:
    run = tmp_path / "run"
    train(TinyTask(), TrainingOptions(epochs=2), run, Quiet())
    before = everything(run)
    with pytest.raises(InputError) as caught:
        train(TinyTask(**task), TrainingOptions(**{"epochs": 2, **values}), run, Quiet(), resume=True)
    assert named in str(caught.value)
    assert same(everything(run), before)


def test_another_number_of_threads_is_told(tmp_path: Path) -> None:
    run, quiet = tmp_path / "run", Quiet()
    train(TinyTask(), TrainingOptions(epochs=1), run, Quiet())
    saved = nested_tensors.load(run / FILE)
    saved["machine"]["threads"] = 77
    (run / FILE).write_bytes(nested_tensors.dumps(saved))
    train(TinyTask(), TrainingOptions(epochs=1), run, quiet, resume=True)
    assert any("threads: 77 before" in message for message in quiet.messages)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda whole: whole["weights"].update({"out.bias": torch.zeros(9)}), r"out\.bias must be \(6,\)"),
        (lambda whole: whole["weights"].pop("out.weight"), r"out\.weight must be .*got absent"),
        (lambda whole: whole["optimiser"]["param_groups"][0].update(eps=1.0), "checkpoint of this run"),
        (lambda whole: whole["optimiser"]["param_groups"][0].update(amsgrad=0), "checkpoint of this run"),
        (lambda whole: whole["optimiser"].pop("state"), "checkpoint of this run"),
        (lambda whole: whole["state"].update(more=1), "checkpoint of this run"),
        (lambda whole: whole["random"].update(cpu=torch.zeros(3)), "checkpoint of this run"),
        (lambda whole: whole.pop("machine"), "checkpoint of this run"),
    ],
)
def test_the_checkpoint_of_another_run_is_named_and_changes_no_weight(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], object], named: str
) -> None:
    run, options = tmp_path / "run", TrainingOptions(epochs=2)
    train(TinyTask(), options, run, Quiet())
    whole = nested_tensors.load(run / FILE)
    spoil(whole)
    (run / FILE).write_bytes(nested_tensors.dumps(whole))
    task = TinyTask()
    before = {name: tensor.clone() for name, tensor in task.model.state_dict().items()}
    with pytest.raises(InputError, match=rf"last/checkpoint\.safetensors: .*{named}"):
        train(task, options, run, Quiet(), resume=True)
    assert same(before, dict(task.model.state_dict()))


def rates(run: Path) -> list[float]:
    return [record["learning_rate"] for record in records(run) if record["kind"] == "train"]


ENDS: list[dict[str, Any]] = [
    {"schedule": "linear", "log_every": 1},
    {"schedule": "cosine", "log_every": 1, "warmup": 2},
    {"schedule": "cosine", "log_every": 1, "evaluate_every": 4},
    {"schedule": "plateau", "log_every": 1, "evaluate_every": 4},
]


@pytest.mark.parametrize("values", ENDS[:2], ids=lambda values: values["schedule"])
def test_a_schedule_that_ended_begins_anew_over_the_added_epochs(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    """Twice, over 3 epochs and over 1; the warm-up belongs to the first."""
    run, quiet = tmp_path / "run", Quiet()
    options = TrainingOptions(epochs=2, learning_rate=0.01, **values)
    train(TinyTask(), options, run, Quiet())
    train(TinyTask(), replace(options, epochs=5), run, quiet, resume=True)
    train(TinyTask(), replace(options, epochs=6), run, Quiet(), resume=True)
    expected = []
    for epochs in (2, 3, 1):
        done = [step / (epochs * BATCHES) for step in range(epochs * BATCHES)]
        linear = values["schedule"] == "linear"
        expected += [0.01 * (1 - x if linear else (1 + math.cos(math.pi * x)) / 2) for x in done]
    expected[0] *= 0.5 if values.get("warmup") else 1
    assert rates(run) == pytest.approx(expected)
    told = f"schedule {values['schedule']}: the learning rate begins anew over the 3 added epochs, 3 to 5"
    assert told in quiet.messages
    # A run that is only gone on with has the stages that it has.
    train(TinyTask(), replace(options, epochs=6), run, Quiet(), resume=True)
    assert read_config(run)["training"]["stages"] == [2, 5]


@pytest.mark.parametrize("values", ENDS, ids=lambda values: "-".join(map(str, values.values())))
@pytest.mark.parametrize("stop", [(2, 1), (3, 0), (3, 2)])
def test_added_epochs_go_on_exactly_after_an_interruption(
    tmp_path: Path, values: dict[str, Any], stop: tuple[int, int]
) -> None:
    short = TrainingOptions(epochs=2, checkpoint_every=ALWAYS, **values)
    long = replace(short, epochs=4)
    for name in ("whole", "run"):
        train(TinyTask(), short, tmp_path / name, Quiet())
    train(TinyTask(), long, tmp_path / "whole", Quiet(), resume=True)
    run_until(stop, long, tmp_path / "run", resume=True)
    train(TinyTask(), long, tmp_path / "run", Quiet(), resume=True)
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


@pytest.mark.parametrize("values", ENDS, ids=lambda values: "-".join(map(str, values.values())))
def test_epochs_added_before_the_end_are_those_added_at_the_end(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    short = TrainingOptions(epochs=2, checkpoint_every=ALWAYS, **values)
    long = replace(short, epochs=4)
    train(TinyTask(), short, tmp_path / "whole", Quiet())
    train(TinyTask(), long, tmp_path / "whole", Quiet(), resume=True)
    run_until((1, 1), short, tmp_path / "run")
    train(TinyTask(), long, tmp_path / "run", Quiet(), resume=True)
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


def test_a_run_without_added_epochs_says_nothing_of_stages(tmp_path: Path) -> None:
    train(TinyTask(), TrainingOptions(epochs=2), tmp_path, Quiet())
    assert "stages" not in read_config(tmp_path)["training"]


@pytest.mark.parametrize("value", [[0], [2], [3], ["1"], "12", [1, 1], [True]])
def test_stages_that_no_run_could_have_are_refused(tmp_path: Path, value: object) -> None:
    run, options = tmp_path / "run", TrainingOptions(epochs=2)
    train(TinyTask(), options, run, Quiet())
    config = read_config(run)
    write_config(run, config | {"training": config["training"] | {"stages": value}})
    with pytest.raises(InputError, match="stages"):
        train(TinyTask(), options, run, Quiet(), resume=True)


def test_patience_that_is_spent_can_be_given_more(tmp_path: Path) -> None:
    """An outcome that stopped early says how it goes on, and then is that of more patience from the start."""
    run, quiet = tmp_path / "run", Quiet()
    options = TrainingOptions(epochs=30, learning_rate=0.5, patience=1)
    assert train(TinyTask(), options, run, Quiet()).status == "stopped early"
    assert train(TinyTask(), options, run, quiet, resume=True).status == "finished before"
    assert quiet.messages[-1] == "stopped early: a patience above 1, or 0 for no limit, lets it go on"
    for patience in (3, 0):
        more = replace(options, patience=patience)
        train(TinyTask(), more, run, Quiet(), resume=True)
        train(TinyTask(), more, tmp_path / str(patience), Quiet())
        assert same(everything(run), everything(tmp_path / str(patience)))
    with pytest.raises(InputError, match=r"training\.patience: 0 before, 5 now, and it can only grow"):
        train(TinyTask(), replace(options, patience=5), run, Quiet(), resume=True)


def test_a_run_whose_epochs_are_done_says_how_to_add_some(tmp_path: Path) -> None:
    quiet = Quiet()
    for reporter in (Quiet(), quiet):
        train(TinyTask(), TrainingOptions(epochs=2), tmp_path, reporter, resume=True)
    assert quiet.messages[-1] == "all 2 epochs are done: a larger `epochs` adds some"


def test_more_epochs_go_on_exactly_where_evaluations_fall_on_the_old_end(tmp_path: Path) -> None:
    short = TrainingOptions(epochs=2, schedule="plateau", evaluate_every=3)
    train(TinyTask(), replace(short, epochs=4), tmp_path / "whole", Quiet())
    train(TinyTask(), short, tmp_path / "run", Quiet())
    train(TinyTask(), replace(short, epochs=4), tmp_path / "run", Quiet(), resume=True)
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


def test_trained_weights_without_a_checkpoint_are_not_given_up(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(TinyTask(), TrainingOptions(epochs=2, checkpoints=1), run, Quiet())
    weights = (run / "model.safetensors").read_bytes()
    (run / FILE).unlink()
    with pytest.raises(InputError, match=r"must exist for a run to go on.*`overwrite`"):
        train(TinyTask(), TrainingOptions(epochs=2), run, Quiet(), resume=True)
    assert (run / "model.safetensors").read_bytes() == weights


def test_a_damaged_checkpoint_leaves_the_configuration_as_it_was(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(TinyTask(), TrainingOptions(epochs=2, schedule="constant", checkpoints=1), run, Quiet())
    config = (run / "config.json").read_bytes()
    (run / FILE).write_bytes(b"half")
    with pytest.raises(InputError, match="must be a whole checkpoint"):
        train(TinyTask(), TrainingOptions(epochs=3, schedule="constant"), run, Quiet(), resume=True)
    assert (run / "config.json").read_bytes() == config


def test_a_run_that_does_not_name_its_model_and_unit_goes_on(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=4)
    train_tiny(options, tmp_path / "whole")
    run_until((1, 1), options, tmp_path / "run")
    config = read_config(tmp_path / "run")
    assert (config["title"], config["unit"]) == ("model", "character")
    write_config(tmp_path / "run", {k: v for k, v in config.items() if k not in ("title", "unit")})
    train_tiny(options, tmp_path / "run", resume=True)
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))
