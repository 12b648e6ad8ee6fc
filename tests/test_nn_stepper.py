"""Single steps whose states stay in place, against the same modules run over whole sequences."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tolerances
import torch
from outcomes import threads
from torch import Tensor
from user_cells import CELLS

from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.errors import InputError
from bptt.runtime.backend import backend

T, I = 6, 5
EVERY = {name: cell for name, cell in {**CATALOGUE, **CELLS}.items() if cell.families}


def make(cell: Cell, hidden: int = 19, layers: int = 2, inputs: int = I, **options: object) -> nn.Recurrent:
    torch.manual_seed(0)
    projection = 3 if "P" in cell.letters else 0
    inputs = inputs if "I" in cell.letters else hidden
    return nn.Recurrent(cell, inputs, hidden, layers, proj_size=projection, **options)  # type: ignore[arg-type]


def as_tuple(states: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (states,) if isinstance(states, Tensor) else states


def drawn(module: nn.Recurrent, batch: int, steps: int = T) -> tuple[Tensor, tuple[Tensor, ...]]:
    """An input, and states to begin with."""
    parameter = next(module.parameters())
    torch.manual_seed(1)
    x = torch.randn(steps, batch, module.input_size, dtype=parameter.dtype)
    widths = module.layers[0].widths
    return x, tuple(torch.randn(module.num_layers, batch, w, dtype=parameter.dtype) for w in widths)


def steps_of(module: nn.Recurrent, x: Tensor, start: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """What steps give for a sequence: outputs and final states."""
    stepper = nn.Stepper(module, x.shape[1])
    stepper.states = start
    outputs = torch.stack([stepper.step(row) for row in x])
    return outputs, as_tuple(stepper.states)


def equal(found: tuple[Tensor, tuple[Tensor, ...]], truth: tuple[Tensor, tuple[Tensor, ...]]) -> bool:
    pairs = zip((found[0], *found[1]), (truth[0], *truth[1]), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@torch.no_grad()
def sequence(module: nn.Recurrent, x: Tensor, start: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    output, final = module(x, start)
    return output, as_tuple(final)


@pytest.mark.parametrize("batch", [1, 3, 7])
@pytest.mark.parametrize("name", EVERY)
def test_steps_are_the_bits_of_a_sequence(name: str, batch: int) -> None:
    with backend("cpu"):
        module = make(EVERY[name])
        x, start = drawn(module, batch)
        assert equal(steps_of(module, x, start), sequence(module, x, start))


def test_steps_in_bfloat16_are_those_of_a_sequence() -> None:
    """Rows are rounded where they meet a matrix: between layers it makes no difference when."""
    with backend("cpu"):
        module = make(CATALOGUE["lstm"]).bfloat16()
        x, start = drawn(module, 3)
        assert torch.equal(steps_of(module, x, start)[0], sequence(module, x, start)[0])


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", ["lstm", "gru", "gru-torch", "lstm-layernorm", "lstm-projection", "dense"])
def test_threads_change_no_bit(name: str, count: int) -> None:
    """Two blocks of rows, and enough work for each thread."""
    with backend("cpu"):
        module = make(CATALOGUE[name], hidden=150, inputs=80)
        x, start = drawn(module, 40, steps=12)
        alone = steps_of(module, x, start)
        with threads(count):
            assert equal(steps_of(module, x, start), alone)
        assert equal(sequence(module, x, start), alone)


@pytest.mark.parametrize("pause", [0.0, 0.001])
def test_threads_that_fell_asleep_are_not_missed(pause: float) -> None:
    with backend("cpu"), threads(3):
        module = make(CATALOGUE["lstm"], hidden=150, inputs=80, layers=1)
        x, start = drawn(module, 9, steps=60)
        stepper = nn.Stepper(module, 9)
        stepper.states = start
        for row, truth in zip(x, sequence(module, x, start)[0], strict=True):
            time.sleep(pause)
            assert torch.equal(stepper.step(row), truth)


def test_threads_end_with_their_stepper() -> None:
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("the system does not tell the threads of a process")
    with backend("cpu"), threads(2):
        module = make(CATALOGUE["lstm"], hidden=150, inputs=80)
        before = set(os.listdir(tasks))
        stepper = nn.Stepper(module, 9)
        (first,) = set(os.listdir(tasks)) - before
        stepper.renew()
        (second,) = set(os.listdir(tasks)) - before - {first}
        del stepper
        until = time.monotonic() + 10
        # The system takes a moment to clear away a thread that has been joined.
        while {first, second} & set(os.listdir(tasks)):
            assert time.monotonic() < until


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_that_was_forked_off_steps_on_alone() -> None:
    with backend("cpu"), threads(2):
        module = make(CATALOGUE["lstm"], hidden=150, inputs=80)
        x, start = drawn(module, 9)
        stepper = nn.Stepper(module, 9)
        stepper.states = start
        truth = sequence(module, x, start)[0]
        assert torch.equal(stepper.step(x[0]), truth[0])
        child = os.fork()
        if child == 0:
            same = torch.equal(stepper.step(x[1]), truth[1])
            del stepper
            os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert torch.equal(stepper.step(x[1]), truth[1])


def within(found: Tensor, truth: Tensor, steps: int = T) -> None:
    limit = tolerances.sequence(truth.dtype, 2 * steps, I, 19, magnitude=4.0)
    torch.testing.assert_close(found, truth, rtol=0, atol=limit)


@pytest.mark.parametrize("name", CATALOGUE)
def test_without_kernels_steps_run_in_torch(name: str) -> None:
    with backend("reference"):
        module = make(CATALOGUE[name]).double()
        x, start = drawn(module, 3)
        found, truth = steps_of(module, x, start), sequence(module, x, start)
    scale = tolerances.LAYER_NORM if name == "lstm-layernorm" else 1.0
    for values, expected in zip((found[0], *found[1]), (truth[0], *truth[1]), strict=True):
        limit = tolerances.sequence(torch.float64, 2 * T, I, 19, magnitude=4.0 * scale)
        torch.testing.assert_close(values, expected, rtol=0, atol=limit)


@pytest.mark.parametrize("kind", ["cpu", "reference"])
def test_a_single_step_is_a_stepper_too(kind: str) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.LSTMCell(I, 19)
    x, h, c = torch.randn(T, 4, I), torch.randn(4, 19), torch.randn(4, 19)
    with backend(kind):
        stepper = nn.Stepper(nn.from_torch(theirs), 4)  # type: ignore[arg-type]
        stepper.states = (h, c)
        for row in x:
            output = stepper.step(row)
            h, c = theirs(row, (h, c))
            within(output, h.detach())
            within(as_tuple(stepper.states)[1], c.detach())


@pytest.mark.parametrize("kind", ["cpu", "reference"])
def test_a_single_row_lacks_the_dimension_of_the_batch(kind: str) -> None:
    with backend(kind):
        module = make(CATALOGUE["gru"])
        x, (start,) = drawn(module, 1)
        single, batched = nn.Stepper(module), nn.Stepper(module, 1)
        single.states, batched.states = start[:, 0], start
        for row in x:
            output = single.step(row[0])
            assert output.shape == (19,)
            assert torch.equal(output, batched.step(row)[0])
        states = as_tuple(single.states)[0]
        assert states.shape == (2, 19)
        assert torch.equal(states, as_tuple(batched.states)[0][:, 0])
        step = nn.Stepper(nn.RecurrentCell("gru", I, 19))
        assert as_tuple(step.states)[0].shape == (19,)


@pytest.mark.parametrize("kind", ["cpu", "reference"])
def test_states_go_in_and_out_as_those_of_the_module(kind: str) -> None:
    with backend(kind):
        module = make(CATALOGUE["lstm"])
        x, start = drawn(module, 3)
        with torch.no_grad():
            _, middle = module(x[:3], start)
            truth, final = module(x[3:], middle)
        stepper = nn.Stepper(module, 3)
        stepper.states = middle
        for row, expected in zip(x[3:], truth, strict=True):
            within(stepper.step(row), expected)
        for found, expected in zip(stepper.states, final, strict=True):
            within(found, expected)
        copies = stepper.states
        for state in copies:
            state.fill_(torch.nan)
        assert not any(state.isnan().any() for state in stepper.states)


@pytest.mark.parametrize("kind", ["cpu", "reference"])
def test_parameters_are_those_of_the_last_renewal(kind: str) -> None:
    with backend(kind):
        module = make(CATALOGUE["lstm"])
        x, start = drawn(module, 3)
        truth, final = sequence(module, x, start)
        stepper = nn.Stepper(module, 3)
        stepper.states = start
        for row, expected in zip(x[:3], truth, strict=False):
            within(stepper.step(row), expected)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter += 0.25
        for row, expected in zip(x[3:], truth[3:], strict=True):
            within(stepper.step(row), expected)
        stepper.renew()
        for found, expected in zip(stepper.states, final, strict=True):
            within(found, expected)
        again, _ = sequence(module, x, final)
        assert (again - truth).abs().max() > 0.01
        for row, expected in zip(x, again, strict=True):
            within(stepper.step(row), expected)


def test_a_reset_begins_as_the_module_does() -> None:
    x = torch.randn(I)
    for initial in ("zero", "learned", "random"):
        module = make(CATALOGUE["lstm"], initial=initial)
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                if name.startswith("initial"):
                    parameter.normal_()
        torch.manual_seed(3)
        truth = module(x[None])[0][0].detach()
        torch.manual_seed(3)
        stepper = nn.Stepper(module)
        within(stepper.step(x), truth)
        torch.manual_seed(3)
        stepper.reset()
        within(stepper.step(x), truth)


def test_outputs_stay_as_they_are_and_lead_no_gradients_back() -> None:
    module = make(CATALOGUE["gru"])
    x = torch.randn(80, I, requires_grad=True)
    with torch.inference_mode():
        stepper = nn.Stepper(module)
        first = stepper.step(x[0])
    kept = first.clone()
    outputs = [stepper.step(row) for row in x[1:]]
    assert len({output.data_ptr() for output in (first, *outputs)}) == 80
    assert torch.equal(first, kept)
    assert not any(output.requires_grad for output in outputs)
    head = torch.nn.Linear(19, 1)
    head(outputs[0]).sum().backward()
    truth = module(x.detach())[0].detach()
    within(torch.stack(outputs), truth[1:], 80)


def test_dropout_is_left_out() -> None:
    module = make(CATALOGUE["gru"], dropout=0.5)
    x = torch.randn(T, I)
    stepper = nn.Stepper(module.train())
    truth = module.eval()(x)[0].detach()
    within(torch.stack([stepper.step(row) for row in x]), truth)


def test_an_input_need_not_be_dense() -> None:
    module = make(CATALOGUE["gru"])
    x = torch.stack([torch.randn(4, I), torch.full((4, I), torch.nan)], -1)[..., 0]
    a, b = nn.Stepper(module, 4), nn.Stepper(module, 4)
    assert not x.is_contiguous()
    assert torch.equal(a.step(x), b.step(x.contiguous()))


def test_rows_do_not_disturb_each_other() -> None:
    module = make(CATALOGUE["lstm"])
    x, start = drawn(module, 3)
    x[2:, 1] = torch.nan
    truth, _ = steps_of(module, x.nan_to_num(0.5), start)
    found, _ = steps_of(module, x, start)
    assert found[2:, 1].isnan().all()
    assert torch.equal(found[:, [0, 2]], truth[:, [0, 2]])


def test_what_cannot_be_is_said() -> None:
    stack = make(CATALOGUE["lstm"])
    with pytest.raises(InputError, match="in one direction"):
        nn.Stepper(nn.LSTM(I, 4, bidirectional=True))
    with pytest.raises(InputError, match="batch is a positive integer"):
        nn.Stepper(stack, 0)
    with pytest.raises(InputError, match="a stack of layers or a single step"):
        nn.Stepper(torch.nn.LSTM(I, 4))  # type: ignore[arg-type]
    stepper = nn.Stepper(stack, 3)
    with pytest.raises(InputError, match=r"expected shape \(3, 5\), got \(4, 5\)"):
        stepper.step(torch.zeros(4, I))
    with pytest.raises(InputError, match="input as the parameters"):
        stepper.step(torch.zeros(3, I, dtype=torch.float64))
    with pytest.raises(InputError, match=r"h of hx: expected shape \(2, 3, 19\)"):
        stepper.states = (torch.zeros(1, 3, 19), torch.zeros(1, 3, 19))
    stack.double()
    for fault in (stepper.renew, lambda: stepper.step(torch.zeros(3, I, dtype=torch.float64))):
        with pytest.raises(InputError, match="Make another stepper"):
            fault()


def test_parameters_of_another_shape_are_refused_before_they_are_read() -> None:
    stack = nn.LSTM(I, 19, 2)
    stack.weight_hh_l1 = torch.nn.Parameter(torch.randn(76, 3))
    with pytest.raises(InputError, match="recurrence"):
        nn.Stepper(stack, 2)


def test_a_stepper_is_neither_copied_nor_pickled() -> None:
    with backend("cpu"):
        stepper = nn.Stepper(make(CATALOGUE["lstm"]))
        for duplicate in (copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="make another one"):
                duplicate(stepper)


def test_nothing_is_left_when_a_stepper_outlives_the_interpreter() -> None:
    """At the end of a process the threads of a stepper end before what they use."""
    code = (
        "import torch; torch.set_num_threads(2); from bptt import nn\n"
        "stepper = nn.Stepper(nn.LSTM(80, 150), 9)\n"
        "stepper.step(torch.zeros(9, 80)); print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"
