"""The language model against loops over numbers, and the task in both modes."""

from __future__ import annotations

import math

import pytest
import torch
from language_models import TEXT, make_task

from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.evaluation import evaluate_text, perplexity
from bptt.jobs.language.model import LanguageModel
from bptt.jobs.language.options import DataOptions, ModelOptions

EPS = torch.finfo(torch.float64).eps


def next_by_hand(model: LanguageModel, read: list[int]) -> list[float]:
    """P of every token after `read`, by loops: a zero vector first, one layer of Elman's network (R1)."""
    rnn = {name: p.tolist() for name, p in model.recurrent.named_parameters()}
    table, bias = model.embedding.tolist(), model.output.bias.tolist()
    weight = table if model.options.tied else model.output.weight.tolist()
    h = [0.0] * len(rnn["b_l0"])
    for token in [None, *read]:
        x = [0.0] * len(table[0]) if token is None else table[token]
        h = [
            math.tanh(
                sum(w * v for w, v in zip(rnn["W_l0"][k], x, strict=True))
                + sum(r * v for r, v in zip(rnn["R_l0"][k], h, strict=True))
                + rnn["b_l0"][k]
            )
            for k in range(len(h))
        ]
    logits = [
        sum(w * v for w, v in zip(row, h, strict=True)) + b for row, b in zip(weight, bias, strict=True)
    ]
    whole = sum(math.exp(logit) for logit in logits)
    return [math.exp(logit) / whole for logit in logits]


@pytest.mark.parametrize("tied", [False, True])
def test_probabilities_are_those_of_loops_over_numbers(tied: bool) -> None:
    options = ModelOptions(hidden_size=6, num_layers=1, embedding_size=6, tied=tied)
    model = make_task(cell="elman-tanh", model=options).model
    torch.nn.init.normal_(model.output.bias)
    read = [4, 2, 9, END, 4]
    logits, _ = model(torch.tensor([[NOTHING], *[[token] for token in read]]))
    for t in range(len(read) + 1):
        expected = torch.tensor(next_by_hand(model, read[:t]), dtype=torch.float64)
        # Chains of 6 steps of 12 products, a softmax over V.
        torch.testing.assert_close(logits[t, 0].softmax(0), expected, rtol=200 * EPS, atol=200 * EPS)


def test_one_hot_input_is_the_embedding_of_the_unit_matrix() -> None:
    one_hot = make_task(model=ModelOptions(hidden_size=7, embedding_size=0)).model
    size = one_hot.vocabulary_size
    embedded = make_task(model=ModelOptions(hidden_size=7, embedding_size=size)).model
    weights = dict(one_hot.state_dict(), embedding=torch.eye(size, dtype=torch.float64))
    embedded.load_state_dict(weights)
    tokens = torch.tensor([[NOTHING, 3], [5, NOTHING], [END, 0]])
    torch.testing.assert_close(one_hot(tokens)[0], embedded(tokens)[0], rtol=0, atol=0)
    assert not one_hot.embed(tokens)[0, 0].any()


def test_tied_weights_are_one_parameter() -> None:
    tied = make_task(model=ModelOptions(hidden_size=7, tied=True)).model
    free = make_task(model=ModelOptions(hidden_size=7, embedding_size=7)).model
    assert set(free.state_dict()) - set(tied.state_dict()) == {"output.weight"}
    with pytest.raises(InputError, match=r"embedding_size: tied weights need.* 7, got 5.*Leave it out"):
        ModelOptions(hidden_size=7, embedding_size=5, tied=True)
    assert ModelOptions(hidden_size=7, proj_size=3, tied=True).width == 3


