"""One unit step by step: its gates and states are those of torch's single steps, by the cell's names."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bptt import Cell, nn
from bptt.errors import InputError
from bptt.nn.exposure import Part
from bptt.probe import LayerValues, values
from bptt.probe.unit_steps import find_layers, most_moving_unit, states_of, unit_steps

STEPS, INPUTS, HIDDEN = 9, 3, 5
# Sums of INPUTS + HIDDEN products of order one in float32, whose errors are handed on for STEPS steps.
CLOSE = STEPS * 4 * (INPUTS + HIDDEN) * torch.finfo(torch.float32).eps


def draw(seed: int = 0) -> Tensor:
    return torch.randn(STEPS, INPUTS, generator=torch.Generator().manual_seed(seed))


def layer_of(stack: nn.Recurrent | nn.LSTM | nn.GRU, number: int = 0) -> LayerValues:
    return values(stack, draw()[:, None])[number]


def lstm_steps(module: torch.nn.LSTM, x: Tensor) -> list[dict[str, Tensor]]:
    """Gates and states of each step, by torch's cell and by its weights."""
    cell = torch.nn.LSTMCell(INPUTS, HIDDEN)
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in module.state_dict().items()})
    h = c = torch.zeros(1, HIDDEN)
    found = []
    for step in x:
        sums = step @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh
        i, f, g, o = sums.chunk(4, 1)
        h, c = cell(step[None], (h, c))
        gates = {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}
        found.append({**gates, "c": c, "h": h})
    return found


def gru_steps(module: torch.nn.GRU, x: Tensor) -> list[dict[str, Tensor]]:
    cell = torch.nn.GRUCell(INPUTS, HIDDEN)
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in module.state_dict().items()})
    h = torch.zeros(1, HIDDEN)
    found = []
    for step in x:
        r, z, n = (step @ cell.weight_ih.T + cell.bias_ih).chunk(3)
        p, q, s = (h @ cell.weight_hh.T + cell.bias_hh).chunk(3, 1)
        reset = (r + p).sigmoid()
        h = cell(step[None], h)
        found.append({"r": reset, "z": (z + q).sigmoid(), "n": (n + reset * s).tanh(), "h": h})
    return found


@torch.no_grad()
@pytest.mark.parametrize(
    ("ours", "theirs", "steps"),
    [(nn.LSTM, torch.nn.LSTM, lstm_steps), (nn.GRU, torch.nn.GRU, gru_steps)],
)
def test_values_are_those_of_single_steps_of_torch(ours, theirs, steps) -> None:
    torch.manual_seed(0)
    stack, module = ours(INPUTS, HIDDEN), theirs(INPUTS, HIDDEN)
    stack.load_state_dict(module.state_dict())
    truth = steps(module, draw())
    for unit in range(HIDDEN):
        found = unit_steps(layer_of(stack), unit)
        assert (found.layer, found.unit, found.units) == ("layer 1", unit, HIDDEN)
        # The GRU's helper, a sum of products, is left out.
        assert [value.name for value in found.values] == list(truth[0])
        for value in found.values:
            expected = [step[value.name][0, unit].item() for step in truth]
            assert value.numbers == pytest.approx(expected, abs=CLOSE)
            assert value.kind == {"h": "state", "c": "state", "g": "other", "n": "other"}.get(
                value.name, "gate"
            )


def test_a_cell_of_ones_own_has_the_names_of_its_equations() -> None:
    cell = Cell.define(
        "own",
        """
        keep = sigmoid(W_keep @ x + R_keep @ h_prev)
        total = W_total @ x
        new = tanh(total)
        m = mean(new)
        h = keep * h_prev + (1 - keep) * new - m
        """,
        states="h",
    )
    found = unit_steps(layer_of(nn.Recurrent(cell, INPUTS, HIDDEN)), 2)
    # Without the sum that is no state, and without the one number of a row.
    assert [(value.name, value.kind) for value in found.values] == [
        ("keep", "gate"),
        ("new", "other"),
        ("h", "state"),
    ]


def test_a_unit_beyond_a_projection_has_no_output() -> None:
    layer = layer_of(nn.Recurrent("lstm-projection", INPUTS, HIDDEN, proj_size=2))
    assert [value.name for value in unit_steps(layer, 1).values][-2:] == ["c", "h"]
    assert [value.name for value in unit_steps(layer, 4).values][-1] == "c"


@pytest.mark.parametrize("unit", [-1, HIDDEN])
def test_a_unit_that_is_not_there_is_refused(unit: int) -> None:
    with pytest.raises(InputError, match=f"unit: is from 0 to {HIDDEN - 1} in layer 1"):
        unit_steps(layer_of(nn.LSTM(INPUTS, HIDDEN)), unit)


def test_the_unit_that_moves_most_is_that_of_the_largest_variance() -> None:
    layer = layer_of(nn.LSTM(INPUTS, HIDDEN))
    assert [value.name for value in states_of(layer).values] == ["c", "h"]
    (c,) = (value.tensor[:, 0] for value in layer.values if value.name == "c")
    spread = [((c[:, unit] - c[:, unit].mean()) ** 2).mean().item() for unit in range(HIDDEN)]
    assert most_moving_unit(layer) == ("c", spread.index(max(spread)))


def test_layers_are_found_by_part_number_and_direction() -> None:
    deep = nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True)
    encoder, decoder = (Part(name, deep, 0, draw()) for name in ("encoder", "decoder"))
    layers = [(part, layer) for part in (encoder, decoder) for layer in values(deep, draw()[:, None])]
    assert find_layers(layers, None, None, False) == layers
    found = find_layers(layers, "decoder", 2, True)
    assert [(part.name, layer.name) for part, layer in found] == [("decoder", "layer 2 ←")]
    for part, number, rule in (
        ("middle", 1, "encoder, decoder"),
        (None, 3, "from 1 to 2"),
        (None, 0, "from"),
    ):
        with pytest.raises(InputError, match=rule):
            find_layers(layers, part, number, False)
    single = [(encoder, layer) for layer in values(nn.LSTM(INPUTS, HIDDEN), draw()[:, None])]
    with pytest.raises(InputError, match="both directions"):
        find_layers(single, None, None, True)
