"""Skeletons from the command line: learned, held out by subject, evaluated, asked, looked into."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Command
from stick_figures import class_folders, figure, write_csv

import bptt
from bptt.runs.run_folder import WEIGHTS

SMALL = ("--epochs", 12, "--hidden", 12, "--batch-size", 8, "--group-pattern", r"/(p\d)_", "--seed", 1)
WITHIN = ("--held-out-groups", "p3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return class_folders(tmp_path_factory.mktemp("figures"), 9)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("runs") / "run"
    small = {"epochs": 12, "hidden_size": 12, "batch_size": 8, "seed": 1}
    groups = {"group_pattern": r"/(p\d)_", "held_out_groups": ("p3",)}
    bptt.train("classify", folder, found, progress=False, **small, **groups)
    return found


def test_what_was_understood_is_said(folder: Path, command: Command, tmp_path: Path) -> None:
    ended = command("train", "classify", folder, "-o", tmp_path / "run", *SMALL, *WITHIN, "--epochs", 1)
    said = ended.out + ended.err
    assert ended.code == 0
    assert "read as skeleton-folders, for it holds 18 files, such as the coordinates of joints" in said
    assert "15 joints of 3 numbers (florence15: head, neck, spine, left_shoulder" in said
    assert "up: y, the head is above the hip" in said
    assert "held out: 6 examples" in said and "mirrored: half of the bodies" in said
    assert "linear: mean of the steps" in said


def test_the_held_out_subjects_are_evaluated(run: Path, folder: Path, command: Command) -> None:
    ended = command("evaluate", run, folder)
    assert ended.code == 0
    assert "evaluated: the part dev, 6 of 18 examples" in ended.out + ended.err
    # It waves or walks: a network that learned tells them apart.
    assert "accuracy\t1" in ended.out
    every = command("evaluate", run, folder, "--part", "all")
    assert "examples\t18" in every.out
    assert command("evaluate", run, folder, "--part", "test").code == 2


def test_one_file_is_asked(run: Path, command: Command, tmp_path: Path) -> None:
    ended = command("predict", run, write_csv(tmp_path / "new.csv", figure("wave", 99)))
    assert ended.code == 0 and ended.out.startswith("wave\t")


def test_a_resumed_training_goes_on_exactly(folder: Path, command: Command, tmp_path: Path) -> None:
    # The usual schedule depends on the number of epochs.
    small = (*SMALL, *WITHIN, "--schedule", "constant")
    assert command("train", "classify", folder, "-o", tmp_path / "whole", *small, "--epochs", 4).code == 0
    assert command("train", "classify", folder, "-o", tmp_path / "parts", *small, "--epochs", 2).code == 0
    ended = command("train", "classify", folder, "-o", tmp_path / "parts", "--resume", "--epochs", 4)
    assert ended.code == 0, ended.err
    assert (tmp_path / "parts" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()


def test_an_inspection_draws_figures(run: Path, folder: Path, command: Command, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    ended = command("inspect", tmp_path / "run", "--data", folder, "--examples", 1)
    assert ended.code == 0, ended.err
