"""A short, seeded sample of what `make soak` runs, and the rules of the harness itself."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from random import Random

import pytest
from forked import run_forked
from soak.damage import damaged
from soak.runner import soak
from soak.target import Target, all_targets

from bptt.errors import InputError

SAMPLE = 100
PATHS = {"PYTHONPATH": str(Path(__file__).parent)}
TARGETS = all_targets()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_inputs_are_accepted_or_refused_in_a_line(name: str, tmp_path: Path) -> None:
    tally = soak(TARGETS[name], range(-(-SAMPLE // TARGETS[name].cost)), tmp_path)
    assert not tally.failures, "\n".join(tally.failures.values())
    assert tally.inputs == -(-SAMPLE // TARGETS[name].cost)


def test_an_input_is_made_again_from_its_number() -> None:
    target = Target("t", damaged([b"one 1\ntwo 2\n"]), lambda data, folder: None)
    made = [target.input(number) for number in range(100)]
    assert made == [target.input(number) for number in range(100)]
    assert len(set(made)) > 50


class Words(InputError):
    several_lines = True


def meet_number(number: int, folder: Path) -> None:
    if number == 1:
        raise InputError("f", "must be a number", "x")
    if number == 2:
        raise Words("f", "must be one line", "a\nb")
    if number == 3:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a traceback")
    if number == 4:
        warnings.warn("amid the answer", RuntimeWarning, stacklevel=1)


def test_what_a_user_must_never_see_is_a_failure_with_its_number(tmp_path: Path) -> None:
    counted = iter(range(5))
    tally = soak(Target("t", lambda random: next(counted), meet_number), range(5), tmp_path)
    assert (tally.accepted, tally.refused, tally.failed, tally.inputs) == (1, 1, 3, 5)
    found = sorted(tally.failures.values())
    assert [text.split(" at ")[0] for text in found] == [
        "t 2: Words",
        "t 3: UnicodeDecodeError",
        "t 4: RuntimeWarning",
    ]


@pytest.mark.parametrize("pause", [0, 60])
def test_a_hang_is_a_failure(pause: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(made: object, folder: Path) -> None:
        while True:
            time.sleep(pause)

    monkeypatch.setattr("soak.runner.LONGEST", 0.05)
    monkeypatch.setattr("soak.runner.LONGEST_WAIT", 0.05 if pause else 60)
    tally = soak(Target("t", Random.random, forever), range(1), tmp_path)
    assert [text.split(" at ")[0] for text in tally.failures.values()] == ["t 0: Hang"]


def test_a_training_killed_and_resumed_ends_with_the_same_bits() -> None:
    ended = run_forked("lm", "--trials", "2", module="soak.kills", environment={**os.environ, **PATHS})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].split()[:2] == ["all", "2"]