def test_dropout_is_off_in_evaluation_and_never_lets_nothing_become_something() -> None:
    model = make_task(model=ModelOptions(hidden_size=7, num_layers=2, dropout=0.5)).model
    tokens = torch.tensor([[NOTHING], [3]])
    model.train()
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
    assert not model.embed(tokens)[0].any()
    output = torch.ones(1, 7, dtype=torch.float64)
    assert not torch.equal(model.predict(output), model.predict(output))
    model.eval()
    assert torch.equal(model(tokens)[0], model(tokens)[0])


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_the_loss_is_that_of_the_logits(tied: bool, reduction: str) -> None:
    model = make_task(model=ModelOptions(hidden_size=7, tied=tied)).model
    torch.nn.init.normal_(model.output.bias)
    output, targets = torch.randn(3, 2, 7).double(), torch.tensor([[3, 0], [NOTHING, 5], [1, NOTHING]])
    truth = torch.nn.functional.cross_entropy(
        model.predict(output).flatten(0, 1), targets.flatten(), ignore_index=NOTHING, reduction=reduction
    )
    loss = model.loss(output, targets, reduction)
    # A sum over the width and one over the vocabulary.
    limit = (7 + model.vocabulary_size) * EPS
    torch.testing.assert_close(loss.flatten(), truth.flatten(), rtol=limit, atol=limit)
    assert loss.shape == (targets.shape if reduction == "none" else ())


def test_the_loss_is_that_of_what_dropout_leaves() -> None:
    model = make_task(model=ModelOptions(hidden_size=7, dropout=0.5)).model.train()
    output, targets = torch.ones(1, 7).double(), torch.tensor([3])
    assert model.loss(output, targets) != model.loss(output, targets)


def test_a_learned_initial_state_is_learned() -> None:
    task = make_task(model=ModelOptions(hidden_size=7, num_layers=1, initial="learned"))
    task.step(0, 0, ()).loss.backward()
    assert task.model.recurrent.initial_h_l0.grad.abs().sum() > 0


def mean_loss(task, epoch: int = 0) -> float:
    """The mean over an epoch of one's own accord: carry handed on as the loop does."""
    total, units, carry = 0.0, 0, ()
    for index in range(task.steps(epoch)):
        step = task.step(epoch, index, carry)
        total, units, carry = total + step.loss.item() * step.units, units + step.units, step.carry
    return total / units


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman-tanh"])
def test_carried_states_make_chunks_one_text(cell: str) -> None:
    chunked = make_task(cell=cell, data=DataOptions(batch_size=3, sequence_length=7))
    whole = make_task(cell=cell, data=DataOptions(batch_size=3, sequence_length=10**6))
    assert (chunked.steps(0), whole.steps(0)) == (math.ceil(math.ceil(chunked._learned / 3) / 7), 1)
    # The same operations in the same order, but for the sums over T.
    assert mean_loss(chunked) == pytest.approx(mean_loss(whole), rel=1000 * EPS)
    broken = chunked.step(0, 1, tuple(torch.zeros_like(s) for s in chunked.step(0, 0, ()).carry))
    assert broken.loss.item() != chunked.step(0, 1, chunked.step(0, 0, ()).carry).loss.item()


def test_an_epoch_starts_anew_and_gradients_stop_at_the_chunk() -> None:
    task = make_task(data=DataOptions(batch_size=3, sequence_length=7))
    first = task.step(0, 0, ())
    assert all(not state.requires_grad for state in first.carry)
    assert task.step(1, 0, first.carry).loss.item() == first.loss.item()


def test_sentences_carry_nothing() -> None:
    task = make_task(data=DataOptions(mode="sentences", batch_size=4))
    step = task.step(0, 0, ())
    assert step.carry == ()
    assert task.unit == "characters"
    logits, _ = task.model(torch.tensor([[NOTHING]]))
    assert logits.shape == (1, 1, task.vocabulary.size)


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
@pytest.mark.parametrize("mode", ["continuous", "sentences"])
def test_held_out_metrics_are_those_of_a_loop_over_single_tokens(mode: str, level: str) -> None:
    # Words that the held-out part has and the learned part has not are unknown.
    text = TEXT + "some dogs ran\n\n"
    options = VocabularyOptions(level=level, max_size=300)
    task = make_task(text, data=DataOptions(mode, 3, 5), vocabulary=options)
    tokens = task.vocabulary.encode(task.held_out).tolist()
    if mode == "sentences":
        lines = [line for line in task.held_out.split("\n") if line]
        texts = [task.vocabulary.encode(line + "\n").tolist() for line in lines]
        characters = sum(len(line) + 1 for line in lines)
    else:
        texts, characters = [tokens], len(task.held_out)
    total = 0.0
    for text in texts:
        states, before = (), NOTHING
        for token in text:
            logits, states = task.model(torch.tensor([[before]]), states)
            total -= logits[0, 0].log_softmax(0)[token].item()
            before = token
    count = sum(map(len, texts))
    found = task.evaluate()
    assert found["tokens"] == count
    assert found["unknown"] == sum(text.count(0) for text in texts)
    assert (found["unknown"] > 0) == (level != "bpe")
    assert found["loss"] == pytest.approx(total / count, rel=1e-12)
    assert found["perplexity"] == pytest.approx(math.exp(total / count), rel=1e-12)
    assert found["bits_per_character"] == pytest.approx(total / math.log(2) / characters, rel=1e-12)


