"""`bptt tune`: what is drawn, who goes on, and that the comparison sees data of its own."""

from __future__ import annotations

import json
import math
import os
import signal
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import mean, stdev

import pytest
import torch
from conftest import Command
from job_files import write_file
from tiny_task import records

from bptt.errors import InputError
from bptt.jobs.classify.trained import load_classifier
from bptt.jobs.registry import find_job, find_options, job_names
from bptt.jobs.supervised import Supervised
from bptt.options.choices import Choices
from bptt.options.field import Tried, between, magnitudes, one_of, times
from bptt.options.recipe import read_recipe
from bptt.report.tuning_record import PairedJudgement
from bptt.training.report import Progress, Silent
from bptt.training.run_options import options_of
from bptt.tuning import candidate_training
from bptt.tuning.halving import CONFIRMED, DEFAULTS, Action, RungResult, actions, epochs_of, ranked, winner
from bptt.tuning.options import SearchBudget, TuneOptions, tune_options
from bptt.tuning.search_progress import Quiet
from bptt.tuning.space import draw_candidate, draw_value, find_axes
from bptt.tuning.tune_job import run_tuning, tune

QUICK = "--hidden 4 --batch-size 8 --threads 1 --epochs 3".split()
USUAL = {"learning_rate": 0.004, "epochs": 10}


def search_films(command: Command, folder: Path, *more: object) -> str:
    """OptionSearch on a small file; returns what was printed."""
    films = folder / "films.tsv" if (folder / "films.tsv").exists() else write_file("classify", folder)
    ended = command("tune", "classify", films, "-o", folder / "out", *QUICK, "--seeds", 2, *more)
    assert ended.code == 0, ended.err
    return ended.out


@pytest.mark.parametrize(
    ("tried", "default", "low", "high"),
    [
        (between(0, 0.6), 0.0, 0, 0.6),
        (magnitudes(1e-6, 1e-3), 0.0, 1e-6, 1e-3),
        (times(0.25, 4), 32.0, 8, 128),
    ],
)
def test_numbers_are_even_in_the_stated_range_and_scale(
    tried: Tried, default: float, low: float, high: float
) -> None:
    draw, count = Random(0), 4000
    # Two digits are within 5 % of what was drawn.
    found = sorted(draw_value(tried, draw, default, whole=False) for _ in range(count))
    assert low <= found[0] and found[-1] <= high * 1.05
    scale = (lambda value: value) if tried == between(0, 0.6) else math.log
    quarter = (scale(high) - scale(low or 1)) / 4 if low else high / 4
    begin = scale(low) if low else 0.0
    shares = Counter(min(3, int((scale(value) - begin) / quarter)) for value in found if value)
    # A quarter each: five standard deviations of a binomial count.
    margin = 5 * math.sqrt(count * 0.25 * 0.75)
    assert all(abs(shares[part] - count / 4) < margin for part in range(4))


def test_a_choice_is_drawn_from_its_values() -> None:
    draw = Random(0)
    assert {draw_value(one_of("lstm", "gru"), draw, "lstm", False) for _ in range(40)} == {"lstm", "gru"}


@pytest.mark.parametrize("job", job_names())
def test_every_job_has_options_to_try(job: str) -> None:
    options = options_of(find_options(job))
    axes = find_axes(options, {}, USUAL)
    names = {axis.option.name for axis in axes}
    assert {"cell", "batch_size", "hidden_size", "num_layers", "epochs", "learning_rate"} <= names
    assert draw_candidate(axes, 0, DEFAULTS) == {}
    drawn = [draw_candidate(axes, 0, number) for number in range(1, 60)]
    assert drawn == [draw_candidate(axes, 0, number) for number in range(1, 60)]
    assert drawn != [draw_candidate(axes, 1, number) for number in range(1, 60)]
    # Each value is one that the option takes.
    for values in drawn:
        assert options.read(values) == values
    fixed = find_axes(options, {"hidden_size"}, USUAL)
    assert {axis.option.name for axis in fixed} == names - {"hidden_size"}


