"""Trainings with narrow products: options, resuming, and the loss beside that of float32."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from job_files import SMALL, write_file

import bptt
from bptt.errors import InputError
from bptt.runs.placement import Placement
from bptt.runs.run_folder import read_config
from bptt.runtime.narrow import factors_now
from bptt.training.options import TrainingOptions
from bptt.training.precision import check_precision

OPTIONS: dict[str, Any] = {"hidden": 4, "batch_size": 4, "layers": 1, "embedding": 3, "progress": False}


def train(tmp_path: Path, name: str, **more: Any) -> Any:
    data = write_file("classify", tmp_path)
    return bptt.train("classify", data, tmp_path / name, **{**OPTIONS, "epochs": 2, **more})


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def test_the_command_says_the_loss_in_both_formats(tmp_path: Path, command: Command) -> None:
    data = write_file("classify", tmp_path)
    ended = command(
        "train", "classify", data, "-o", tmp_path / "run", *SMALL["classify"], "--precision", "bf16"
    )
    assert ended.code == 0
    number = r"(\d+\.\d{5})"
    line = (
        rf"held-out loss of the best weights: {number} nats per example in float32.* {number} in bf16 \(.*%\)"
    )
    found = re.search(line, ended.out)
    assert found is not None
    exact, narrow = map(float, found.groups())
    last = f"loss {exact:.4f}"
    assert last in ended.err and abs(exact - narrow) < 0.01 * exact
    assert read_config(tmp_path / "run")["training"]["precision"] == "bf16"
    train(tmp_path, "python", precision="bf16")
    assert weights(tmp_path / "python") == weights(tmp_path / "run")


def test_narrow_products_come_to_other_weights_and_are_over_afterwards(tmp_path: Path) -> None:
    train(tmp_path, "narrow", precision="bf16")
    train(tmp_path, "wide")
    assert factors_now() is None
    assert weights(tmp_path / "narrow") != weights(tmp_path / "wide")
    assert "precision" not in read_config(tmp_path / "wide")["training"]
    tensors = [*bptt.load(tmp_path / "narrow").model.parameters()]
    assert all(t.dtype == torch.float32 for t in tensors)
    assert any(not torch.equal(t, t.bfloat16().float()) for t in tensors)


def test_a_run_goes_on_in_its_precision(tmp_path: Path) -> None:
    options = {"schedule": "constant", "precision": "bf16"}
    train(tmp_path, "whole", epochs=3, **options)
    train(tmp_path, "parts", epochs=1, **options)
    with pytest.raises(InputError, match=r"training\.precision: bf16 before, None now"):
        train(tmp_path, "parts", epochs=3, resume=True, precision="float32")
    train(tmp_path, "parts", epochs=3, resume=True)
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_an_estimator_takes_it() -> None:
    texts, labels = ["good film", "bad film", "good book", "bad book"] * 3, [1, 0, 1, 0] * 3
    probabilities = []
    for precision in ("bf16", "float32"):
        options = {"hidden_size": 4, "epochs": 2, "random_state": 0, "ngrams": False}
        probabilities.append(
            bptt.SequenceClassifier(precision=precision, **options).fit(texts, labels).predict_proba(texts)
        )
    difference = abs(probabilities[0] - probabilities[1]).max()
    assert 0 < difference < 0.01


def test_other_devices_are_refused_before_anything_is_written() -> None:
    elsewhere = Placement.__new__(Placement)
    object.__setattr__(elsewhere, "device", torch.device("cuda"))
    check_precision(TrainingOptions(), elsewhere)
    with pytest.raises(InputError, match="bf16 is computed by kernels for the CPU, got cuda"):
        check_precision(TrainingOptions(precision="bf16"), elsewhere)
