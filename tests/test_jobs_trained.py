"""A trained model from Python: a language model samples, scores and chooses; each shows what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from conftest import Command
from job_files import JOBS, SMALL, write_file
from language_models import make_task

import bptt
from bptt.errors import InputError
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.trained import TrainedLanguageModel
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

TEXT = "the cat was full 是的.\nthe cats were full 是的.\n" * 20


@pytest.fixture(scope="module", params=["continuous", "sentences"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    task = make_task(TEXT, data=DataOptions(request.param, 2, 10), dtype=torch.float32, spread=3.0)
    task.save(folder)
    write_weights(task.model, folder / WEIGHTS, task.metadata)
    return folder


def loaded(run: Path) -> TrainedLanguageModel:
    found = bptt.load(run)
    assert isinstance(found, TrainedLanguageModel)
    return found


def test_samples_are_those_of_the_command(run: Path, command: Command) -> None:
    texts = loaded(run).sample("the 是", 3, length=12, temperature=0.7, seed=3, top_k=5)
    options = "--prompt", "the 是", "--length", 12, "--temperature", 0.7, "--seed", 3, "--top-k", 5
    shown = command("sample", run, *options, "-n", 3).out
    assert shown == "".join(f"--- {number}\n{text}\n" for number, text in enumerate(texts, 1))
    assert loaded(run).sample(length=5) == [command("sample", run, "--length", 5).out.removesuffix("\n")]
    with pytest.raises(InputError, match="temperature"):
        loaded(run).sample(temperature=-1)


def test_scores_are_those_of_the_command(run: Path, command: Command) -> None:
    lines = ["the cat", "是é", ""]
    shown = command("score", run, "-", stdin="\n".join([*lines, ""]).encode()).out.splitlines()
    for score, row in zip(loaded(run).score(lines), shown, strict=True):
        total, tokens, unknown, _ = row.split("\t")
        assert score.log_probability == pytest.approx(float(total), abs=1e-5)
        assert (len(score.tokens), score.unknown) == (int(tokens), int(unknown))


def test_the_chosen_sentence_is_the_first_of_the_command(run: Path, command: Command) -> None:
    sentences = ["the cat was", "the cats were full", "the cat"]
    ranked = command("choose", run, *sentences).out.split("\n\n")[1].splitlines()[1:]
    assert loaded(run).choose(sentences) == ranked[0].split("\t")[3]
    with pytest.raises(InputError, match="sentences: must hold one or more to choose from"):
        loaded(run).choose([])


@pytest.mark.parametrize("text", ["the cat", b"the cat"])
def test_one_text_is_no_list_of_lines(run: Path, text: str) -> None:
    for ask in (loaded(run).score, loaded(run).choose):
        with pytest.raises(InputError, match="lines: must be a sequence of texts, got one text"):
            ask(text)


def test_metrics_are_those_of_the_command(run: Path, command: Command) -> None:
    text = (run / "held_out.txt").read_text(encoding="utf-8")
    shown = dict(line.split("\t") for line in command("evaluate", run).out.splitlines())
    found = loaded(run).evaluate(text)
    assert {name: f"{value:.10g}" for name, value in found.items()} == shown


def test_it_is_still_a_model_a_vocabulary_and_a_configuration(run: Path) -> None:
    model, vocabulary, config = loaded(run)
    assert (model.vocabulary_size, config.data.batch_size) == (vocabulary.size, 2)


@pytest.mark.parametrize("job", JOBS)
def test_each_trained_model_shows_job_cell_sizes_and_parameters(
    job: str, command: Command, tmp_path: Path
) -> None:
    options = *SMALL[job], "--cell", "gru", "--epochs", 1
    assert command("train", job, write_file(job, tmp_path), "-o", tmp_path / "run", *options).code == 0
    trained = bptt.load(tmp_path / "run")
    count = sum(parameter.numel() for parameter in trained.model.parameters())
    name = "language-model" if job == "lm" else job
    shown = rf"\w+\(job='{name}', cell='gru', num_layers=1, hidden_size=4, .*, parameters={count}\)"
    assert re.fullmatch(shown, repr(trained))


def test_a_model_without_recurrence_shows_no_cell(command: Command, tmp_path: Path) -> None:
    rows = "".join(f"{n % 2}.5,{n},{'no' if n % 2 else 'yes'}\n" for n in range(20))
    (tmp_path / "table.csv").write_text(f"x,y,label\n{rows}", encoding="utf-8")
    options = "--feed-forward", 3, "--epochs", 1
    assert command("train", "classify", tmp_path / "table.csv", "-o", tmp_path / "run", *options).code == 0
    shown = repr(bptt.load(tmp_path / "run"))
    assert shown.startswith("TrainedClassifier(job='classify', input='table', labels=2, parameters=")
