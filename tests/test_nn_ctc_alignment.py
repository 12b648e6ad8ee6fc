"""The best alignment of a label and the occupancy of its states, against all alignments one by one."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn import ctc_align, ctc_loss, ctc_occupancy

STEPS, BATCH, CLASSES = 6, 4, 4
FRAMES = [6, 4, 5, 2]
LABELS = [(1, 1, 2), (3,), (2, 1), ()]
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def draw(blank: int) -> tuple[Tensor, Tensor, list[int]]:
    """Random logits, NaN behind the end; labels with the blank's place taken by symbol 0."""
    torch.manual_seed(blank)
    logits = 2 * torch.randn(STEPS, BATCH, CLASSES, dtype=torch.float64)
    for row, count in enumerate(FRAMES):
        logits[count:, row] = torch.nan
    labels = [[0 if symbol == blank else symbol for symbol in label] for label in LABELS]
    return logits, torch.tensor([(*label, 7, 7, 7)[:3] for label in labels]), [len(n) for n in labels]


def every(values: Tensor, label: list[int], blank: int) -> dict[tuple[int, ...], float]:
    """Probability of every path of states: it begins and ends at an end, and moves by 0, 1, or 2 places."""
    states = [blank] * (2 * len(label) + 1)
    states[1::2] = label
    found = {}
    for path in product(range(len(states)), repeat=len(values)):
        moves = list(pairwise(path))
        steps = all(b - a in (0, 1) or (b - a == 2 and states[a] != states[b]) for a, b in moves)
        if steps and path[0] < 2 and path[-1] >= len(states) - 2:
            found[path] = values[range(len(path)), [states[s] for s in path]].sum().exp().item()
    return found


@pytest.mark.parametrize("blank", [0, 3])
def test_alignment_and_occupancy_are_those_of_all_paths(blank: int) -> None:
    logits, targets, lengths = draw(blank)
    aligned = ctc_align(logits, targets, FRAMES, lengths, blank=blank)
    occupancy = ctc_occupancy(logits, targets, FRAMES, lengths, blank=blank)
    losses = ctc_loss(logits, targets, FRAMES, lengths, blank, "none")
    for row, (count, length) in enumerate(zip(FRAMES, lengths, strict=True)):
        values, label = logits[:count, row].log_softmax(-1), targets[row, :length].tolist()
        paths = every(values, label, blank)
        best = max(paths, key=paths.__getitem__)
        found = aligned[row]
        assert tuple(found.states) == best
        torch.testing.assert_close(torch.tensor(found.log_probability).exp(), torch.tensor(paths[best]))
        whole = sum(paths.values())
        torch.testing.assert_close(losses[row].neg().exp(), torch.tensor(whole, dtype=torch.float64), **CLOSE)
        expected = torch.zeros(STEPS, occupancy.shape[2], dtype=torch.float64)
        for path, chance in paths.items():
            expected[range(count), path] += chance / whole
        torch.testing.assert_close(occupancy[:, row], expected, **CLOSE)
        assert [each.symbol for each in found.symbols] == label
        for k, each in enumerate(found.symbols):
            frames = [t for t, state in enumerate(best) if state == 2 * k + 1]
            assert (each.first, each.last) == (frames[0], frames[-1])
            assert each.probability == pytest.approx(values[frames, each.symbol].exp().mean().item())


def test_the_gradient_is_softmax_less_occupancy() -> None:
    logits, targets, lengths = draw(0)
    logits = logits.nan_to_num(0).requires_grad_()
    (found,) = torch.autograd.grad(ctc_loss(logits, targets, FRAMES, lengths, reduction="sum"), logits)
    occupancy = ctc_occupancy(logits, targets, FRAMES, lengths)
    for row, count in enumerate(FRAMES):
        expected = logits[:count, row].softmax(-1)
        expected[:, 0] -= occupancy[:count, row, ::2].sum(-1)
        for k, symbol in enumerate(targets[row, : lengths[row]].tolist()):
            expected[:, symbol] -= occupancy[:count, row, 2 * k + 1]
        torch.testing.assert_close(found[:count, row], expected, **CLOSE)


def test_an_impossible_label_is_named_and_occupies_nothing() -> None:
    logits = torch.randn(3, 2, 4)
    arguments = (logits, torch.tensor([[1, 2], [1, 1]]), [3, 2], [2, 2])
    with pytest.raises(InputError, match="row 1: needs an alignment, and at least 3 frames, got 2 frames"):
        ctc_align(*arguments)
    occupancy = ctc_occupancy(*arguments)
    assert not occupancy[:, 1].any() and occupancy.dtype == torch.float64
    torch.testing.assert_close(occupancy[:, 0].sum(-1), torch.ones(3).double())
    with pytest.raises(InputError, match="row 0: needs an alignment"):
        ctc_align(logits[:, :1] + torch.nan, torch.tensor([[1]]), [3], [1])


def test_one_without_a_batch() -> None:
    (found,) = ctc_align(torch.eye(3)[[0, 1, 1, 0, 2]] * 9, torch.tensor([1, 2]), 5, 2)
    assert found.states == [0, 1, 1, 2, 3]
    assert [(each.symbol, each.first, each.last) for each in found.symbols] == [(1, 1, 2), (2, 4, 4)]
