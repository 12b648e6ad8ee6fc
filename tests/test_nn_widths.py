"""Cells with values as wide as the input, whose layers differ; and what a module refuses when it is made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import Command
from torch import Tensor

from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.errors import InputError
from bptt.probe.self_check import check_module
from bptt.runtime.backend import backend

# As in QRNN and TGRU: the input of the step before is a state.
EQUATIONS = "h = tanh(W_h @ x + V_h @ p_prev + R_h @ h_prev)\np = x"
KEEPS_INPUT = Cell.define("keeps-input", EQUATIONS, states="h p", widths={"p": "I"})
WIDE_OUTPUT = Cell.define(
    "wide-output",
    "h = tanh(W_h @ x + R_h @ h_prev)\ny = V_y @ h + x",
    states="h",
    output="y",
    widths={"y": "I"},
)
I, H, T, B = 3, 4, 5, 2


@pytest.fixture(autouse=True)
def _plain() -> object:
    with backend("reference"):
        yield


def by_hand(module: nn.Recurrent, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Layers of KEEPS_INPUT in one direction, and their last states."""
    last = []
    for k in range(module.num_layers):
        w, v, r = (getattr(module, f"{name}_l{k}") for name in "WVR")
        h, p, outputs = torch.zeros(B, H).double(), torch.zeros_like(x[0]), []
        for step in x:
            h, p = torch.tanh(step @ w.T + p @ v.T + h @ r.T), step
            outputs.append(h)
        last += [h, p]
        x = torch.stack(outputs)
    return x, last


def test_two_layers_by_hand() -> None:
    module, x = nn.Recurrent(KEEPS_INPUT, I, H, num_layers=2).double(), torch.randn(T, B, I).double()
    output, (h, p) = module(x)
    wanted, (h0, p0, h1, p1) = by_hand(module, x)
    torch.testing.assert_close(output, wanted)
    torch.testing.assert_close(h, torch.stack([h0, h1]))
    assert p.shape == (2, B, H)
    torch.testing.assert_close(p[0], torch.cat([p0, torch.zeros(B, H - I).double()], -1))
    torch.testing.assert_close(p[1], p1)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("sizes", [(3, 4), (7, 4), (4, 4)])
def test_states_go_on(sizes: tuple[int, int], bidirectional: bool) -> None:
    """Two halves, the second from the states of the first, are the whole."""
    if bidirectional:
        module = nn.Recurrent(KEEPS_INPUT, *sizes, num_layers=2, bidirectional=True).double()
        x = torch.randn(T, B, sizes[0]).double()
        output, states = module(x)
        assert output.shape == (T, B, 2 * sizes[1]) and module(x, states)[1][1].shape == states[1].shape
        return
    module = nn.Recurrent(KEEPS_INPUT, *sizes, num_layers=2).double()
    x = torch.randn(2 * T, B, sizes[0]).double()
    whole, states = module(x)
    first, between = module(x[:T])
    second, after = module(x[T:], between)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(after, states)


def test_a_stepper() -> None:
    module, x = nn.Recurrent(KEEPS_INPUT, I, H, num_layers=3).double(), torch.randn(T, B, I).double()
    output, states = module(x)
    stepper = nn.Stepper(module, B)
    torch.testing.assert_close(torch.stack([stepper.step(step) for step in x]), output)
    torch.testing.assert_close(stepper.states, states)
    stepper.reset()
    stepper.states = states
    torch.testing.assert_close(stepper.step(x[0]), module(x[:1], states)[0][0])


@pytest.mark.parametrize("initial", ["learned", "random"])
def test_other_beginnings_and_lengths(initial: nn.Initial) -> None:
    module = nn.Recurrent(KEEPS_INPUT, I, H, num_layers=2, initial=initial, batch_first=True)
    output, states = module(torch.randn(B, T, I), lengths=[T, 2])
    assert output.shape == (B, T, H) and [s.shape for s in states] == [(2, B, H)] * 2


def test_an_output_as_wide_as_the_input() -> None:
    """In both directions the second layer reads, and gives, twice as much."""
    module = nn.Recurrent(WIDE_OUTPUT, I, H, num_layers=2, bidirectional=True)
    assert module(torch.randn(T, B, I))[0].shape == (T, B, 2 * module.output_size) == (T, B, 4 * I)


def test_a_bridge_into_a_decoder() -> None:
    encoder = nn.Recurrent(KEEPS_INPUT, I, H, num_layers=2)
    decoder = nn.Recurrent(KEEPS_INPUT, 6, H, num_layers=2)
    bridge = nn.Bridge(encoder.widths, 2, 1, decoder)
    output, _ = decoder(torch.randn(T, B, 6), bridge(encoder(torch.randn(T, B, I))[1]))
    assert output.shape == (T, B, H)


TWO = Cell.define("two", "h = tanh(W_h @ x + U_h @ y + R_h @ h_prev)", states="h", inputs="x y")
NO_MATRIX = Cell.define("no-matrix", "h = tanh(x + R_h @ h_prev)", states="h", widths={"x": "H"})
REFUSED = {
    "two inputs": (TWO, {}, "reads one input sequence, cell 'two' several, got x y"),
    "another input": (NO_MATRIX, {}, "cell 'no-matrix' reads an input of width H = 4, got 3"),
    "both directions": (
        NO_MATRIX,
        {"input_size": 4, "num_layers": 2, "bidirectional": True},
        "reads an input of width H = 4, got 8",
    ),
    **{
        letter: (
            Cell.define(
                "odd", "h = tanh(W_h @ x + R_h @ q_prev)\nq = V_q @ h", states="h q", widths={"q": letter}
            ),
            {},
            f"cell 'odd' has widths I, H or P, got '{letter}'",
        )
        for letter in "DGV"
    },
}


@pytest.mark.parametrize(("cell", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_module_cannot_be(cell: Cell, options: dict[str, int], message: str) -> None:
    """Said when it is made."""
    with pytest.raises(InputError, match=message):
        nn.Recurrent(cell, **{"input_size": I, "hidden_size": H, **options})


@pytest.mark.parametrize(
    "cell", [*CATALOGUE.values(), KEEPS_INPUT, WIDE_OUTPUT, NO_MATRIX], ids=lambda c: c.name
)
def test_check_makes_a_module(cell: Cell) -> None:
    state = torch.get_rng_state()
    check_module(cell)
    assert torch.equal(torch.get_rng_state(), state)


def test_check_says_what_a_module_would_refuse(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text(
        "from bptt import Cell\nOdd = Cell.define('odd', '''h = tanh(W_h @ x + R_h @ q_prev)\nq = V_q @ h''',"
        " states='h q', widths={'q': 'D'})\n"
    )
    ended = command("check", f"{path}:Odd")
    assert ended.code == 2 and "gradients of odd agree" in ended.out
    assert "cell 'odd' has widths I, H or P, got 'D'" in ended.err


def test_training_a_language_model(command: Command, tmp_path: Path) -> None:
    text, cell = tmp_path / "text.txt", tmp_path / "keeps.py"
    text.write_text("the cat sat on the mat\n" * 40)
    options = "states='h p', widths={'p': 'I'}"
    cell.write_text(f"from bptt import Cell\nKeeps = Cell.define('keeps', '''{EQUATIONS}''', {options})\n")
    run = tmp_path / "run"
    sizes = ("--embedding", 3, "--hidden", 4, "--layers", 2, "--epochs", 1)
    ended = command("train", "lm", text, "--cell", f"{cell}:Keeps", "-o", run, *sizes)
    assert ended.code == 0, ended.err
    assert command("sample", run, "--length", 5, "--seed", 1).code == 0
