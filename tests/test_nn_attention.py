"""Attention: the weights of the papers' formulas, and nothing of what stands behind the end of a memory."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from bptt.errors import InputError
from bptt.nn import Attention

SCORES = ("additive", "dot", "general")
T, S, B, K = 3, 5, 4, 6
LENGTHS = torch.tensor([5, 2, 0, 4])
EPS = torch.finfo(torch.float64).eps
# Terms of the longest sums: K of a projection, then K of a score, S of a softmax, S of a context; the
# largest value in the tests is below 10.
CLOSE = EPS * 2 * (2 * K + 2 * S) * 10


def make(score: str) -> tuple[Attention, Tensor, Tensor]:
    torch.manual_seed(0)
    query_width = K if score == "dot" else 3
    attention = Attention(score, query_width, K, 7 if score == "additive" else None).double()
    return attention, torch.randn(T, B, query_width).double(), torch.randn(S, B, K).double()


def score_of(attention: Attention, q: list[float], k: list[float]) -> float:
    """e_s, element by element, as the papers write it."""

    def product(matrix: Tensor, vector: list[float]) -> list[float]:
        return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix.tolist()]

    if attention.score == "dot":
        return sum(a * b for a, b in zip(q, k, strict=True))
    if attention.score == "general":
        return sum(a * b for a, b in zip(q, product(attention.key_weight, k), strict=True))
    of_query, of_key = product(attention.query_weight, q), product(attention.key_weight, k)
    hidden = [math.tanh(a + b) for a, b in zip(of_query, of_key, strict=True)]
    return sum(v * h for v, h in zip(attention.vector.tolist(), hidden, strict=True))


@pytest.mark.parametrize("score", SCORES)
def test_weights_and_context_are_those_of_the_formulas(score: str) -> None:
    attention, query, memory = make(score)
    context, weights = attention(query, attention.prepare(memory, LENGTHS))
    assert context.shape == (T, B, K)
    assert weights.shape == (T, B, S)
    for t in range(T):
        for b, length in enumerate(LENGTHS.tolist()):
            keys = memory[:length, b].tolist()
            powers = [math.exp(score_of(attention, query[t, b].tolist(), key)) for key in keys]
            wanted = [power / sum(powers) for power in powers]
            mean = [sum(w * key[i] for w, key in zip(wanted, keys, strict=True)) for i in range(K)]
            assert weights[t, b].tolist() == pytest.approx(wanted + [0.0] * (S - length), abs=CLOSE)
            assert context[t, b].tolist() == pytest.approx(mean, abs=CLOSE)


@pytest.mark.parametrize("score", SCORES)
def test_weights_sum_to_one_and_nothing_of_the_padding_is_seen(score: str) -> None:
    attention, query, memory = make(score)
    wanted = attention(query, attention.prepare(memory, LENGTHS))
    padding = torch.arange(S)[:, None] >= LENGTHS  # (S, B)
    for rubbish in (math.nan, math.inf, 1e300):
        spoilt = memory.masked_fill(padding[:, :, None], rubbish).requires_grad_()
        context, weights = attention(query, attention.prepare(spoilt, LENGTHS))
        assert torch.equal(context, wanted[0])
        assert torch.equal(weights, wanted[1])
        attention.zero_grad()
        # Not even on the way may there be a NaN.
        with torch.autograd.set_detect_anomaly(True):
            (context.sin().sum() + weights.sin().sum()).backward()
        assert (spoilt.grad[padding] == 0).all()
        assert all(p.grad.isfinite().all() for p in attention.parameters())
    assert (weights[:, padding.t()] == 0).all()
    sums = weights.sum(2)
    assert (sums[:, LENGTHS > 0] - 1).abs().max() <= EPS * S
    assert (sums[:, LENGTHS == 0] == 0).all()
    assert (context[:, LENGTHS == 0] == 0).all()


@pytest.mark.parametrize("score", SCORES)
def test_gradients_are_those_of_differences(score: str) -> None:
    attention, query, memory = make(score)

    def run(query: Tensor, memory: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        # The parameters are moved in their place.
        return attention(query, attention.prepare(memory, LENGTHS))

    assert gradcheck(run, (query.requires_grad_(), memory.requires_grad_(), *attention.parameters()))


@pytest.mark.parametrize("score", SCORES)
def test_a_row_is_the_same_alone_and_a_step_the_same_as_among_others(score: str) -> None:
    attention, query, memory = make(score)
    context, weights = attention(query, attention.prepare(memory, LENGTHS))
    for b, length in enumerate(LENGTHS.tolist()):
        used = max(length, 1)
        alone = attention.prepare(memory[:used, b : b + 1], [length])
        for t in range(T):
            one_context, one_weights = attention(query[t, b : b + 1], alone)
            assert torch.allclose(one_context[0], context[t, b], rtol=0, atol=CLOSE)
            assert torch.allclose(one_weights[0], weights[t, b, :used], rtol=0, atol=CLOSE)


def test_selected_rows_are_those_rows() -> None:
    attention, query, memory = make("general")
    prepared = attention.prepare(memory, LENGTHS)
    rows = torch.tensor([3, 0, 0, 1, 2])
    context, weights = attention(query[:, rows], prepared.select(rows))
    wanted = attention(query, prepared)
    assert torch.allclose(context, wanted[0][:, rows], rtol=0, atol=CLOSE)
    assert torch.allclose(weights, wanted[1][:, rows], rtol=0, atol=CLOSE)
    twice = prepared.select(torch.tensor([1, 1, 2, 2]))
    assert twice.select(torch.tensor([1, 0, 3, 3])) is twice
    assert twice.select(torch.tensor([2, 2, 1, 1])).origin.tolist() == [2, 2, 1, 1]


def test_without_lengths_all_is_valid() -> None:
    attention, query, memory = make("dot")
    weights = [attention(query, attention.prepare(memory, lengths))[1] for lengths in (None, [S] * B)]
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("cosine", 3, 3), "score is one of additive, dot, general, got 'cosine'"),
        (("dot", 3, 4), r"query_width=3, key_width=4.*needs queries as wide as keys.*score='general'"),
        (("general", 3, 4, 5), "only score='additive' has a width of its own, got 5. Leave it out"),
        (("additive", 3, 4, 0), "widths are positive integers"),
        (("general", 3, -1), "widths are positive integers"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[object, ...], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Attention(*arguments)


def test_shapes_that_do_not_fit_are_refused() -> None:
    attention, query, memory = make("general")
    with pytest.raises(InputError, match=r"Attention.prepare.*6"):
        attention.prepare(memory[:, :, 1:])
    with pytest.raises(InputError, match=r"expected shape \(4, 3\) or \(T, 4, 3\), got \(3, 3, 3\)"):
        attention(query[:, 1:], attention.prepare(memory))
