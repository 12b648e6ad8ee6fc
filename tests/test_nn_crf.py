"""The CRF against sums and sorted lists over all sequences of tags."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.crf import CRF

T, DOUBLE = 5, torch.float64
LENGTHS = [3, 1, 5, 0, 4, 2]
B = len(LENGTHS)
EPS = torch.finfo(DOUBLE).eps
# A logarithm of a sum of exponentials, step by step and at once: for K up to 4 tags, T · (2K + 8) roundings
# of numbers of at most T times the largest score, about 4.
TOLERANCE = T * 16 * EPS * T * 4
# The number of tags, and whether some transitions are forbidden.
CASES = [(1, False), (2, False), (3, False), (4, False), (3, True), (4, True)]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def make(tags: int, masked: bool = False) -> CRF:
    """With `masked`: the last tag comes neither first nor after tag 0, and nothing ends in tag 0."""
    if masked:
        first, pairs, last = torch.ones(tags), torch.ones(tags, tags), torch.ones(tags)
        first[-1] = pairs[0, -1] = last[0] = 0
        crf = CRF(tags, pairs.bool(), first.bool(), last.bool(), dtype=DOUBLE)
    else:
        crf = CRF(tags, dtype=DOUBLE)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def score(crf: CRF, emissions: Tensor, path: tuple[int, ...]) -> float:
    """s(x, y) of the tags of one sequence (T, K), by a loop over numbers; -inf if not allowed."""
    start, pairs, end, e = (x.tolist() for x in (crf.start, crf.transitions, crf.end, emissions))
    total = start[path[0]] + end[path[-1]] + sum(e[t][tag] for t, tag in enumerate(path))
    total += sum(pairs[a][b] for a, b in itertools.pairwise(path))
    allowed = crf.allowed_start[path[0]] and crf.allowed_end[path[-1]]
    allowed = allowed and all(crf.allowed_transitions[a, b] for a, b in itertools.pairwise(path))
    return total if allowed else -math.inf


def by_hand(crf: CRF, emissions: Tensor) -> dict[tuple[int, ...], float]:
    """ln P of all allowed sequences of tags of one sequence (T, K), the most probable first."""
    scores = {
        path: score(crf, emissions, path)
        for path in itertools.product(range(crf.num_tags), repeat=len(emissions))
    }
    whole = math.log(math.fsum(math.exp(s) for s in scores.values()))
    ordered = sorted(scores, key=lambda path: -scores[path])
    return {path: scores[path] - whole for path in ordered if scores[path] > -math.inf}


def rows(emissions: Tensor) -> list[tuple[int, Tensor]]:
    """The sequences that have a step, each with its row."""
    return [(row, emissions[:length, row]) for row, length in enumerate(LENGTHS) if length]


@pytest.mark.parametrize(("tags", "masked"), CASES)
def test_likelihood_of_every_path_is_that_of_the_sum_over_all(tags: int, masked: bool) -> None:
    crf, emissions = make(tags, masked), torch.randn(T, B, tags, dtype=DOUBLE)
    for row, alone in rows(emissions):
        known = by_hand(crf, alone)
        paths = list(itertools.product(range(tags), repeat=len(alone)))
        expected = torch.tensor([known.get(path, -math.inf) for path in paths], dtype=DOUBLE)
        padded = torch.full((T, len(paths)), -1)
        padded[: len(alone)] = torch.tensor(paths).t()
        many = emissions[:, row : row + 1].expand(-1, len(paths), -1)
        found = crf.log_likelihood(many, padded, [len(alone)] * len(paths))
        torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("tags", "masked"), CASES)
def test_a_batch_decodes_and_doubts_as_the_sum_over_all(tags: int, masked: bool) -> None:
    crf, emissions = make(tags, masked), torch.randn(T, B, tags, dtype=DOUBLE)
    decoded, marginals = crf.decode(emissions, LENGTHS), crf.marginals(emissions, LENGTHS)
    for row, alone in rows(emissions):
        known = by_hand(crf, alone)
        assert tuple(decoded[row]) == next(iter(known))
        expected = torch.zeros(T, tags, dtype=DOUBLE)
        for path, logarithm in known.items():
            expected[range(len(path)), path] += math.exp(logarithm)
        # The number of paths adds as many roundings of numbers below 1.
        torch.testing.assert_close(marginals[:, row], expected, rtol=0, atol=TOLERANCE + len(known) * EPS)
    empty = LENGTHS.index(0)
    assert decoded[empty] == [] and not marginals[:, empty].any()


@pytest.mark.parametrize("masked", [False, True])
def test_the_logarithm_of_a_marginal_is_differentiable(masked: bool) -> None:
    crf, emissions = make(3, masked), torch.randn(T, B, 3, dtype=DOUBLE)
    marginals = crf.marginals(emissions, LENGTHS)
    last = torch.tensor(LENGTHS).sub(1).clamp(min=0)
    filled = [row for row, _ in rows(emissions)]
    for tag in range(3):
        found = crf.log_marginal(emissions, last, torch.full((B,), tag), LENGTHS)
        # The logarithm of a share above 0.01 errs by at most 100 times as much as the share.
        expected = marginals[last, range(B), tag].log()
        torch.testing.assert_close(found[filled], expected[filled], rtol=0, atol=100 * TOLERANCE)
    first = torch.ones(B, dtype=torch.int64)
    leaves = (emissions.requires_grad_(), *crf.parameters())
    assert torch.autograd.gradcheck(lambda e, *_: crf.log_marginal(e, 0 * last, first, LENGTHS), leaves)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_nbest_is_the_head_of_the_sorted_list(n: int, masked: bool) -> None:
    crf, emissions = make(3, masked), torch.randn(T, B, 3, dtype=DOUBLE)
    lists = crf.decode_nbest(emissions, LENGTHS, n)
    for row, alone in rows(emissions):
        expected = list(by_hand(crf, alone).items())[:n]
        assert [tuple(found.tags) for found in lists[row]] == [path for path, _ in expected]
        for found, (_, logarithm) in zip(lists[row], expected, strict=True):
            assert found.log_probability == pytest.approx(logarithm, rel=0, abs=TOLERANCE)
    assert lists[LENGTHS.index(0)] == [([], 0.0)]


@pytest.mark.parametrize("masked", [False, True])
def test_gradients(masked: bool) -> None:
    crf = make(3, masked)
    emissions = torch.randn(T, B, 3, dtype=DOUBLE, requires_grad=True)
    tags = torch.ones(T, B, dtype=torch.int64)
    leaves = (emissions, *crf.parameters())

    def likelihood(emissions: Tensor, *_: Tensor) -> Tensor:
        return crf.log_likelihood(emissions, tags, LENGTHS)

    assert torch.autograd.gradcheck(likelihood, leaves)


def test_a_tag_that_no_path_reaches_leaves_no_nan() -> None:
    """Tag 2 follows only itself, and comes not first: at every step the sum over its paths is empty."""
    pairs = torch.tensor([[1, 1, 0], [1, 1, 0], [1, 1, 1]]).bool()
    crf = CRF(3, pairs, torch.tensor([True, True, False]))
    emissions = torch.randn(50, B, 3, requires_grad=True)
    lengths = [50, 20, 1, 0, 7, 7]
    crf.log_likelihood(emissions, torch.zeros(50, B).long(), lengths).sum().backward()
    gradients = [emissions.grad, *(p.grad for p in crf.parameters())]
    assert all(g.isfinite().all() for g in gradients)
    assert not emissions.grad[:, :, 2].any() and not crf.marginals(emissions, lengths)[:, :, 2].any()
    assert not any(2 in tags for tags in crf.decode(emissions, lengths))


@pytest.mark.parametrize("poison", [math.nan, math.inf, 1e30])
def test_what_stands_in_the_padding_does_not_matter(poison: float) -> None:
    crf = make(3, masked=True)
    valid = torch.arange(T)[:, None] < torch.tensor(LENGTHS)
    clean, tags = torch.randn(T, B, 3, dtype=DOUBLE), torch.ones(T, B).long()
    results = []
    for e, y in (
        (clean, tags),
        (clean.masked_fill(~valid[:, :, None], poison), tags.masked_fill(~valid, 10**6)),
    ):
        e.requires_grad_()
        likelihood = crf.log_likelihood(e, y, torch.tensor(LENGTHS))
        gradients = torch.autograd.grad(likelihood.sum(), [e, *crf.parameters()])
        assert not gradients[0][~valid].any()
        lists = [crf.decode(e, LENGTHS), crf.decode_nbest(e, LENGTHS, 4)]
        results.append((lists, [likelihood, crf.marginals(e, LENGTHS), *gradients]))
    assert results[0][0] == results[1][0]
    for found, expected in zip(results[0][1], results[1][1], strict=True):
        assert torch.equal(found, expected)


def test_without_lengths_every_step_counts() -> None:
    crf, emissions, tags = make(3), torch.randn(T, B, 3, dtype=DOUBLE), torch.ones(T, B).long()
    full = [T] * B
    assert torch.equal(crf.log_likelihood(emissions, tags), crf.log_likelihood(emissions, tags, full))
    assert crf.decode(emissions) == crf.decode(emissions, full)


def test_scores_beyond_the_range_of_the_exponential() -> None:
    """Scores of ±1000 in float32, where exp gives infinity and zero: one path has all the probability."""
    crf = CRF(2)
    emissions = torch.tensor([[1000.0, -1000.0], [-1000.0, 1000.0]])[:, None].repeat(100, 1, 1)
    tags = torch.tensor([0, 1]).repeat(100)[:, None]
    assert crf.log_likelihood(emissions, tags).item() == 0.0
    assert crf.decode(emissions) == [tags[:, 0].tolist()]
    assert crf.log_likelihood(emissions, 1 - tags).item() == -400_000.0


def test_marginals_without_a_graph_and_with_scores_in_bfloat16() -> None:
    crf, emissions = make(3), torch.randn(T, B, 3, dtype=torch.bfloat16)
    expected = crf.marginals(emissions.double(), LENGTHS)
    with torch.inference_mode():
        assert torch.equal(crf.marginals(emissions.clone(), LENGTHS), expected)


def test_the_allowed_transitions_are_in_the_state_dict() -> None:
    crf, other = make(3, masked=True), CRF(3, dtype=DOUBLE)
    other.load_state_dict(crf.state_dict())
    emissions = torch.randn(T, B, 3, dtype=DOUBLE)
    assert other.decode_nbest(emissions, LENGTHS, 300) == crf.decode_nbest(emissions, LENGTHS, 300)


def test_errors_tell_the_rule() -> None:
    crf, emissions = CRF(3), torch.zeros(T, 2, 3)
    tags = torch.zeros(T, 2).long()
    with pytest.raises(InputError, match=r"CRF\(num_tags=3\): expected shape \(T, B, 3\), got \(5, 2, 4\)"):
        crf.decode(torch.zeros(T, 2, 4))
    with pytest.raises(InputError, match=r"tags: expected shape \(5, 2\), got \(5, 3\)"):
        crf.log_likelihood(emissions, torch.zeros(T, 3).long())
    with pytest.raises(InputError, match="tags are from 0 to 2, got 3"):
        crf.log_likelihood(emissions, tags + 3)
    with pytest.raises(InputError, match="lengths are from 0 to the 5 steps"):
        crf.log_likelihood(emissions, tags, [6, 1])
    with pytest.raises(InputError, match="at least one time step"):
        crf.decode(torch.zeros(0, 2, 3))
    with pytest.raises(InputError, match="num_tags is a positive integer, got 0"):
        CRF(0)
    with pytest.raises(InputError, match="n is a positive integer, got 0"):
        crf.decode_nbest(emissions, n=0)
    with pytest.raises(InputError, match=r"allowed: expected shape \(3, 3\), got \(3,\)"):
        CRF(3, torch.ones(3).bool())
    with pytest.raises(InputError, match="allowed_end is booleans"):
        CRF(3, allowed_end=torch.ones(3))
    never = torch.zeros(3, 3).bool()
    assert CRF(3, never).decode(emissions, [1, 0]) == [[0], []]
    with pytest.raises(InputError, match="some sequence of tags is allowed for every length, got none of 2"):
        CRF(3, never).decode(emissions, [1, 2])