def simulate(losses: Sequence[float], budget: int) -> list[RungResult]:
    """Train candidates whose final loss is known and whose loss on a rung is the same, for all actions."""
    results: list[RungResult] = []
    while True:
        begun = 1 + max((each.candidate for each in results), default=-1)
        chosen = next((a for a in actions(results, begun) if a.rung or a.candidate < budget), None)
        if chosen is None:
            return results
        loss = losses[chosen.candidate]
        results.append(RungResult(chosen.candidate, chosen.rung, (-loss, -loss), 1.0))


def test_a_third_goes_on_from_each_rung_and_the_defaults_always() -> None:
    losses = [0.5, *(1 / (3 + number) for number in range(1, 27))]
    results = simulate(losses, len(losses))
    assert [(each.candidate, each.rung) for each in results[:3]] == [(0, 0), (0, 1), (0, 2)]
    on = [ranked(results, rung) for rung in range(CONFIRMED + 1)]
    assert len(on[0]) == 27
    # With the losses falling each newcomer is the best so far, and the best are never left behind.
    for below, above in pairwise(on):
        assert set(above) - {DEFAULTS} <= set(below)
        assert set(below[: len(below) // 3]) <= {*above, DEFAULTS}
    assert all(DEFAULTS in each for each in on)
    assert winner(results) == 26


def test_candidates_that_failed_do_not_go_on() -> None:
    results = [RungResult(0, rung, (-1.0, -1.0), 1.0) for rung in range(3)]
    results += [RungResult(number, 0, None, 1.0) for number in range(1, 6)]
    assert list(actions(results, 6)) == [Action(6, 0)]
    assert winner(results) == DEFAULTS


def test_rungs_are_a_ninth_a_third_and_all_epochs() -> None:
    assert [epochs_of(rung, 36) for rung in range(4)] == [4, 12, 36, 36]
    assert [epochs_of(rung, 1) for rung in range(4)] == [1] * 4


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("90s", SearchBudget(90, None)),
        ("30m", SearchBudget(1800, None)),
        ("1.5h", SearchBudget(5400, None)),
        ("7", SearchBudget(None, 7)),
    ],
)
def test_a_budget_is_a_time_or_a_number(text: str, budget: SearchBudget) -> None:
    assert TuneOptions(Path("x"), budget=text).limit == budget


@pytest.mark.parametrize("text", ["", "0", "0m", "m", "-3", "3d", "1e3"])
def test_another_budget_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="budget: is a time above 0"):
        TuneOptions(Path("x"), budget=text)


def test_a_candidate_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(
    command: Command, tmp_path: Path
) -> None:
    films = write_file("classify", tmp_path)
    out = tmp_path / "out"
    text = search_films(command, tmp_path, "--test", films, "--budget", 3)
    plan = [json.loads(line) for line in (out / "journal.jsonl").read_text("utf-8").splitlines()]
    rungs = [(each["candidate"], each["rung"]) for each in plan if each["kind"] == "rung"]
    assert rungs[:3] == [(0, 0), (0, 1), (0, 2)] and {number for number, _ in rungs} == {0, 1, 2}
    whole = tmp_path / "whole"
    assert command("train", "classify", films, "-o", whole, *QUICK).code == 0
    # The rungs stopped after epochs 1 of 3, and 1, and 3: the records and the weights are those of one run.
    ours, theirs = records(out / "trials" / "defaults"), records(whole)
    assert ours == theirs
    name = "model.safetensors"
    assert (out / "trials" / "defaults" / name).read_bytes() == (whole / name).read_bytes()
    assert "candidate\theld-out accuracy by rung" in text
    assert (out / "tuning.png").read_bytes().startswith(b"\x89PNG")
    check_recipe(command, out)


def check_recipe(command: Command, out: Path) -> None:
    """The recipe holds what was given and what was found, and trains."""
    found = json.loads((out / "tuning.json").read_text("utf-8"))
    best = next(each for each in found["candidates"] if each["number"] == found["best"])
    data = (out / "best.toml").read_bytes()
    recipe = read_recipe(data, "best.toml", options_of(find_options("classify")), "classify")
    given = {"hidden_size": 4, "batch_size": 8, "epochs": 3}
    assert recipe == {**given, **best["changed"]}
    run, films = out.parent / "run", out.parent / "films.tsv"
    ended = command("train", "classify", films, "-o", run, "--config", out / "best.toml")
    assert ended.code == 0, ended.err


