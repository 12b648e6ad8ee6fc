"""Cache and dynamic evaluation against loops over all that was read, and what the commands print with"
" them."""

from __future__ import annotations

from copy import deepcopy
from math import exp
from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import TEXT, make_task, trained
from torch import Tensor

from bptt.data.batches import Batch
from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.errors import InputError
from bptt.jobs.language.evaluation import evaluate_text
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.language.running_scores import score_in_order
from bptt.jobs.language.running_text import RunningText, pieces
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.rescore.rescoring import judge

CACHE = MemoryOptions(cache=6, cache_share=0.3, cache_flatness=0.7)
# Some hundred products and exponentials of numbers of size 1.
CLOSE = 1e-12
OPTIONS = {
    "full": ModelOptions(hidden_size=5, embedding_size=4),
    "adaptive": ModelOptions(
        hidden_size=5, embedding_size=4, output_layer="adaptive", cutoffs=(4, 9), row_sparse=True
    ),
    "tied adaptive": ModelOptions(hidden_size=5, output_layer="adaptive", cutoffs=(4, 9), tied=True),
}


def read_all(model: RunningText, tokens: Tensor, length: int) -> Tensor:
    """ln P of tokens, `length` at a time, the states carried over."""
    found, states = [], ()
    for batch in pieces(tokens, DataOptions(sequence_length=length)):
        values, states = model.read(batch, states)
        found.append(values)
    return torch.cat(found)


def given(name: str = "full") -> tuple[object, Tensor]:
    task = make_task(model=OPTIONS[name], spread=2.0)
    return task.model.eval(), task.vocabulary.encode(TEXT)[:19]


@pytest.mark.parametrize("length", [1, 4, 19])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_cache_is_a_sum_over_the_tokens_it_holds(name: str, length: int) -> None:
    model, tokens = given(name)
    found = read_all(RunningText(model, CACHE), tokens, length)
    inputs = torch.cat([torch.tensor([-1]), tokens[:-1]]).long()[:, None]
    with torch.no_grad():
        outputs, _ = model.read(inputs)
        own = model.log_probabilities(outputs)[:, 0].exp()
    outputs = outputs[:, 0]
    for t, token in enumerate(tokens.tolist()):
        held = range(max(0, t - CACHE.cache), t)
        weights = [exp(CACHE.cache_flatness * float(outputs[t] @ outputs[i])) for i in held]
        same = sum(w for w, i in zip(weights, held, strict=True) if int(tokens[i]) == token)
        wanted = float(own[t, token])
        if weights:
            wanted = 0.7 * wanted + 0.3 * same / sum(weights)
        assert exp(found[t]) == pytest.approx(wanted, rel=CLOSE)


def test_probabilities_of_all_tokens_add_up_to_one() -> None:
    model, tokens = given("adaptive")
    running = RunningText(model, MemoryOptions(cache=6, cache_share=0.3, dynamic=0.5))
    states = ()
    for batch in pieces(tokens, DataOptions(sequence_length=7)):
        _, states = running.read(batch, states)
    inputs = tokens[-1:].long()[:, None]
    total = 0.0
    for token in range(model.vocabulary_size):
        asked = Batch(inputs, torch.tensor([[token]]), continues=True)
        total += running.read(asked, states, learn=False)[0].exp().item()
    assert total == pytest.approx(1, abs=CLOSE)


@pytest.mark.parametrize("name", OPTIONS)
def test_dynamic_evaluation_is_a_step_of_clipped_descent_after_each_piece(name: str) -> None:
    model, tokens = given(name)
    before = deepcopy(model.state_dict())
    found = read_all(RunningText(model, MemoryOptions(dynamic=0.3)), tokens, 7)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    states, wanted = (), []
    for batch in pieces(tokens, DataOptions(sequence_length=7)):
        output, states = model.read(batch.inputs, states)
        values = model.log_probabilities(output).gather(-1, batch.targets[..., None])[:, 0, 0]
        gradients = torch.autograd.grad(-values.mean(), list(model.parameters()), allow_unused=True)
        dense = [None if g is None else g.to_dense() if g.is_sparse else g for g in gradients]
        norm = sum(float(g.square().sum()) for g in dense if g is not None) ** 0.5
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), dense, strict=True):
                if gradient is not None:
                    parameter -= 0.3 * gradient * min(1.0, 1 / (norm + 1e-6))
        states = tuple(state.detach() for state in states)
        wanted.append(values.detach())
    torch.testing.assert_close(found, torch.cat(wanted), rtol=CLOSE, atol=CLOSE)
    assert len(wanted) == 3


@pytest.mark.parametrize("mode", ["continuous", "sentences"])
def test_a_memory_that_keeps_nothing_changes_nothing(mode: str) -> None:
    model = trained(make_task(model=OPTIONS["adaptive"], data=DataOptions(mode=mode, batch_size=1)))
    text = "the cat 2 sat on\nthe mat, né\n"
    plain = evaluate_text(*model[:2], model.config.data, text)
    kept = evaluate_text(*model[:2], model.config.data, text, MemoryOptions(cache=9, cache_share=0.0))
    assert kept == pytest.approx(plain, rel=CLOSE)
    lines = text.splitlines()
    found = list(score_in_order(model, lines, MemoryOptions(cache=9, cache_share=0.0)))
    for one, other in zip(found, score_lines(model, lines), strict=True):
        assert one.tokens == other.tokens
        assert one.log_probabilities == pytest.approx(other.log_probabilities, rel=CLOSE)


def test_hypotheses_are_judged_given_the_first_ones_before() -> None:
    model = trained(make_task(model=OPTIONS["full"], spread=2.0))
    texts = [["the cat 2", "the mat"], ["the cat 3", "the mat"]]
    lists = NBest(
        "lists",
        tuple(
            Utterance(str(k), tuple(ScoredHypothesis(text, 0.0) for text in some), None)
            for k, some in enumerate(texts)
        ),
    )
    found = judge(model, lists, memory=CACHE)
    for k, text in enumerate(texts[1]):
        [_, wanted] = score_in_order(model, [texts[0][0], text], CACHE)
        assert found[1][k].language == pytest.approx(wanted.log_probability, rel=CLOSE)
    [first, *_] = score_in_order(model, [texts[0][1]], CACHE)
    assert found[0][1].language == pytest.approx(first.log_probability, rel=CLOSE)


def test_a_line_to_score_has_no_newline() -> None:
    with pytest.raises(InputError, match="line: a line to score has no newline in it"):
        list(score_in_order(trained(make_task(model=OPTIONS["full"])), ["a\nb"], CACHE))


def test_the_commands_take_a_memory(command: Command, tmp_path: Path) -> None:
    text, run = tmp_path / "a.txt", tmp_path / "run"
    text.write_text(TEXT, "utf-8")
    small = "--hidden", "6", "--layers", "1", "--epochs", "1", "--batch-size", "4", "--length", "9"
    assert not command("train", "lm", text, "-o", run, *small).code
    plain = command("evaluate", run)
    for options in (("--cache", 50), ("--dynamic", 0.1), ("--cache", 50, "--dynamic", 0.1)):
        found = command("evaluate", run, *options)
        assert not found.code, found.err
        assert found.out != plain.out
        found = command("score", run, "-", *options, stdin=b"the cat\nthe mat\n")
        assert not found.code, found.err
        assert len(found.out.splitlines()) == 2
    assert command("evaluate", run, "--cache", -1).code == 2