def test_evaluating_leaves_the_model_as_it_was() -> None:
    task = make_task(model=ModelOptions(hidden_size=7, dropout=0.5))
    task.model.train()
    task.model.recurrent.eval()
    random = torch.get_rng_state()
    assert task.evaluate() == task.evaluate()
    assert task.model.training and not task.model.recurrent.training
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.is_grad_enabled()


def test_a_long_held_out_text_is_read_in_streams() -> None:
    task = make_task(data=DataOptions(batch_size=2, sequence_length=50))
    text = "the cat sat on the mat\n" * 100  # 2300 characters: two streams of 1150
    tokens = task.vocabulary.encode(text).view(2, -1).long()
    total = 0.0
    for row in tokens:
        inputs = torch.cat([torch.tensor([NOTHING]), row[:-1]])[:, None]
        logits, _ = task.model(inputs)
        total -= logits[:, 0].log_softmax(1).gather(1, row[:, None]).sum().item()
    found = evaluate_text(task.model, task.vocabulary, task.config.data, text)
    assert found["loss"] == pytest.approx(total / 2300, rel=1e-12)


def test_a_loss_beyond_all_floats_has_an_infinite_perplexity() -> None:
    assert perplexity(1000.0) == math.inf


def test_a_text_with_nothing_to_predict_is_an_error() -> None:
    task = make_task(vocabulary=VocabularyOptions(digits=False))
    with pytest.raises(InputError, match="must hold something to predict"):
        evaluate_text(task.model, task.vocabulary, task.config.data, "123")


def test_the_user_hears_what_was_found() -> None:
    task = make_task("ab\n" * 90 + "xy\n" * 10, data=DataOptions(batch_size=3))
    weights = sum(p.numel() for p in task.model.parameters())
    assert task.describe() == [
        "text: a.txt, 300 characters",
        "learned: 270 characters",
        "held out: 30 characters, 66.67% unknown",
        "vocabulary: 4 characters",
        f"model: 2 x 7 lstm, {weights:,} weights",
    ]


@pytest.mark.parametrize("place", [0, 80])
def test_a_line_too_long_for_a_sentence_is_named_by_its_number(place: int) -> None:
    """Line 3 is learned from, line 83 is held out."""
    text = "ab\n\n" + "ab\n" * place + "a" * 10_001 + "\n" + "ab\n" * 5000
    options = DataOptions("sentences", 3, held_out=0.5 if place == 0 else 0.97)
    fault = rf"text:{place + 3}: .* at most 10000 characters, got 10001.*continuous"
    with pytest.raises(InputError, match=fault):
        make_task(text, data=options)
    make_task(text.replace("a" * 10_001, "a" * 10_000), data=options)
    make_task(text, data=DataOptions("continuous", 3))


def test_a_text_without_newlines_is_no_sentence() -> None:
    with pytest.raises(InputError, match=r"text:1: .* got 50000.*continuous"):
        make_task("a wor" * 10_000, data=DataOptions("sentences"))
    model = make_task(data=DataOptions("sentences"))
    with pytest.raises(InputError, match=r"text:2: .* got 50000.*continuous"):
        evaluate_text(model.model, model.vocabulary, model.config.data, "ab\n" + "a" * 50_000)