def test_the_same_command_again_trains_nothing_and_other_options_are_refused(
    command: Command, tmp_path: Path
) -> None:
    first = search_films(command, tmp_path, "--budget", 2)
    journal = tmp_path / "out" / "journal.jsonl"
    before = journal.read_bytes()
    assert search_films(command, tmp_path, "--budget", 2) == first
    assert journal.read_bytes() == before
    # More of it goes on, and keeps what there is.
    search_films(command, tmp_path, "--budget", 3)
    assert journal.read_bytes().startswith(before)
    films = tmp_path / "films.tsv"
    ended = command("tune", "classify", films, "-o", tmp_path / "out", *QUICK, "--cell", "gru")
    assert ended.code == 2 and "cell: None before, gru now" in ended.err
    films.write_text(films.read_text("utf-8") + "one more\tgood\n", "utf-8")
    ended = command("tune", "classify", films, "-o", tmp_path / "out", *QUICK, "--budget", 6)
    assert ended.code == 2 and "sha256 of data" in ended.err
    ended = command("tune", "classify", films, "-o", tmp_path / "out" / "trials" / "defaults", *QUICK)
    assert ended.code == 2 and "must not be in the folder of a search, got a run" in ended.err


def test_a_search_that_is_interrupted_goes_on_as_if_it_had_not_been(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search_films(command, tmp_path, "--budget", 2)
    (tmp_path / "out").rename(tmp_path / "whole")
    films, seen = tmp_path / "films.tsv", []

    class Signalling(Silent):
        def on_step(self, progress: Progress) -> None:  # type: ignore[override]
            seen.append(progress)
            if len(seen) == 13:
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("bptt.tuning.search_progress.SearchLines.training", lambda self, title: Signalling())
    again = ("tune", "classify", films, "-o", tmp_path / "out", *QUICK, "--seeds", 2, "--budget", 2)
    stopped = command(*again)
    assert stopped.code == 128 + signal.SIGTERM and "repeat the command to continue" in stopped.out
    # A line that a crash has cut off does not count.
    journal = tmp_path / "out" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"kind": "ru')
    ended = command(*again)
    assert ended.code == 0, ended.err

    def without_times(text: str) -> list[str]:
        lines = [line.split("\t") for line in text.replace(str(tmp_path), "").splitlines()]
        kept = [[*line[:3], *line[4:]] if len(line) == 5 else line for line in lines]
        return ["\t".join(line) for line in kept if " tried in " not in line[0]]

    assert without_times(ended.out) == without_times(whole)


@pytest.mark.parametrize("job", ["lm", "classify", "tag", "translate", "music"])
def test_halves_of_what_is_held_out_are_disjoint_and_whole(job: str, tmp_path: Path) -> None:
    def held(half: int | None) -> list[str]:
        given = {"output": tmp_path / "run", "held_out": 0.4}
        options = options_of(find_options(job))
        data = next(each.name for each in options.of("") if each.about.argument)
        given |= {data: write_file(job, tmp_path)}
        torch.manual_seed(0)
        task = find_job(job).begin(Choices.read(options, given), None)
        if half is not None:
            task.keep_half(half)
            assert task.evaluate()["loss"] > 0
        if job == "lm":
            return list(task.held_out.splitlines())  # type: ignore[attr-defined]
        if isinstance(task, Supervised):
            return [str(row.place) for row in task._held_out.rows]
        return list(task._held_out.names)  # type: ignore[attr-defined]

    first, second = held(0), held(1)
    assert first and second
    assert Counter([*first, *second]) == Counter(held(None))
    if job != "lm":
        assert not set(first) & set(second)


def test_too_little_held_out_asks_for_a_test(command: Command, tmp_path: Path) -> None:
    films = tmp_path / "few.tsv"
    films.write_text("text\tlabel\n" + "".join(f"film {n}\t{'ab'[n % 2]}\n" for n in range(10)), "utf-8")
    ended = command("tune", "classify", films, "-o", tmp_path / "out", *QUICK, "--held-out", 0.1)
    assert ended.code == 2 and "both parts" in ended.err
    ended = command("tune", "classify", films, "-o", tmp_path / "out2", *QUICK, "--held-out", 0)
    assert ended.code == 2 and "candidates are chosen by held-out data" in ended.err
    ended = command("tune", "classify", films, "-o", tmp_path / "out3", "--folds", 3)
    assert ended.code == 2 and "folds" in ended.err


def test_a_candidate_that_cannot_be_made_has_failed_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {1: {"hidden_size": 2**40}, 2: {"smoothing": 0.1, "loss": "squared"}, 3: {"learning_rate": 1e30}}
    monkeypatch.setattr("bptt.tuning.search.draw_candidate", lambda axes, seed, number: drawn[number])
    films = write_file("classify", tmp_path)
    job, given = find_job("classify"), {"data": films, "output": tmp_path / "out", "budget": "4", "epochs": 2}
    found = run_tuning(job, Choices.read(tune_options(job.options), given), Quiet())
    failures = {each.number: each.rungs[0].failure for each in found.candidates}
    assert failures.pop(0) == "" and all(failures.values()) and found.best == 0


def test_the_comparison_is_on_data_that_chose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value that is judged is the metric of `bptt evaluate` on the test file."""
    films, judged = write_file("classify", tmp_path), []
    usual = candidate_training.judge

    def watched(
        problem: candidate_training.TuningProblem, values: dict[str, object], run: Path
    ) -> tuple[str, float]:
        judged.append(run)
        return usual(problem, values, run)

    monkeypatch.setattr("bptt.tuning.search.judge", watched)
    monkeypatch.setattr("bptt.tuning.search.winner", lambda results: 1)
    other = tmp_path / "other.tsv"
    other.write_text("text\tlabel\nfine film\tgood\ndull film\tgood\nfine\tbad\n", "utf-8")
    found = tune(
        "classify", films, tmp_path / "out", test=other, budget="2", seeds=2, progress=False, epochs=2
    )
    assert found.judged is not None and len(judged) == 4
    wanted = []
    for run in judged:
        trained = load_classifier(run)
        wanted.append(trained.evaluate(trained.read(other, labelled=True)).metrics["accuracy"])
    assert found.judged.defaults == (wanted[0], wanted[2]) and found.judged.tuned == (wanted[1], wanted[3])
    assert found.judged.seeds == (3, 4)


def test_the_interval_is_that_of_students_t() -> None:
    # The worked example of paired differences: mean 0.03, deviation 0.01, 3 pairs, t(2) = 4.303.
    found = PairedJudgement("f1", False, "test", (1, 2, 3), (0.1, 0.2, 0.3), (0.12, 0.23, 0.34))
    gains = [0.02, 0.03, 0.04]
    assert found.gain == pytest.approx(mean(gains))
    assert found.margin == pytest.approx(4.303 * stdev(gains) / math.sqrt(3))
    assert PairedJudgement("loss", True, "test", (1,), (2.0,), (1.5,)).gain == pytest.approx(0.5)


def test_the_page_states_the_range_of_every_option() -> None:
    page = (Path(__file__).parent.parent / "docs" / "tuning.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    stated = {row[0].strip("`"): (row[1], row[2]) for row in rows if len(row) == 3}
    declared: dict[str, tuple[str, set[str]]] = {}
    for job in job_names():
        for axis in find_axes(options_of(find_options(job)), {}, USUAL):
            declared.setdefault(axis.option.name, (axis.tried.describe(), set()))[1].add(job)
    assert {name: scale for name, (scale, _) in stated.items()} == {
        name: scale for name, (scale, _) in declared.items()
    }
    for name, (_, jobs) in stated.items():
        wanted = declared[name][1]
        assert set(jobs.split(", ")) == ({"all"} if wanted == set(job_names()) else wanted), name
