"""Translators of every kind of source: what they learn, what they keep, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_task import Quiet, goes_on_exactly

from bptt.cells.catalogue import get
from bptt.data.examples import Example, Examples, gather
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.sampling import SamplingOptions
from bptt.jobs.options import ExampleOptions
from bptt.jobs.translate.config import TranslatorConfig
from bptt.jobs.translate.options import BeamOptions, DecoderOptions, PairOptions
from bptt.jobs.translate.task import TranslateTask
from bptt.jobs.translate.translator import TrainedTranslator, load_translator
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

GREEDY = BeamOptions(width=1)
WORDS = ("a", "b", "文", "d")


def texts() -> Examples[str, str]:
    """Four symbols, to be written backwards."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(240):
        words = draw.choice(WORDS, 4)
        rows.append(Example(" ".join(words), " ".join(words[::-1]), f"p.tsv:{n + 1}"))
    return gather("p.tsv", rows)


def classes() -> Examples[str, str]:
    """Each class has a sentence."""
    written = {"x": "a b", "y": "b 文 a d", "z z": "d"}
    rows = [Example(name, written[name], f"c.tsv:{n + 1}") for n, name in enumerate([*written] * 20)]
    return gather("c.tsv", rows)


def sequences() -> Examples[str, str]:
    """The complement of each letter."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(120):
        letters = "".join(draw.choice(list("ACGT"), 1 + n % 4))
        rows.append(Example(letters, letters.translate(str.maketrans("ACGT", "TGCA")), f"s.fa:{n + 1}"))
    return gather("s.fa", rows)


def series() -> Examples[np.ndarray, str]:
    """A letter for each two steps, by the sign of the first number: many to many of unequal length."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(120):
        signs = draw.choice([-1, 1], 1 + n % 3)
        values = np.stack([np.repeat(signs, 2) * 2.0, draw.normal(size=2 * len(signs))], 1)
        target = "".join("文" if sign > 0 else "d" for sign in signs)
        rows.append(Example(values.astype(np.float32), target, f"s.ts:{n + 1}"))
    return gather("s.ts", rows, ("1", "2"))


def table() -> Examples[np.ndarray, str]:
    """The sign of each number, one after the other."""
    values = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float32)
    values += np.sign(values)
    rows = [
        Example(v, "".join("文" if x > 0 else "d" for x in v), f"t.csv:{n}") for n, v in enumerate(values)
    ]
    return gather("t.csv", rows, ("x", "y", "z"))


FORMS: dict[str, Callable[[], Examples[Any, str]]] = {
    "text": texts,
    "class": classes,
    "fasta": sequences,
    "ts": series,
    "table": table,
}


def config(form: str, **decoder: Any) -> TranslatorConfig:
    vector = form in ("class", "table")
    sizes = {"hidden_size": 24, "embedding_size": 12, "dropout": 0.05, "smoothing": 0.01}
    level = VocabularyOptions("word" if form in ("text", "class") else "character")
    return TranslatorConfig(
        get("gru"),
        PairOptions(form),
        EncoderOptions(hidden_size=16),
        DecoderOptions(**{**sizes, "attention": "none" if vector else "additive", **decoder}),
        TokenOptions(12),
        level,
        level,
        data=ExampleOptions(batch_size=8, held_out=0.2),
    )


def task(form: str, **decoder: Any) -> TranslateTask:
    torch.manual_seed(0)
    return TranslateTask(FORMS[form](), None, config(form, **decoder))


def untrained(form: str, folder: Path, **decoder: Any) -> TrainedTranslator:
    one = task(form, **decoder)
    # Flat as it is at first, it would write the longest texts alone.
    one.model.output.weight.data *= 8
    one.save(folder)
    write_weights(one.model, folder / WEIGHTS)
    return load_translator(folder)


OPTIONS = TrainingOptions(epochs=12, learning_rate=0.03, seed=3)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_planted_is_learned_and_kept(form: str, tmp_path: Path) -> None:
    train(task(form), OPTIONS, tmp_path / "run", Quiet())
    trained = load_translator(tmp_path / "run")
    examples = FORMS[form]()
    for search in (GREEDY, BeamOptions()):
        found = [each.text for each in trained.predict(examples.inputs, search)]
        right = sum(one == other for one, other in zip(found, examples.targets, strict=True))
        assert right > 0.95 * len(examples)


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_does_not_depend_on_the_others_in_the_batch(form: str, tmp_path: Path) -> None:
    trained = untrained(form, tmp_path)
    examples = FORMS[form]().take(range(12))
    together = trained.search(examples.inputs, BeamOptions(3, 3))
    for row, several in enumerate(together):
        alone = trained.search([examples.inputs[row]], BeamOptions(3, 3))[0]
        assert [each.text for each in alone] == [each.text for each in several]
        for one, other in zip(alone, several, strict=True):
            # Some dozens of terms in each of some dozens of tokens, each rounded once, of magnitude 1.
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-5)
            torch.testing.assert_close(one.attention, other.attention, rtol=0, atol=1e-5)
    losses = [trained.evaluate(examples.take([row])) for row in range(12)]
    tokens = [found["tokens"] for found in losses]
    mean = sum(f["loss"] * n for f, n in zip(losses, tokens, strict=True)) / sum(tokens)
    assert trained.evaluate(examples)["loss"] == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_goes_on_exactly(form: str, tmp_path: Path) -> None:
    options = replace(OPTIONS, epochs=3, schedule="constant")
    assert goes_on_exactly(lambda: task(form), options, tmp_path)


