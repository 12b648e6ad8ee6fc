"""A run as a folder for the hub: it loads, and its card says what the run holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import Command
from huggingface_hub import EvalResult
from huggingface_hub.repocard_data import model_index_to_eval_results
from language_models import make_task
from test_exporting_runs import save

import bptt
from bptt.errors import InternalError
from bptt.exporting.card_metadata import front_matter, read_front_matter
from bptt.exporting.model_index import model_index
from bptt.jobs.registry import find_job

RUNS = Path(__file__).parent / "golden" / "runs"
RECORDS = (
    '{"kind": "train", "step": 1, "epoch": 1, "loss": 2.0}\n'
    '{"kind": "held-out", "step": 1, "epoch": 1, "loss": 1.25, "perplexity": 3.49034, "tokens": 70}\n'
)


def results_of(card: str) -> list[EvalResult]:
    """The results of a card, as the hub's own library reads them: a missing field is a KeyError."""
    index = yaml.safe_load(card.split("---\n")[1]).get("model-index")
    return model_index_to_eval_results(index)[1] if index else []


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
        "model-index": [
            {
                "name": "cats",
                "results": [
                    {
                        "task": {"type": "text-generation", "name": "language model"},
                        "dataset": {"type": "a.txt", "name": "a.txt", "split": "validation"},
                        "metrics": [
                            {"type": "loss", "value": 1.25, "name": "loss, seed 0"},
                            {"type": "perplexity", "value": 3.49034, "name": "perplexity, seed 0"},
                        ],
                    }
                ],
            }
        ],
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


def test_what_else_lies_in_a_run_stays_there(command: Command, tmp_path: Path) -> None:
    run = save(make_task(dtype=torch.float32), tmp_path / "cats")
    config = json.loads((run / "config.json").read_text())
    own = ["held_out.json", "held_out.txt", "tokenizer.json"]
    (run / "config.json").write_text(json.dumps({**config, "files": own}))
    for name in ("report.html", "held_out.txt", "held_out.json", ".lock", "diary.txt", "metrics.jsonl"):
        (run / name).write_text("")
    (run / "metrics.jsonl").write_text(RECORDS)
    done = command("export", run, "--to", "hub", "-o", tmp_path / "hub")
    assert (done.code, done.err) == (0, "")
    names = sorted(path.name for path in (tmp_path / "hub").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
    assert bptt.load(tmp_path / "hub").score(["the cat"]) == bptt.load(run).score(["the cat"])


def exported(command: Command, run: Path, out: Path) -> str:
    done = command("export", run, "--to", "hub", "-o", out)
    assert (done.code, done.err) == (0, "")
    return (out / "README.md").read_text()


def test_the_results_are_those_of_the_evaluation_that_chose_the_weights(
    command: Command, tmp_path: Path
) -> None:
    run = tmp_path / "pets"
    shutil.copytree(RUNS / "classify-ngrams", run)
    # Chosen by macro F1: neither the last one, nor that of the best loss or accuracy.
    scores = [(0.5, 0.25, 0.5), (1.5, 0.75, 0.5), (1.0, 0.75, 0.625), (2.0, 0.75, 0.75), (3.0, 1.0, 0.75)]
    (run / "metrics.jsonl").write_text(
        "".join(
            f'{{"kind": "held-out", "step": {step}, "epoch": {step}, "loss": {loss}, "accuracy": {accuracy}, '
            f'"macro_f1": {f1}, "baseline_mae": 0.5, "coverage": Infinity, "examples": 2, "seconds": 0.1}}\n'
            for step, (loss, accuracy, f1) in enumerate([*scores, scores[0]], 1)
        )
    )
    card = exported(command, run, tmp_path / "hub")
    assert [
        (each.task_type, each.dataset_type, each.dataset_name, each.metric_type, each.metric_value)
        for each in results_of(card)
    ] == [
        ("text-classification", "unknown", "unknown", kind, value)
        for kind, value in (("loss", 2.0), ("accuracy", 0.75), ("f1", 0.75))
    ]
    assert "The weights are those of the best macro_f1." in card


@pytest.mark.parametrize("records", ["", '{"kind": "train", "step": 1, "epoch": 1, "loss": 2.0}\n', None])
def test_a_run_without_results_has_no_index(command: Command, tmp_path: Path, records: str | None) -> None:
    run = tmp_path / "run"
    shutil.copytree(RUNS / "lm-character", run)
    (run / "metrics.jsonl").unlink()
    if records is not None:
        (run / "metrics.jsonl").write_text(records)
    card = exported(command, run, tmp_path / "hub")
    assert results_of(card) == [] and "model-index" not in card


@pytest.mark.parametrize(
    ("job", "kind", "task"),
    [
        ("mark", "", "token-classification"),
        ("regress", "text", "text-classification"),
        ("regress", "table", "tabular-regression"),
        ("regress", "series", ""),
        ("forecast", "", "time-series-forecasting"),
        ("music", "", ""),
        ("classify", "dna", ""),
        ("classify", "sound", "audio-classification"),
    ],
)
def test_a_job_has_the_task_under_which_the_hub_lists_it(job: str, kind: str, task: str) -> None:
    """Series and DNA that are classified, and music as notes, are none of the hub's tasks."""
    assert find_job(job).hub_task_of(kind) == task


@pytest.mark.parametrize("run", ["tag", "classify-dna", "translate", "lm-word"])
def test_every_recorded_result_is_one_of_the_hub(command: Command, tmp_path: Path, run: str) -> None:
    results = results_of(exported(command, RUNS / run, tmp_path / "hub"))
    assert "loss" in [result.metric_type for result in results]
    for each in results:
        assert isinstance(each.metric_value, float)
        assert each.task_type and each.dataset_type and each.dataset_name and each.metric_type


def without(*keys: str) -> list[dict[str, Any]]:
    """An index without the field at the end of the keys."""
    index = model_index("run", ("other", "model"), "data", "0", {"loss": 0.5})
    found: Any = index[0]["results"][0]
    for key in keys[:-1]:
        found = found[key][0] if key == "metrics" else found[key]
    del found[keys[-1]]
    return index


@pytest.mark.parametrize(
    "path",
    [
        "task",
        "task type",
        "dataset",
        "dataset type",
        "dataset name",
        "metrics",
        "metrics type",
        "metrics value",
    ],
)
def test_an_index_that_the_hub_refuses_is_found(path: str) -> None:
    with pytest.raises(InternalError, match="model-index needs"):
        front_matter({"model-index": without(*path.split())})


@pytest.mark.parametrize("wrong", [{"pipline_tag": "x"}, {"tags": "x"}, {"tags": [""]}, {"library_name": 3}])
def test_metadata_that_the_hub_refuses_is_found(wrong: dict[str, object]) -> None:
    with pytest.raises(InternalError, match="is a key of a card"):
        front_matter(wrong)
