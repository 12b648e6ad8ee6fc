"""Word vectors of another make in classifiers and translators of texts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_task import Quiet

from bptt.cells.catalogue import get
from bptt.data.examples import Example, Examples, gather
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask, load_classifier
from bptt.jobs.options import ExampleOptions
from bptt.jobs.translate.config import TranslatorConfig
from bptt.jobs.translate.options import DecoderOptions, PairOptions
from bptt.jobs.translate.task import TranslateTask
from bptt.jobs.translate.translator import load_translator
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

GOOD, BAD = ("fine", "great", "好", "superb"), ("dull", "weak", "坏", "awful")
OPTIONS = TrainingOptions(epochs=10, learning_rate=0.02)


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """Opinions lie along one line; lovely, 佳 and nasty are in no training text."""
    lines = [f"{word} 3 0" for word in (*GOOD, "lovely", "佳")]
    lines += [f"{word} -3 0" for word in (*BAD, "nasty")] + ["film 0 1", "非常好 3 0"]
    path = tmp_path / "v.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def reviews() -> Examples[str, str]:
    rows = [
        Example(text, label, "r:1")
        for label, words in (("good", GOOD), ("bad", BAD))
        for word in words
        for text in (
            f"a {word} film",
            f"{word}, the film was",
            f"was the film {word.upper()}",
            f"was {word.upper()}",
        )
    ]
    return gather("r", rows)


def config(level: str = "word", kept: int = 100) -> ClassifierConfig:
    return ClassifierConfig(
        get("gru"),
        SourceOptions("columns"),
        EncoderOptions(6),
        HeadOptions(),
        TokenOptions(5, frozen=True, vector_words=kept),
        VocabularyOptions(level),
        ExampleOptions(6),
    )


def test_words_that_training_did_not_hold_are_read_by_their_vectors(vectors: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    task = ClassifyTask(reviews(), reviews(), config(), vectors=vectors)
    # With and without a space before it: lovely, 佳 and nasty. A word of several pieces cannot be met.
    assert task.config.tokens == TokenOptions(2, frozen=True, vector_words=6)
    train(task, OPTIONS, tmp_path / "run", Quiet())
    trained = load_classifier(tmp_path / "run")
    part = trained.model.body.encoder.part
    (tokens,) = trained.codec.encode("a fine,lovely was FINE 佳 佳佳 zzz")
    found = part(tokens[:, None])[:, 0].tolist()
    assert found[1] == [3, 0] and found[3] == [3, 0]
    assert found[5] == [3, 0]  # in small letters, as the file has it
    assert found[6] == found[7] == found[8] == [3, 0]
    assert tokens[-1] == 0
    answers = trained.predict(["a lovely film", "a nasty film", "佳"])
    assert [answer.label for answer in answers] == ["good", "bad", "good"]


def test_no_more_words_than_asked_for(vectors: Path) -> None:
    assert ClassifyTask(reviews(), reviews(), config(kept=1), vectors=vectors).config.tokens.vector_words == 2
    task = ClassifyTask(reviews(), reviews(), config(kept=0), vectors=vectors)
    assert task.config.tokens.vector_words == 0
    assert task._codec.encode("lovely")[0].tolist() == [0]


def test_words_between_white_space_are_read_too(vectors: Path) -> None:
    task = ClassifyTask(reviews(), reviews(), config("whitespace"), vectors=vectors)
    # lovely, 佳, nasty and 非常好, which is one word here, each with and without a space before it.
    assert task.config.tokens.vector_words == 8
    (tokens,) = task._codec.encode("非常好 lovely fine, 佳佳")
    found = task.model.body.encoder.part(tokens[:, None])[:, 0].tolist()
    assert found[:2] == [[3, 0], [3, 0]] and tokens[3] == 0


def test_vectors_are_of_words(vectors: Path) -> None:
    with pytest.raises(InputError, match="vectors: are of words, got character"):
        ClassifyTask(reviews(), reviews(), config("character"), vectors=vectors)
    genes = gather("g", [Example("ACGT", "x", "g:1"), Example("ACCT", "y", "g:2")] * 3)
    dna = ClassifierConfig(get("gru"), SourceOptions("fasta"))
    with pytest.raises(InputError, match="vectors: are of the words of texts, got dna"):
        ClassifyTask(genes, genes, dna, vectors=vectors)


def test_a_translator_reads_them_too(vectors: Path, tmp_path: Path) -> None:
    level = VocabularyOptions("word", min_count=1)
    options = TranslatorConfig(
        get("gru"),
        PairOptions(),
        EncoderOptions(6),
        DecoderOptions(hidden_size=6, embedding_size=5),
        TokenOptions(5, vector_words=100),
        level,
        level,
    )
    task = TranslateTask(reviews(), reviews(), options, vectors=vectors)
    train(task, TrainingOptions(epochs=1), tmp_path / "run", Quiet())
    trained = load_translator(tmp_path / "run")
    assert trained.config.tokens.vector_words == 6
    assert "nasty" not in " ".join(trained.vocabulary.tokens)
    (tokens,) = trained.codec.encode("nasty")
    assert trained.model.encoder.part(tokens[:, None])[:, 0].tolist() == [[-3, 0]]
