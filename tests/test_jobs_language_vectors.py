"""Word vectors of another make as the embedding of a language model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Command
from tiny_task import Quiet, goes_on_exactly

from bptt.cells.catalogue import get
from bptt.data.text import Corpus
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.config import LanguageModelConfig
from bptt.jobs.language.model import LanguageModelTask, load_language_model
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.language.scoring import score_lines
from bptt.runs.run_folder import read_config
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

TEXT = "the Cat sat on 床 .\n床 , the cat don't sat <unk>\n" * 20
OPTIONS = TrainingOptions(epochs=2, learning_rate=0.02, schedule="constant")


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    lines = ["the 1 2 3", "cat 4 5 6", "床 7 8 9", "absent 0 0 0", "<unk> 9 9 9", "don't -1 0 1", "don 2 2 2"]
    path = tmp_path / "v.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def task(vectors: Path | None, level: str = "word", **model: object) -> LanguageModelTask:
    torch.manual_seed(0)
    config = LanguageModelConfig(
        get("gru"),
        replace(ModelOptions(4, 1), **model),
        DataOptions(batch_size=3, sequence_length=5),
        VocabularyOptions(level, white_space=False),
    )
    return LanguageModelTask(Corpus(TEXT, ("t.txt",)), config, vectors=vectors)


# What has a vector, by the rules of each level for what a token is: by hand.
FOUND = {
    "word": {" the": 1, " Cat": 4, " cat": 4, " 床": 7, " don": 2},
    "whitespace": {" the": 1, " Cat": 4, " cat": 4, " 床": 7, " don't": -1},
}


@pytest.mark.parametrize("level", FOUND)
def test_the_tokens_that_the_file_has_begin_as_its_vectors(level: str, vectors: Path) -> None:
    made, plain = task(vectors, level), task(None, level, embedding_size=3)
    assert made.config.model.embedding_size == 3
    tokens = made.vocabulary.tokens
    assert tokens == plain.vocabulary.tokens and not any("absent" in token for token in tokens)
    for token, row, drawn in zip(tokens, made.model.embedding, plain.model.embedding, strict=True):
        if token in FOUND[level]:
            assert row[0] == FOUND[level][token]
        else:
            assert torch.equal(row, drawn)
    said = f"vectors: 5 of the {len(tokens)} words of the vocabulary begin with one, of 3 numbers"
    assert said in made.describe()
    # Nothing else is drawn otherwise.
    assert torch.equal(made.model.output.weight, plain.model.output.weight)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_run_needs_the_file_no_more(tied: bool, frozen: bool, vectors: Path, tmp_path: Path) -> None:
    made = task(vectors, tied=tied, frozen=frozen, hidden_size=3)
    begun = made.model.embedding.detach().clone()
    train(made, OPTIONS, tmp_path / "run", Quiet())
    vectors.unlink()
    found = load_language_model(tmp_path / "run")
    assert torch.equal(found.model.embedding, begun) == frozen
    assert found.config.model == ModelOptions(3, 1, embedding_size=3, tied=tied, frozen=frozen)
    assert list(score_lines(found, ["the cat"]))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_run_goes_on_exactly(frozen: bool, vectors: Path, tmp_path: Path) -> None:
    assert goes_on_exactly(lambda: task(vectors, frozen=frozen), OPTIONS, tmp_path)


@pytest.mark.parametrize("level", ["character", "bpe"])
def test_vectors_are_of_words(level: str, vectors: Path) -> None:
    with pytest.raises(InputError, match=rf"vectors: are of words, got {level}.*`level` word or whitespace"):
        task(vectors, level)


def test_widths_must_fit(vectors: Path) -> None:
    with pytest.raises(InputError, match=r"vectors: are of an embedding, got one-hot.*`one_hot`"):
        task(vectors, embedding_size=0)
    with pytest.raises(InputError, match=r"vectors: must be as wide as the embedding, 5, got 3"):
        task(vectors, embedding_size=5)
    with pytest.raises(InputError, match=r"vectors: tied weights need .* the output, 4, got 3"):
        task(vectors, tied=True)
    with pytest.raises(InputError, match=r"frozen: is of an embedding, got one-hot"):
        ModelOptions(4, embedding_size=0, frozen=True)
    assert task(vectors, embedding_size=3).model.embedding.shape[1] == 3


def test_a_file_without_any_of_the_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("zebra 1 2\n")
    with pytest.raises(InputError, match=r"v: must have vectors of some of the"):
        task(tmp_path / "v")


def test_as_a_user_meets_it(command: Command, vectors: Path, tmp_path: Path) -> None:
    text, run = tmp_path / "t.txt", tmp_path / "run"
    text.write_text(TEXT, encoding="utf-8")
    sizes = "--level whitespace --hidden 4 --layers 1 --batch-size 3 --length 5 --schedule constant".split()
    arguments = ("train", "lm", text, *sizes)
    whole = command(*arguments, "--epochs", 2, "-o", tmp_path / "whole", "--vectors", vectors, "--freeze")
    assert whole.code == 0 and "vectors: 5 of the" in whole.err
    command(*arguments, "--epochs", 1, "-o", run, "--vectors", vectors, "--freeze")
    assert read_config(run)["model"]["frozen"]
    vectors.rename(tmp_path / "moved")
    again = command("train", "lm", text, "-o", run, "--resume", "--epochs", 2)
    assert again.code == 0, again.err
    one, other = (load_language_model(each).model.state_dict() for each in (run, tmp_path / "whole"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    tuned = ("train", "lm", text, "-o", tmp_path / "tuned", "--init-from", run)
    refused = command(*tuned, "--vectors", tmp_path / "moved")
    assert refused.code == 2 and "vectors: are for a run that begins anew" in refused.err
    assert command(*tuned, "--epochs", 1).code == 0
    hot = command(*arguments, "-o", tmp_path / "hot", "--one-hot", "--freeze")
    assert hot.code == 2 and "--freeze: is of an embedding" in hot.err and not (tmp_path / "hot").exists()
