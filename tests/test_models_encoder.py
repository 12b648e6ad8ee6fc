"""The encoder and what stands below it: by hand, and each sequence in a batch as alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bptt.cells import CATALOGUE
from bptt.data.batches import NOTHING
from bptt.data.nucleotides import LETTERS
from bptt.data.vocabulary_options import UNKNOWN
from bptt.errors import InputError
from bptt.models.dna_input import DnaInput
from bptt.models.encoder import Encoder
from bptt.models.inputs import InputPart, SeriesInput, TokenInput
from bptt.models.options import EncoderOptions, SpellingOptions, TokenOptions
from bptt.models.spelled_words import SpelledWordInput
from bptt.nn.pooling import Pooling
from bptt.options.sections import read_section

T, B, D, V, W = 7, 5, 3, 11, 4
LENGTHS = torch.tensor([3, 0, 7, 1, 4])
VALID = torch.arange(T)[:, None] < LENGTHS
DOUBLE = torch.float64
EPS = torch.finfo(DOUBLE).eps
PARTS = ("tokens", "one-hot", "spelled", "series", "dna")
# Rows of a batch are independent: only the order of summation inside a product may differ.
TOLERANCE = 1e-12


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def make_part(kind: str) -> InputPart:
    if kind == "series":
        part = SeriesInput(D)
        part.fit([torch.randn(20, D) * 3 + 1])
        return part
    if kind == "dna":
        return DnaInput()
    if kind == "spelled":
        return SpelledWordInput(TokenInput(V, TokenOptions(4)), V, SpellingOptions(3, 2))
    return TokenInput(V, TokenOptions(0 if kind == "one-hot" else 4))


def make_inputs(kind: str, poison: float = 0.0) -> tuple[Tensor, ...]:
    """The tensors of a batch; the padding of series is `poison`."""
    if kind == "series":
        return (torch.randn(T, B, D, dtype=DOUBLE).masked_fill(~VALID[:, :, None], poison),)
    tokens = torch.randint(len(LETTERS) if kind == "dna" else V, (T, B)).masked_fill(~VALID, NOTHING)
    if kind != "spelled":
        return (tokens,)
    inside = VALID[:, :, None] & (torch.arange(W) < torch.randint(1, W + 1, (T, B, 1)))
    return tokens, torch.randint(V, (T, B, W)).masked_fill(~inside, NOTHING)


def make(kind: str, cell: str = "lstm", **options: Any) -> Encoder:
    projection = 2 if cell == "lstm-projection" else 0
    sizes = EncoderOptions(hidden_size=5, num_layers=2, proj_size=projection, **options)
    return Encoder(make_part(kind), CATALOGUE[cell], sizes).double()


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)


def alone(encoder: Encoder, inputs: tuple[Tensor, ...], row: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """What one row gives without the others and without its padding."""
    length = int(LENGTHS[row])
    output, states = encoder(tuple(x[:length, row : row + 1] for x in inputs), LENGTHS[row : row + 1])
    return output[:, 0], tuple(state[:, 0] for state in states)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_every_cell_reads_a_row_as_if_it_were_alone(cell: str, bidirectional: bool) -> None:
    encoder = make("series", cell, bidirectional=bidirectional, feed_forward=(6, 4))
    inputs = make_inputs("series", math.nan)
    output, states = encoder(inputs, LENGTHS)
    assert output.shape == (T, B, 4) and not output[~VALID].any()
    for row, length in enumerate(LENGTHS.tolist()):
        if length:
            expected, last = alone(encoder, inputs, row)
            close(output[:length, row], expected)
            for found, truth in zip(states, last, strict=True):
                close(found[:, row], truth)


@pytest.mark.parametrize("kind", PARTS)
def test_every_input_reads_a_row_as_if_it_were_alone(kind: str) -> None:
    encoder, inputs = make(kind), make_inputs(kind, math.nan)
    output, _ = encoder(inputs, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        if length:
            close(output[:length, row], alone(encoder, inputs, row)[0])


@pytest.mark.parametrize("kind", PARTS)
def test_gradients_come_from_what_is_no_padding(kind: str) -> None:
    encoder = make(kind, feed_forward=(6,), initial="learned")
    inputs, parameters = make_inputs(kind, math.nan), list(encoder.parameters())
    poisoned = torch.autograd.grad(encoder(inputs, LENGTHS).output.square().sum(), parameters)
    clean = tuple(x.nan_to_num(7.0) for x in inputs)
    expected = torch.autograd.grad(encoder(clean, LENGTHS).output.square().sum(), parameters)
    for found, truth in zip(poisoned, expected, strict=True):
        assert torch.equal(found, truth) and found.isfinite().all()


def test_one_vector_of_a_sequence_goes_through_the_layers_on_top() -> None:
    """In one direction, the layers on the last step are the last step of the layers on every step."""
    encoder, inputs = make("series", bidirectional=False, feed_forward=(6, 4)), make_inputs("series")
    pooling = Pooling("last", encoder.read_size)
    found = encoder.feed_forward(pooling(encoder.read(inputs, LENGTHS).output, LENGTHS))
    expected = Pooling("last", encoder.output_size)(encoder(inputs, LENGTHS).output, LENGTHS)
    close(found[LENGTHS > 0], expected[LENGTHS > 0])


@pytest.mark.parametrize(
    ("activation", "function"),
    [("relu", lambda a: max(a, 0.0)), ("tanh", math.tanh), ("sigmoid", lambda a: 1 / (1 + math.exp(-a)))],
)
def test_feed_forward_layers_are_applied_step_by_step(activation: Any, function: Any) -> None:
    encoder, inputs = make("series", feed_forward=(6, 4), activation=activation), make_inputs("series")
    rows = encoder.read(inputs, LENGTHS).output[VALID].tolist()
    linear = [layer for layer in encoder.feed_forward if isinstance(layer, torch.nn.Linear)]
    for layer in linear:
        weight = list(zip(layer.weight.tolist(), layer.bias.tolist(), strict=True))
        rows = [
            [function(math.fsum(w * v for w, v in zip(ws, row, strict=True)) + b) for ws, b in weight]
            for row in rows
        ]
    # Two layers of sums of at most 10 products below 1.
    found = encoder(inputs, LENGTHS).output[VALID]
    torch.testing.assert_close(found, torch.tensor(rows, dtype=DOUBLE), rtol=0, atol=40 * EPS)


def test_dropout_acts_where_it_is_said_to_and_only_in_training() -> None:
    inputs = (torch.ones(50, 40, D, dtype=DOUBLE),)
    seen: list[Tensor] = []
    for options in ({"input_dropout": 0.25}, {"dropout": 0.25}):
        encoder = make("series", "elman-tanh", **options)
        encoder.recurrent.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        trained = encoder(inputs, torch.full((40,), 50)).output
        seen.append(trained)
        encoder.eval()(inputs, torch.full((40,), 50))
    dropped = [float((values == 0).double().mean()) for values in seen]
    # Of 6,000 values at least; five deviations of a share of them.
    near = pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 6000) ** 0.5)
    assert dropped == [near, 0, 0, 0, near, 0]


def test_tokens_are_rows_of_the_embedding_and_padding_is_zero() -> None:
    part, tokens = TokenInput(V, TokenOptions(4)), torch.tensor([[2, NOTHING], [10, 0]])
    vectors = torch.arange(V * 4.0).view(V, 4)
    part.fill(vectors)
    assert part(tokens).tolist() == [[vectors[2].tolist(), [0] * 4], [vectors[10].tolist(), [0, 1, 2, 3]]]
    hot = TokenInput(3, TokenOptions(0)).double()(torch.tensor([[2, NOTHING, 0]]))
    assert hot.tolist() == [[[0, 0, 1], [0, 0, 0], [1, 0, 0]]] and hot.dtype == DOUBLE
    with pytest.raises(InputError, match=r"vectors: expected shape \(11, 4\), got \(11, 3\)"):
        part.fill(vectors[:, :3])


def test_a_frozen_embedding_is_not_trained() -> None:
    assert not any(p.requires_grad for p in TokenInput(V, TokenOptions(4, frozen=True)).parameters())
    assert all(p.requires_grad for p in TokenInput(V, TokenOptions(4)).parameters())


def test_dropped_tokens_are_unknown_in_training_only() -> None:
    part = TokenInput(V, TokenOptions(0, token_dropout=0.25))
    tokens = torch.randint(1, V, (100, 60)).masked_fill(torch.rand(100, 60) < 0.5, NOTHING)
    found = part(tokens)
    known = tokens != NOTHING
    assert not found[~known].any() and torch.equal(found.sum(2), known.float())
    kept = found.argmax(2)[known] == tokens[known]
    assert torch.equal(found.argmax(2)[known] == UNKNOWN, ~kept)
    # Five deviations of a share of 3,000.
    assert float((~kept).float().mean()) == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 3000) ** 0.5)
    assert torch.equal(part.eval()(tokens).argmax(2)[known], tokens[known])


def test_a_word_is_read_forwards_and_backwards_by_its_characters() -> None:
    part = SpelledWordInput(TokenInput(V, TokenOptions(4)), V, SpellingOptions(3, 2)).double()
    words, characters = make_inputs("spelled")
    characters[2, 2], characters[0, 0] = characters[0, 2], characters[0, 2]
    found = part(words, characters)
    assert found.shape == (T, B, 4 + 2 * 2) == (T, B, part.output_size)
    close(found[:, :, :4], part.words(words))
    for t, b in VALID.nonzero().tolist():
        known = characters[t, b][characters[t, b] != NOTHING]
        _, (final, _) = part.speller(part.characters.embedding[known])
        close(found[t, b, 4:], final.flatten())
    assert not found[~VALID].any()


def test_series_lose_the_mean_and_the_deviation_of_the_training_steps() -> None:
    part = SeriesInput(3).double()
    part.fit([torch.tensor([[1.0, 5, 0], [3, 5, 0]]), torch.tensor([[5.0, 5, 12]])])
    # Deviations by hand: √(8/3) of 1, 3, 5; none of 5, 5, 5; √32 of 0, 0, 12.
    expected = [(3 + 8 - 3) / (8 / 3) ** 0.5, 6 - 5, (4 - 4) / 32**0.5]
    assert part(torch.tensor([[[11.0, 6, 4]]])).flatten().tolist() == pytest.approx(expected, rel=4 * EPS)
    other = SeriesInput(3).double()
    other.load_state_dict(part.state_dict())
    assert torch.equal(other.mean, part.mean) and torch.equal(other.deviation, part.deviation)


def test_dna_letters_are_probabilities() -> None:
    letters = torch.tensor([[LETTERS.index(letter)] for letter in "GUDSN"] + [[NOTHING]])
    third = pytest.approx(1 / 3, rel=1e-7)
    expected = [[0, 0, 1, 0], [0, 0, 0, 1], [third, 0, third, third], [0, 0.5, 0.5, 0], [0.25] * 4, [0] * 4]
    assert DnaInput()(letters)[:, 0].tolist() == expected


@pytest.mark.parametrize("kind", PARTS)
def test_a_model_without_memory_takes_its_weights(kind: str) -> None:
    encoder, inputs = make(kind), make_inputs(kind)
    with torch.device("meta"):
        other = make(kind)
    other.load_state_dict(encoder.state_dict(), assign=True)
    assert not any(buffer.is_meta for buffer in other.buffers())
    assert torch.equal(other(inputs, LENGTHS).output, encoder(inputs, LENGTHS).output)


def test_options_name_what_is_wrong_and_come_back_from_json() -> None:
    wrong = [
        ("hidden_size", 0),
        ("num_layers", 1.5),
        ("dropout", 1.0),
        ("input_dropout", -0.1),
        ("proj_size", -1),
        ("initial", "ones"),
        ("feed_forward", (4, 0)),
        ("activation", "gelu"),
    ]
    for name, value in wrong:
        with pytest.raises(InputError, match=f"^{name}: "):
            replace(EncoderOptions(), **{name: value})
    with pytest.raises(InputError, match=r"^token_dropout: "):
        TokenOptions(token_dropout=1)
    with pytest.raises(InputError, match=r"^embedding_size: "):
        TokenOptions(-1)
    with pytest.raises(InputError, match=r"^character_size: "):
        SpellingOptions(0)
    options = EncoderOptions(feed_forward=(4, 3))
    written = vars(options) | {"feed_forward": [4, 3]}
    assert read_section(EncoderOptions, {"model": written}, "model", "config.json") == options
