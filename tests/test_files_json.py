"""Numbers that are not finite in the JSON that is written: any reader takes it, and ours read it back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from bptt.files import to_json
from bptt.jobs.older import older_names
from bptt.report.comparison_record import COMPARISON, read_comparison
from bptt.report.comparison_words import conclusions, table
from bptt.report.run_records import read_training
from bptt.report.training_figure import draw_training
from bptt.runs.run_folder import write_bytes
from bptt.training import nested_tensors
from bptt.training.record import append_record

ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def refused(word: str) -> NoReturn:
    raise AssertionError(f"{word} is no JSON")


def strict(text: str) -> Any:
    """What a reader that keeps to RFC 8259 makes of a text."""
    return json.loads(text, parse_constant=refused)


@pytest.mark.parametrize("word", ODD)
def test_what_is_not_finite_is_a_string_that_float_reads(word: str) -> None:
    given = {"loss": ODD[word], "近": [1.5, (ODD[word], "x")], "none": None, "flag": True, "count": 10**30}
    found = strict(to_json(given))
    assert found == {"loss": word, "近": [1.5, [word, "x"]], "none": None, "flag": True, "count": 10**30}
    assert str(float(found["loss"])) == str(ODD[word])
    assert "近" in to_json(given)


def test_what_is_finite_is_as_before() -> None:
    given = {"step": 3, "loss": 0.1 + 0.2, "tiny": 5e-324, "curves": [{"median": (1.0, 0.5)}]}
    assert to_json(given) == json.dumps(given) and to_json(given, indent=1) == json.dumps(given, indent=1)


def records(run: Path, norm: float) -> None:
    """A run of two updates that overflows in the second."""
    run.mkdir(parents=True)
    config = {"cell": {"name": "lstm"}, "task": "classify", "model": {"num_layers": 1, "hidden_size": 2}}
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    curve = {"layer": "layer 1", "quantity": "δ", "tenth": None, "factor": norm, "median": [1.0, 2.0, norm]}
    for step in (1, 2):
        common = {"step": step, "epoch": 1, "seconds": 0.5}
        for kind, more in (
            ("train", {"loss": 1.0 if step == 1 else norm, "gradient_norm": 1.0 if step == 1 else norm}),
            ("held-out", {"loss": 0.7 if step == 1 else norm, "perplexity": math.inf}),
            ("gradient", {"losses": 1, "curves": [curve]}),
        ):
            append_record(run / "metrics.jsonl", {"kind": kind, **common, **more})


@pytest.mark.parametrize("norm", [math.inf, math.nan])
def test_records_of_a_run_that_overflows_are_read_and_drawn(tmp_path: Path, norm: float) -> None:
    records(tmp_path / "run", norm)
    for line in (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        strict(line)
    found = read_training(tmp_path / "run", older_names)
    assert found.train.losses[0] == 1.0 and str(found.train.losses[1]) == str(norm)
    assert found.reach is not None and str(found.reach.norms[0][2]) == str(norm)
    draw_training(found, tmp_path / "training.png")


@pytest.mark.parametrize("old", [True, False])
def test_a_comparison_with_numbers_that_are_not_finite_is_read(tmp_path: Path, old: bool) -> None:
    """Also one of an earlier version, which wrote the words of Python."""
    records(tmp_path / "rnn", math.inf)
    curve = {"layer": "layer 1", "quantity": "δ", "tenth": None, "factor": 1.0, "median": [1.0, math.inf]}
    run = {
        "variant": "rnn", "run": "rnn", "seed": 0, "cell": "elman-tanh", "hidden_size": 2, "weights": 9,
        "clip_norm": math.inf, "start": {"losses": 1, "curves": [curve]}, "end": None, "failure": "",
    }  # fmt: skip
    whole = {"title": "x", "lag": 1, "baseline": None, "runs": [run]}
    text = json.dumps(whole) if old else to_json(whole)
    write_bytes(tmp_path / COMPARISON, text.encode())
    if not old:
        strict(text)
    found = read_comparison(tmp_path)
    assert found.variants[0].runs[0].start.left == math.inf
    assert len(table(found)) == 2 and len(conclusions(found)) == 1


def test_a_checkpoint_keeps_what_is_not_finite(tmp_path: Path) -> None:
    value = {"best": math.inf, "worst": (-math.inf, [1.5]), "none": math.nan, "x": torch.ones(2)}
    (tmp_path / "last.safetensors").write_bytes(nested_tensors.dumps(value))
    raw = nested_tensors.dumps(value)
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]["values"]
    strict(header)
    found = nested_tensors.load(tmp_path / "last.safetensors")
    assert (found["best"], found["worst"]) == (math.inf, (-math.inf, [1.5]))
    assert math.isnan(found["none"]) and torch.equal(found["x"], torch.ones(2))
