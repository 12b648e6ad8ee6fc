"""The decoder: all steps at once are its steps one by one, and each is the formula of the papers."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tolerances import sequence
from torch import Tensor, nn
from torch.autograd import gradcheck

from bptt.errors import InputError
from bptt.nn import Bridge, Decoder, DecoderState, Recurrent

T, S, B, I, H, K = 4, 5, 3, 2, 6, 6
LENGTHS = torch.tensor([5, 0, 3])
FORMS = [(None, False), *((score, fed) for score in ("additive", "dot", "general") for fed in (False, True))]
# The sums of a step: those of the cell in two layers, of attention and of its context, of the output.
WIDTHS = (I + 2 * H, H, H, H, H, K, K, S, S, H + K)
CLOSE = sequence(torch.float64, T, *WIDTHS)


def make(
    attention: str | None, fed: bool, cell: str = "lstm", layers: int = 2
) -> tuple[Decoder, DecoderState]:
    torch.manual_seed(1)
    decoder = Decoder(
        cell, I, H, layers, attention=attention, memory_width=K if attention else 0, input_feeding=fed
    ).double()
    states = [torch.randn(layers, B, width).double() for width in decoder.recurrent.layers[0].widths]
    memory = torch.randn(S, B, K).double()
    return decoder, decoder.start(states, memory, LENGTHS)


def read_all(decoder: Decoder, x: Tensor, state: DecoderState) -> list[Tensor]:
    output, weights, state = decoder(x, state)
    return [output, weights, state.output, *state.recurrent]


def close(found: list[Tensor], wanted: list[Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=0, atol=CLOSE) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("attention", "fed"), FORMS)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_step_by_step_is_all_at_once(attention: str | None, fed: bool, cell: str) -> None:
    decoder, state = make(attention, fed, cell)
    x = torch.randn(T, B, I).double()
    outputs, weights = [], []
    found = state
    for step in x:
        output, weight, found = decoder(step[None], found)
        outputs.append(output)
        weights.append(weight)
    stepped = [torch.cat(outputs), torch.cat(weights), found.output, *found.recurrent]
    assert close(stepped, read_all(decoder, x, state))
    assert stepped[1].shape == (T, B, S if attention else 0)


@pytest.mark.parametrize("fed", [False, True])
def test_a_step_is_the_formula(fed: bool) -> None:
    """The LSTM by torch; q = h, e_s = h W k_s, õ = tanh(W [c; h]), fed back if asked: Luong et al. 2015."""
    decoder, state = make("general", fed, layers=1)
    x = torch.randn(T, B, I).double()
    output, weights, _ = decoder(x, state)
    cell = nn.LSTMCell(I + H * fed, H).double()
    own = decoder.recurrent
    for name, value in (("weight_ih", own.W_l0), ("weight_hh", own.R_l0), ("bias_ih", own.b_l0)):
        getattr(cell, name).data = value.detach()
    cell.bias_hh.data.zero_()
    h, c = (each[0] for each in state.recurrent)
    last = torch.zeros(B, H).double()
    values = state.memory.values
    for t in range(T):
        h, c = cell(torch.cat([x[t], last], 1) if fed else x[t], (h, c))
        contexts = torch.zeros(B, K).double()
        for b, length in enumerate(LENGTHS.tolist()):
            if length:
                scores = [h[b] @ decoder.attention.key_weight @ k for k in values[b, :length]]
                weight = torch.stack(scores).softmax(0)
                contexts[b] = weight @ values[b, :length]
                assert torch.allclose(weights[t, b, :length], weight, rtol=0, atol=CLOSE)
        last = torch.tanh(torch.cat([contexts, h], 1) @ decoder.combine.weight.t())
        assert torch.allclose(output[t], last, rtol=0, atol=CLOSE)


def test_without_attention_the_output_is_that_of_the_stack() -> None:
    decoder, state = make(None, False)
    x = torch.randn(T, B, I).double()
    assert torch.equal(decoder(x, state)[0], decoder.recurrent(x, state.recurrent)[0])


@pytest.mark.parametrize("fed", [False, True])
def test_gradients_are_those_of_differences(fed: bool) -> None:
    decoder, state = make("additive", fed)
    x, memory = torch.randn(T, B, I).double(), torch.randn(S, B, K).double()

    def run(x: Tensor, memory: Tensor, *states: Tensor) -> list[Tensor]:
        return read_all(decoder, x, decoder.start(states, memory, LENGTHS))

    operands = (x, memory, *(each.clone() for each in state.recurrent))
    assert gradcheck(run, tuple(each.requires_grad_() for each in operands), fast_mode=True)


@pytest.mark.parametrize(("attention", "fed"), FORMS)
def test_a_row_does_not_depend_on_the_others_nor_on_padding(attention: str | None, fed: bool) -> None:
    decoder, state = make(attention, fed)
    x = torch.randn(T, B, I).double()
    output, weights, _ = decoder(x, state)
    for rows in ([2], [1, 1], [2, 0, 0, 1]):
        chosen = torch.tensor(rows)
        one, one_weights, after = decoder(x[:, chosen], state.select(chosen))
        assert close([one, one_weights], [output[:, chosen], weights[:, chosen]])
        assert torch.equal(after.output, one[-1])


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        (("lstm", 3, 1, True), ("lstm", 4, 1)),
        (("lstm", 3, 3, True), ("gru", 4, 2)),
        (("gru", 3, 1, False), ("lstm", 5, 3)),
    ],
)
def test_a_bridge_joins_what_a_layer_ended_with(encoder, decoder) -> None:
    cell, width, layers, both = encoder
    source = Recurrent(cell, I, width, layers, bidirectional=both).double()
    target = Recurrent(decoder[0], I, *decoder[1:]).double()
    _, final = source(torch.randn(S, B, I).double(), lengths=LENGTHS)
    final = (final,) if isinstance(final, Tensor) else final
    directions = 1 + both
    bridge = Bridge(source.layers[0].widths, layers, directions, target).double()
    states = bridge(final)
    widths = [0, *target.layers[0].widths]
    ends = torch.tensor(widths).cumsum(0).tolist()
    for layer in range(decoder[2]):
        below = max(0, layer + layers - decoder[2])
        parts = [state[below * directions + d] for d in range(directions) for state in final]
        linear = bridge.maps[layer]
        wanted = torch.tanh(torch.cat(parts, 1) @ linear.weight.t() + linear.bias)
        for state, (first, last) in zip(states, pairwise(ends), strict=True):
            assert torch.allclose(state[layer], wanted[:, first:last], rtol=0, atol=CLOSE)
    target(torch.randn(T, B, I).double(), states)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"input_feeding needs attention.*Name an attention"):
        Decoder("lstm", I, H, input_feeding=True)
    decoder, state = make("dot", False)
    with pytest.raises(InputError, match="attention needs a memory"):
        decoder.start(state.recurrent)
    with pytest.raises(InputError, match=r"Decoder: expected shape \(T, 3, 2\), got \(4, 2, 2\)"):
        decoder(torch.randn(T, B - 1, I), state)
