"""`bptt.train`, `bptt.compare` and `bptt.load` as other programs call them: what they leave alone, what they
refuse.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import bptt

# Imported before a test: rich draws from Python's generator when it is imported.
import bptt.training.python

SMALL: dict[str, Any] = {"epochs": 1, "hidden_size": 4, "progress": False}
TINY: dict[str, Any] = {"epochs": 1, "hidden_size": 4, "cells": "rnn", "lag": 3, "examples": 20}
ROWS = "label\ttext\n" + "".join(f"good\t好 fine film {n}\nbad\tpoor bad film {n}\n" for n in range(12))


@pytest.fixture
def films(tmp_path: Path) -> Path:
    path = tmp_path / "films.tsv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def weights(trained: Any) -> list[torch.Tensor]:
    return [each.detach().clone() for each in trained.model.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, one, other))


def state() -> tuple[Any, ...]:
    """Return what a caller expects to find as it was."""
    numpy_state: Any = np.random.get_state()
    generators = random.getstate(), torch.get_rng_state().tolist(), numpy_state[1].tolist()
    return *generators, torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()


def fit(films: Path) -> None:
    bptt.SequenceClassifier(hidden_size=4, epochs=1).fit(["a b", "c d"] * 5, [0, 1] * 5)


@pytest.mark.parametrize(
    "call",
    [
        lambda films: bptt.train("classify", films, films.parent / "run", threads=2, **SMALL),
        lambda films: bptt.train("classify", films, films.parent / "folds", folds=2, **SMALL),
        lambda films: bptt.compare("copy", films.parent / "compared", **TINY),
        fit,
    ],
    ids=["train", "folds", "compare", "fit"],
)
def test_generators_and_settings_are_as_before(call: Callable[[Path], Any], films: Path) -> None:
    before = state()
    call(films)
    assert state() == before


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_models_are_trained_and_loaded_in_every_mode(mode: Callable[[], Any], films: Path) -> None:
    usual = bptt.train("classify", films, films.parent / "usual", **SMALL)
    with mode():
        found = bptt.train("classify", films, films.parent / "run", **SMALL)
        fit(films)
        bptt.compare("copy", films.parent / "compared", **TINY)
        document = bptt.explain_run(films.parent / "run", text="好 film", numbers=True)
    assert same(weights(found), weights(usual))
    assert not any(each.is_inference() for each in found.model.parameters())
    shown = bptt.explain_run(films.parent / "run", text="好 film", numbers=True)
    assert bptt.explain.text(document) == bptt.explain.text(shown)


def test_trainings_in_threads_draw_their_own_numbers(films: Path) -> None:
    alone = weights(bptt.train("classify", films, films.parent / "alone", **SMALL))
    found: list[list[torch.Tensor]] = []

    def work(name: str) -> None:
        found.append(weights(bptt.train("classify", films, films.parent / name, **SMALL)))

    threads = [Thread(target=work, args=(name,)) for name in "abc"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 3 and all(same(each, alone) for each in found)


NAME = "is the name of a file or a folder, got"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: bptt.train("classify", pd.DataFrame({"a": [1] * 99}), "x"),
            f"data: {NAME} a DataFrame. Write",
        ),
        (lambda: bptt.train("lm", [3], "x"), f"data: {NAME} 3. Write data in memory into a file first"),
        (lambda: bptt.train("lm", "天地玄黄" * 99, "x"), f"data: {NAME} a str. Write data"),
        (lambda: bptt.train("lm", {"a"}, "x"), f"data: {NAME} {{'a'}}. Write data"),
        (lambda: bptt.train("lm", "a", ""), f"output: {NAME} ''. Give '.' for the current folder"),
        (lambda: bptt.train("lm", "a", "x", config={"epochs": 1}), f"config: {NAME} {{'epochs': 1}}."),
        (lambda: bptt.train("lm", "a", "x", progress="no"), "progress: is true or false, got 'no'"),  # type: ignore[arg-type]
        (lambda: bptt.train("lm", "a", "x", threads=10**10), "threads: is at most 1,024, got 10000000000"),
        (lambda: bptt.train(["lm"], "a", "x"), "job: is one of lm, music, classify, "),  # type: ignore[arg-type]
        (lambda: bptt.load(3), f"run: {NAME} 3."),  # type: ignore[arg-type]
        (lambda: bptt.load("x" * 999), f"run: {NAME} a str."),
        (lambda: bptt.load("x", None), "device: is a text, such as cpu or cuda:1, got None"),  # type: ignore[arg-type]
        (lambda: bptt.explain_run(b"x"), f"run: {NAME} b'x'."),  # type: ignore[arg-type]
        (lambda: bptt.explain_run("x", text=3), "text: is a text, or the Path of a file, got 3"),  # type: ignore[arg-type]
        (lambda: bptt.explain_run("x", layer="a"), "layer: is a whole number from 1, got 'a'"),  # type: ignore[arg-type]
        (lambda: bptt.explain_run("x", step=1.5), "step: is a whole number from 1, got 1.5"),  # type: ignore[arg-type]
        (lambda: bptt.compare(None, "x"), f"data: {NAME} None."),  # type: ignore[arg-type]
        (lambda: bptt.compare("copy", 3), f"output: {NAME} 3."),  # type: ignore[arg-type]
        (lambda: bptt.compare("copi", "x", lag=3), "'copi': must be a problem (adding or copy) or a file"),
        (lambda: bptt.Placement("cpu"), "device: is a torch.device, got 'cpu'. Give Placement.parse('cpu')"),  # type: ignore[arg-type]
        (lambda: bptt.Placement(rank="a"), "rank: is a whole number, got 'a'"),  # type: ignore[arg-type]
        (lambda: bptt.Placement(world_size=1.5), "world_size: is a whole number, got 1.5"),  # type: ignore[arg-type]
        (lambda: bptt.set_backend(["cpu"]), "set_backend: expected one of auto, cpu, reference"),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_another_type_are_refused_by_name(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(bptt.InputError) as error:
        call()
    assert str(error.value).startswith(words)


def test_a_model_is_loaded_onto_a_device_of_torch(films: Path) -> None:
    bptt.train("classify", films, films.parent / "run", **SMALL)
    found = bptt.load(films.parent / "run", torch.device("cpu"))
    assert {each.device.type for each in found.model.parameters()} == {"cpu"}
