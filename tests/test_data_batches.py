"""Batches: every token once, in order, with what came before it as input."""

from __future__ import annotations

import pytest
import torch

from bptt.data.batches import NOTHING, ByLength, Continuous, Lines, Sentences
from bptt.data.vocabulary_options import END


@pytest.mark.parametrize(
    ("count", "streams", "length"), [(23, 3, 5), (24, 4, 6), (5, 4, 2), (7, 1, 100), (1, 3, 1)]
)
def test_streams_hold_the_text_and_its_past(count: int, streams: int, length: int) -> None:
    tokens = torch.arange(2, 2 + count, dtype=torch.int32)
    batches = Continuous(tokens, streams, length)
    parts = [batches.batch(9, index) for index in range(batches.steps)]
    targets = torch.cat([part.targets for part in parts]).t()  # (B, N / B)
    inputs = torch.cat([part.inputs for part in parts]).t()
    read = targets.flatten()
    assert read[read != NOTHING].tolist() == tokens.tolist()
    assert (read[count:] == NOTHING).all()
    assert sum(part.units for part in parts) == count
    for row in range(streams):
        assert inputs[row].tolist() == [NOTHING, *targets[row, :-1].tolist()]
    assert [part.continues for part in parts] == [index > 0 for index in range(len(parts))]
    assert all(part.inputs.dtype == part.targets.dtype == torch.int64 for part in parts)
    assert all(len(part.targets) == length for part in parts[:-1])


def encoded(lines: list[list[int]]) -> torch.Tensor:
    return torch.tensor([token for line in lines for token in [*line, END]], dtype=torch.int32)


LINES = [[5, 6, 7], [], [8], [9, 9, 9, 9, 9], [3, 4], [2], [7, 7, 7], [6, 5]]


def read(batch) -> list[list[int]]:
    """The lines of a batch, after checking how each is written down."""
    rows = []
    for inputs, targets in zip(batch.inputs.t(), batch.targets.t(), strict=True):
        length = targets.tolist().index(END) + 1
        assert targets[length - 1] == END
        assert (targets[length:] == NOTHING).all()
        assert (inputs[length:] == NOTHING).all()
        assert inputs[:length].tolist() == [NOTHING, *targets[: length - 1].tolist()]
        rows.append(targets[: length - 1].tolist())
    assert not batch.continues
    assert batch.units == sum(len(row) + 1 for row in rows)
    return rows


def test_lines_are_sentences() -> None:
    lines = Lines(encoded(LINES))
    assert lines.lengths.tolist() == [len(line) + 1 for line in LINES]
    assert read(lines.batch(torch.tensor([7, 1, 3]))) == [LINES[7], LINES[1], LINES[3]]


def test_every_sentence_comes_once_in_an_epoch_and_in_another_order_in_the_next() -> None:
    lines = [[n] * (n % 11 + 1) for n in range(2, 130)]
    batches = Sentences(encoded(lines), 8, seed=3)
    epochs = [[read(batches.batch(epoch, index)) for index in range(batches.steps)] for epoch in (0, 1)]
    for epoch in epochs:
        assert sorted(line for batch in epoch for line in batch) == sorted(lines)
    assert epochs[0] != epochs[1]


def test_a_batch_holds_sentences_of_similar_length_in_no_order_of_length() -> None:
    lines = [[n] * (n % 11 + 1) for n in range(2, 130)]
    batches = Sentences(encoded(lines), 8, seed=0)
    found = [batches.batch(0, index) for index in range(batches.steps)]
    assert sum(batch.targets.numel() - batch.units for batch in found) < 8 * 11
    longest = [len(batch.targets) for batch in found]
    assert longest != sorted(longest)


def test_a_batch_is_found_by_epoch_and_index_alone() -> None:
    tokens = encoded([[n] * (n % 7 + 1) for n in range(2, 60)])
    batches = Sentences(tokens, 4, seed=5)
    batches.batch(0, 0)
    late = batches.batch(3, 2)
    fresh = Sentences(tokens, 4, seed=5).batch(3, 2)
    assert late.targets.tolist() == fresh.targets.tolist()
    other = [Sentences(tokens, 4, seed=6).batch(3, i).targets.tolist() for i in range(batches.steps)]
    assert late.targets.tolist() not in other


@pytest.mark.parametrize(("count", "size"), [(1, 8), (64, 8), (61, 8), (5, 1)])
def test_every_sequence_comes_once_in_an_epoch_beside_those_of_its_length(count: int, size: int) -> None:
    lengths = torch.randint(0, 30, (count,), generator=torch.Generator().manual_seed(count))
    order = ByLength(lengths, size, seed=1)
    for epoch in range(3):
        batches = [order.rows(epoch, index) for index in range(order.steps)]
        assert sorted(torch.cat(batches).tolist()) == list(range(count))
        found = sorted(sorted(lengths[rows].tolist()) for rows in batches)
        assert [length for batch in found for length in batch] == sorted(lengths.tolist())
        assert sorted(len(rows) for rows in batches)[1:] == [size] * (order.steps - 1)
        assert torch.equal(ByLength(lengths, size, seed=1).rows(epoch, 0), batches[0])
