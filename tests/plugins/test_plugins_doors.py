"""Each kind of thing that packages add, by every door: a recipe, training, answers, scores, pages, Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from distributions import Installed
from test_plugins_inputs import write_recordings

FILMS = "text\tlabel\n" + "".join(f"fine film {n}\tgood\ndull film {n}\tbad\n" for n in range(20))
PAIRS = "".join(f"{a} {b} c\tc {b} {a}\n" for a in "defghij" for b in "defghij")
LETTERS = "".join(f"Hello {one}, how is {two}?\n" for one in "abcdefg" for two in "abcdefg")
OWN = (
    "from bptt.cells import Cell\nOwn = Cell.define('own', 'h = mish(W_h @ x + R_h @ h_prev)', states='h')\n"
)
SMALL = "--hidden 4 --layers 1 --epochs 1 --batch-size 8 --threads 1".split()


@dataclass(frozen=True)
class Addition:
    """Packages, each with its entry point, and how what they add is used.

    `marks` are words of config.json that show that the run has it.
    """

    packages: Mapping[str, tuple[str, str]]
    job: str
    data: str
    asked: str
    options: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


FUNCTION = {"mish-function": ("bptt.functions", "mish = mish_function:MISH")}
CELL = {"mish-cell": ("bptt.cells", "elman-mish = mish_cell:ELMAN_MISH")}
ADDITIONS = {
    "function": Addition(
        FUNCTION, "classify", "films.tsv", "a fine film", ("--cell", "own.py:Own"), ("mish(W_h",)
    ),
    "cell": Addition(
        FUNCTION | CELL, "classify", "films.tsv", "a fine film", ("--cell", "elman-mish"), ('"elman-mish"',)
    ),
    "input": Addition(
        {"samples-input": ("bptt.inputs", "samples = samples_input:SAMPLES")},
        "classify", "tones", "tones/low/3.s8", (), ('"s8-folders"',),
    ),
    "output layer": Addition(
        {"mixture-head": ("bptt.heads", "mixture = mixture_head:MIXTURE")},
        "translate", "pairs.tsv", "d e c", ("--output-layer", "mixture"), ('"output_layer": "mixture"',),
    ),
    "job": Addition(
        {"punctuate-job": ("bptt.jobs", "punctuate = punctuate_job:PUNCTUATE")},
        "punctuate", "letters.txt", "hello a how is b", ("--marks", ",?"), ('"punctuate"', '"marks": ",?"'),
    ),
    "backend": Addition(
        {"counting-backend": ("bptt.backends", "counting = counting_backend:COUNTING")},
        "classify", "films.tsv", "a fine film", environment={"BPTT_BACKEND": "counting"},
    ),
}  # fmt: skip

PYTHON = """
import bptt
made = bptt.train({job!r}, {data!r}, "python", config="recipe.toml", progress=False)
there, began = bptt.load("run"), bptt.load("begun")
pairs = zip(made.model.parameters(), there.model.parameters(), strict=True)
print(type(made) is type(there) is type(began), all(one.equal(other) for one, other in pairs))
"""


@pytest.mark.parametrize("kind", ADDITIONS)
def test_what_a_package_adds_goes_through_every_door(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    added = ADDITIONS[kind]
    for name, (group, entry) in added.packages.items():
        installed.add_source(name, {group: entry})
    for name, value in added.environment.items():
        monkeypatch.setenv(name, value)
    for name, text in {"films.tsv": FILMS, "pairs.tsv": PAIRS, "letters.txt": LETTERS, "own.py": OWN}.items():
        (tmp_path / name).write_text(text, "utf-8")
    write_recordings(tmp_path / "tones", 6)
    train, data = ("train", added.job), added.data
    commands = {
        "help": (*train, "--help-all"),
        "recipe": (*train, "--write-config", "recipe.toml", *added.options, *SMALL),
        "train": (*train, data, "-o", "run", "--config", "recipe.toml"),
        "predict": ("predict", "run", added.asked),
        "json": ("predict", "run", added.asked, "--json"),
        "evaluate": ("evaluate", "run", data),
        "inspect": ("inspect", "run", "--data", data, "--examples", "2", "-o", "page.html"),
        "derive": ("derive", "run"),
        "numbers": ("derive", "run", "--data", data),
        "begin": (*train, data, "-o", "begun", "--init-from", "run", "--epochs", "1"),
        "resume": (*train, data, "-o", "begun", "--resume", "--epochs", "2"),
    }
    code = PYTHON.format(job=added.job, data=data)
    outputs = installed.session(list(commands.values()), code, cwd=tmp_path)
    said = dict(zip((*commands, "python"), outputs, strict=True))
    assert said["python"].strip() == "True True"
    assert "finished" in said["train"] and "epoch 2" in said["resume"]
    # A translator of one epoch may answer nothing.
    assert said["predict"].endswith("\n") and json.loads(said["json"])["place"]
    assert "loss" in said["evaluate"] and "page: page.html" in said["inspect"]
    assert "∇W_" in said["derive"] and "This step adds" in said["numbers"]
    for run in ("run", "python", "begun"):
        config = (tmp_path / run / "config.json").read_text("utf-8")
        assert all(mark in config for mark in added.marks), run