@pytest.mark.parametrize("decoder", [{}, {"input_feeding": True}, {"shared": True}, {"attention": "none"}])
def test_the_loss_is_that_of_what_was_written(decoder: dict[str, Any], tmp_path: Path) -> None:
    """What teacher forcing gives for texts that were drawn is what was summed up while they were."""
    trained = untrained("text", tmp_path, **decoder)
    inputs = texts().inputs[:30]
    found = trained.predict(inputs, SamplingOptions(refuse_unknown=True))
    rows = [Example(one, each.text, "p:1") for one, each in zip(inputs, found, strict=True) if each.text]
    sums = sum(each.log_probability for each in found if each.text)
    metrics = trained.evaluate(gather("p", rows))
    assert metrics["tokens"] == sum(len(each.tokens) for each in found if each.text)
    assert metrics["loss"] == pytest.approx(-sums / metrics["tokens"], abs=1e-5)


def test_shared_is_one_vocabulary_of_both_sides(tmp_path: Path) -> None:
    rows = [Example(f"only {n}", f"other {n}", f"p:{n}") for n in range(20)]
    torch.manual_seed(0)
    one = TranslateTask(gather("p", rows), None, config("text", shared=True, tied=True, hidden_size=12))
    assert {"only", "other"} <= {token.strip() for token in one.vocabulary.tokens}
    one.save(tmp_path)
    assert not (tmp_path / "target_tokenizer.json").exists()
    write_weights(one.model, tmp_path / WEIGHTS)
    assert load_translator(tmp_path).vocabulary.tokens == one.vocabulary.tokens


def test_of_nothing_the_translation_is_nothing(tmp_path: Path) -> None:
    trained = untrained("text", tmp_path)
    found = trained.search(["", "a b", ""], BeamOptions(3, 3))
    assert [len(each) for each in found] == [1, 3, 1]
    assert (found[0][0].text, found[0][0].log_probability) == ("", 0)
    assert trained.predict(["a b"])[0].text == trained.search(["a b"], BeamOptions())[0][0].text


def test_attention_has_the_tokens_of_both_sides(tmp_path: Path) -> None:
    found = untrained("text", tmp_path).predict(["a 文 d"])[0]
    assert [token.strip() for token in found.source] == ["a", "文", "d"]
    assert found.tokens[-1] == "<eos>"
    assert found.attention.shape == (len(found.tokens), 3)
    torch.testing.assert_close(found.attention.sum(1), torch.ones(len(found.tokens)))


def test_draws_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    trained = untrained("text", tmp_path)
    inputs = [" ".join(WORDS)] * 20
    one = [each.text for each in trained.predict(inputs, SamplingOptions(seed=1))]
    assert [each.text for each in trained.predict(inputs[:7], SamplingOptions(seed=1))] == one[:7]
    assert [each.text for each in trained.predict(inputs, SamplingOptions(seed=2))] != one
    assert len(set(one)) > 5
    # The second batch draws by other numbers than the first.
    assert one[8:16] != one[:8]
    coldest = trained.predict(inputs[:1], SamplingOptions(temperature=0))
    assert coldest[0].text == trained.predict(inputs[:1], GREEDY)[0].text


def test_longer_sources_may_have_longer_translations_than_were_learned(tmp_path: Path) -> None:
    trained = untrained("text", tmp_path)
    trained.model.output.bias.data[1] = -100
    found = trained.predict(["a", "a b a b a b"], GREEDY)
    # Of the longest learned, 4 words and <eos>, and two for each word of the source.
    assert [len(each.tokens) for each in found] == [5 + 2, 5 + 12]


def test_pairs_too_long_are_counted_and_not_learned_from() -> None:
    short = replace(config("text"), data=ExampleOptions(held_out=0.2, max_length=4))
    with pytest.raises(InputError, match="at most 4 steps on each side, got none"):
        TranslateTask(texts(), None, short)
    rows = [Example("a b", "b a" if n else "b a b a b", f"p.tsv:{n + 1}") for n in range(10)]
    held_out = gather("dev", [Example("a " * 9, "b " * 9, "dev:1")])
    found = TranslateTask(gather("p.tsv", rows), held_out, short).describe()
    assert "examples left out, as they are longer than `max_length`: 1, the first at p.tsv:1" in found
    assert "learned: 9 pairs; held out: 1" in found


def test_equal_sources_are_on_one_side_but_of_each_class_a_share() -> None:
    rows = [Example(f"s{n % 10}", f"t {n}", f"p:{n}") for n in range(60)]
    one = TranslateTask(gather("p", rows), None, config("text"))
    assert len(set(one._held_out.inputs)) == 2
    two = TranslateTask(gather("p", rows), None, config("class"))
    assert len(set(two._held_out.inputs)) == 10


def test_a_class_that_was_never_learned_has_its_place(tmp_path: Path) -> None:
    trained = untrained("class", tmp_path)
    with pytest.raises(InputError, match="q:7: is one of those learned, x, y, z z, got 'w'"):
        trained.evaluate(gather("q", [Example("w", "a", "q:7")]))


def test_another_number_of_columns_is_refused(tmp_path: Path) -> None:
    trained = untrained("ts", tmp_path)
    with pytest.raises(InputError, match="must have 2 numbers a step as learned from, got 4"):
        trained.predict([np.zeros((3, 4), np.float32)])


@pytest.mark.parametrize(
    ("form", "changes", "fault"),
    [
        ("class", {"attention": "dot"}, "attention: needs a sequence to attend to, got a class"),
        ("ts", {"shared": True}, "shared: is for texts on both sides, got series"),
        ("text", {"tied": True}, "embedding_size: tied weights need an embedding as wide as the output, 24"),
    ],
)
def test_choices_that_do_not_fit_are_refused(form: str, changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        config(form, **changes)


def test_shared_needs_one_kind_of_tokens() -> None:
    with pytest.raises(InputError, match="shared: needs one kind of tokens on both sides"):
        replace(config("text", shared=True), target=VocabularyOptions("character"))
