"""Runs exported to ONNX: graphs beside our models, and the program beside them in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from conftest import Command
from language_models import TEXT, make_task

import bptt
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.exporting.beside.exported_text import ExportedVocabulary, split_into_words
from bptt.graphs.reading_settings import vocabulary_settings
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.task import Task
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

# The largest difference of outputs; those of the graphs here are below 10.
CLOSE = 5e-6
# Runs the program of a folder where neither torch nor this package can be imported.
ALONE = """
import runpy, sys
sys.modules.update(torch=None, bptt=None)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def save(task: Task, run: Path) -> Path:
    """The folder that a training of the task would leave, without a step of training."""
    run.mkdir()
    task.save(run)
    write_weights(task.model, run / WEIGHTS, task.metadata)
    return run


def ask(folder: Path, *arguments: str, stdin: str = "") -> list[str]:
    """The lines that the program of a folder prints."""
    command = [sys.executable, "-c", ALONE, str(folder / "run.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, encoding="utf-8", check=False)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


LANGUAGE_MODELS: dict[str, dict[str, Any]] = {
    "characters": {},
    "sentences of words, a learned start": {
        "cell": "gru",
        "vocabulary": VocabularyOptions("word", lowercase=True, white_space=False),
        "data": DataOptions(batch_size=3, mode="sentences"),
        "model": ModelOptions(hidden_size=7, embedding_size=5, initial="learned"),
    },
    "byte pairs, one-hot, a cell that ONNX lacks": {
        "cell": "gru-simple",
        "vocabulary": VocabularyOptions("bpe", max_size=280),
        "model": ModelOptions(hidden_size=6, num_layers=2, embedding_size=0),
    },
    "words in clusters": {
        "vocabulary": VocabularyOptions("word", white_space=False),
        "model": ModelOptions(hidden_size=6, output_layer="adaptive", cutoffs=(2, 3, 6)),
    },
    "words read by the clusters that predict them": {
        "vocabulary": VocabularyOptions("word", white_space=False),
        "model": ModelOptions(hidden_size=6, output_layer="adaptive", cutoffs=(2, 3, 6), tied=True),
    },
}


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_language_model(name: str, tmp_path: Path) -> None:
    task = make_task(**LANGUAGE_MODELS[name], dtype=torch.float32, spread=3)
    run = save(task, tmp_path / "run")
    found = bptt.export(run, tmp_path / "out", check=True)
    assert found.measured["largest difference"] < CLOSE
    trained = bptt.load(run)
    lines = ["the cat 7 sat", "the né mat 床", ""]
    scores = [float(line) for line in ask(tmp_path / "out", "score", *lines)]
    assert scores == pytest.approx([each.log_probability for each in trained.score(lines)], abs=1e-4)
    said = ask(tmp_path / "out", "sample", "the cat", "--length", "9", "--temperature", "0")
    assert "\n".join(said) == trained.sample("the cat", length=9, temperature=0)[0]


def test_files_metadata_and_size(command: Command, tmp_path: Path) -> None:
    run = save(make_task(dtype=torch.float32), tmp_path / "run")
    done = command("export", run, "-o", tmp_path / "out", "--check", "--opset", "18")
    assert (done.code, done.err) == (0, "")
    assert [Path(line.split("\t")[0]).name for line in done.out.splitlines()[:-1]] == [
        "model.onnx",
        "score.onnx",
        "tokenizer.json",
        "export.json",
        "run.py",
    ]
    assert float(done.out.splitlines()[-1].removeprefix("largest difference\t")) < CLOSE
    trained = bptt.load(run)
    model = onnx.load(tmp_path / "out" / "model.onnx")
    facts = {each.key: each.value for each in model.metadata_props}
    assert facts["vocabulary_sha256"] == trained.vocabulary.sha256 and "f * c_prev" in facts["equations"]
    assert facts["vocab_size"] == str(trained.vocabulary.size)
    dims = [d.dim_param for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["time", "batch"] and model.opset_import[0].version == 18
    weights = 4 * sum(parameter.numel() for parameter in trained.model.parameters())
    assert (tmp_path / "out" / "model.onnx").stat().st_size < weights + 64 * 1024
    assert json.loads((tmp_path / "out" / "export.json").read_text())["bptt_version"] == bptt.__version__
    again = command("export", run, "-o", tmp_path / "out")
    assert again.code == 2 and "must be the name of a new file" in again.err


def test_what_is_no_run_is_named(command: Command, tmp_path: Path) -> None:
    done = command("export", tmp_path, "-o", tmp_path / "out")
    assert done.code == 2 and str(tmp_path) in done.err and len(done.err.splitlines()) == 1


TEXTS = (
    "The cat's 42 «mats», we'll   see…\n\nÉtat d'âme — naïve_x ½ ５",
    "我們在北京。ひらがなカタカナ ไทย ก็ 一二 don’t <unk> a<unk>b",
    "  leading\t tab\u00a0nbsp and trailing  \nΣΑΣ ﬁne 😀👍🏽 e\u0301",
    TEXT[:80],
)


@pytest.mark.parametrize("level", ["character", "word", "bpe", "whitespace"])
@pytest.mark.parametrize(
    "changes", [{}, {"lowercase": True, "normalise": "nfkc"}, {"digits": False, "punctuation": False}]
)
def test_texts_are_cut_as_we_cut_them(level: Any, changes: dict[str, Any], tmp_path: Path) -> None:
    for white_space in (True, False):
        options = VocabularyOptions(level, min_count=1, white_space=white_space, max_size=500, **changes)
        ours = Vocabulary.build(TEXT + "\n".join(TEXTS[:2]), options)
        (tmp_path / "tokenizer.json").write_bytes(ours.to_bytes())
        theirs = ExportedVocabulary(tmp_path / "tokenizer.json", dict(vocabulary_settings(options)))
        for text in TEXTS:
            tokens = ours.encode(text).tolist()
            assert theirs.encode(text) == tokens
            assert theirs.spell(tokens) == ours.decode(tokens)


def test_words_join_to_the_text() -> None:
    assert all("".join(split_into_words(text)) == text for text in TEXTS)


def test_a_batch_of_no_rows_is_refused(tmp_path: Path) -> None:
    """onnxruntime would end the process."""
    run = save(make_task(dtype=torch.float32), tmp_path / "run")
    bptt.export(run, tmp_path / "out")
    sys.path.insert(0, str(tmp_path / "out"))
    try:
        import run as program
    finally:
        sys.path.pop(0)
        sys.modules.pop("run", None)
    model = program.load(tmp_path / "out").model
    with pytest.raises(ValueError, match="a batch has at least one row"):
        model.run("score", x=program.numpy.zeros((0, 3), "i8"), x_lens=program.numpy.zeros(0, "i8"))


def test_eight_bits_cost_little_and_say_so(command: Command, tmp_path: Path) -> None:
    model = ModelOptions(hidden_size=64, embedding_size=8)
    run = save(make_task(dtype=torch.float32, model=model), tmp_path / "run")
    whole = bptt.export(run, tmp_path / "whole")
    done = command("export", run, "-o", tmp_path / "small", "--int8")
    assert (done.code, done.err) == (0, "")
    said = dict(line.split("\t") for line in done.out.splitlines())
    wanted = bptt.load(run).evaluate((run / "held_out.txt").read_text())["perplexity"]
    assert float(said["perplexity"]) == pytest.approx(wanted, rel=1e-3)
    assert float(said["perplexity, int8"]) == pytest.approx(wanted, rel=0.02)
    small = (tmp_path / "small" / "model.onnx").stat().st_size
    assert small < 0.6 * whole.files[0].stat().st_size
    operators = {node.op_type for node in onnx.load(tmp_path / "small" / "model.onnx").graph.node}
    assert "DynamicQuantizeLSTM" in operators and "LSTM" not in operators
