"""A run as a folder for the hub: it loads, and its card says what the run holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import make_task
from test_exporting_runs import save

import bptt
from bptt.errors import InternalError
from bptt.exporting.card_metadata import front_matter, read_front_matter

RECORDS = (
    '{"kind": "train", "step": 1, "epoch": 1, "loss": 2.0}\n'
    '{"kind": "held-out", "step": 1, "epoch": 1, "loss": 1.25, "perplexity": 3.49034, "tokens": 70}\n'
)


def test_a_run_becomes_a_folder_that_loads(command: Command, tmp_path: Path) -> None:
    run = save(make_task(dtype=torch.float32), tmp_path / "cats")
    (run / "metrics.jsonl").write_text(RECORDS)
    done = command("export", run, "--to", "hub", "-o", tmp_path / "hub")
    assert (done.code, done.err) == (0, "")
    names = sorted(path.name for path in (tmp_path / "hub").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
    ours, theirs = bptt.load(run), bptt.load(tmp_path / "hub")
    assert theirs.score(["the cat"]) == ours.score(["the cat"])
    card = (tmp_path / "hub" / "README.md").read_text()
    assert read_front_matter(card) == {
        "library_name": "bptt",
        "tags": ["recurrent-neural-network", "lstm"],
        "pipeline_tag": "text-generation",
    }
    weights = sum(parameter.numel() for parameter in ours.model.parameters())
    for said in (
        f"# cats\n\nA language model with {weights:,} weights",
        "c = f * c_prev + i * g\n",
        "- a.txt\n",
        "| epoch | loss | perplexity | tokens |\n|---|---|---|---|\n| 1 | 1.25 | 3.49 | 70 |\n",
        "seed 0, one training",
    ):
        assert said in card


@pytest.mark.parametrize("wrong", [{"pipline_tag": "x"}, {"tags": "x"}, {"tags": [""]}, {"library_name": 3}])
def test_metadata_that_the_hub_refuses_is_found(wrong: dict[str, object]) -> None:
    with pytest.raises(InternalError, match="is a key of a card"):
        front_matter(wrong)
