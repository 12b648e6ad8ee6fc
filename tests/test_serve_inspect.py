"""`POST /v1/inspect`: gates and states obey the equations of the cell, losses follow from the states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from test_serve import answers, app, ask, folder

import bptt
from bptt.serve.app import App

__all__ = ["app", "folder"]

TEXT = "the cats were full."


def values_of(layer: Any) -> dict[str, torch.Tensor]:
    return {each["name"]: torch.tensor(each["steps"]) for each in layer["values"]}


def test_values_obey_the_equations_and_losses_follow_from_states(app: App, folder: Path) -> None:
    (found,) = answers(app, "inspect", input=TEXT, limit=8, lags=3)
    assert (found["row"], found["input"], len(found["tokens"])) == (1, TEXT, 8)
    for layer in found["layers"]:
        values = values_of(layer)
        cells, before = values["c"], torch.cat([torch.zeros_like(values["c"][:1]), values["c"][:-1]])
        torch.testing.assert_close(cells, values["f"] * before + values["i"] * values["g"], rtol=0, atol=1e-5)
        torch.testing.assert_close(values["h"], values["o"] * torch.tanh(cells), rtol=0, atol=1e-5)
    # A step reads a token, and its loss is that of the next one, given the states of the last layer.
    trained = bptt.load(str(folder / "lm"))
    with torch.no_grad():
        log_p = trained.model.log_probabilities(values_of(found["layers"][-1])["h"])
    names = [trained.vocabulary.show(token) for token in range(trained.vocabulary.size)]
    for step, follows in enumerate(found["tokens"][1:]):
        assert found["losses"][step] == pytest.approx(-float(log_p[step, names.index(follows)]), abs=1e-4)
    medians = {(each["layer"], each["quantity"]): each["median"] for each in found["gradients"]}
    assert {name for name, _ in medians} == {layer["name"] for layer in found["layers"]}
    assert all(0 < len(each) <= 4 for each in medians.values())
    assert all(each["headline"] and each["evidence"] for each in found["findings"])


def test_the_record_is_that_of_the_command_line(
    app: App, folder: Path, tmp_path: Path, command: Command
) -> None:
    (found,) = answers(app, "inspect", input=TEXT, limit=8, lags=3)
    output = tmp_path / "page.html"
    limits = "--limit", 8, "--lags", 3, "--examples", 1
    done = command("inspect", folder / "lm", "--text", TEXT, *limits, "--json", "--lang", "zh", "-o", output)
    assert json.loads(done.out) == found
    assert str(output) in done.err and output.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"limit": 201}, "at most 200"),
        ({"input": ["a", "b"]}, "must hold one text, got 2"),
        ({"more": 1}, "more"),
    ],
)
def test_limits(change: dict[str, Any], said: str, app: App) -> None:
    status, found, _ = ask(app, "/v1/inspect", {"input": TEXT, **change})
    assert status == 422
    assert said in found["detail"]
