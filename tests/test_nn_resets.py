"""Sequences packed into one row, whose beginnings `resets` marks, give what each gives alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import tolerances
import torch
from outcomes import threads
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from user_cells import READOUT

from bptt import nn, probe
from bptt.cells import CATALOGUE
from bptt.errors import InputError, TensorError, WrongTypeError
from bptt.runtime.backend import backend

# torch's own: forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

T, B, I, H, P = 7, 4, 3, 4, 2
DOUBLE = torch.float64
# A beginning at step 0, after which `hx` counts for nothing; several; none; one in the padding.
RESETS = torch.zeros(T, B, dtype=torch.bool)
for step, row in ((0, 1), (3, 0), (4, 0), (6, 0), (2, 1), (5, 3)):
    RESETS[step, row] = True
LENGTHS = [7, 5, 6, 4]
CELLS = {**CATALOGUE, "readout": READOUT}
LIMIT = tolerances.gradient(DOUBLE, T, B, 2 * H, 2 * H, magnitude=tolerances.LAYER_NORM)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def made(cell: str, **options: Any) -> nn.Recurrent:
    proj_size = P if cell == "lstm-projection" else 0
    module = nn.Recurrent(CELLS[cell], I, H, proj_size=proj_size, dtype=DOUBLE, **options)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.startswith("initial"):
                parameter.normal_()
    return module


def as_tuple(states: Any) -> tuple[Tensor, ...]:
    return (states,) if isinstance(states, Tensor) else tuple(states)


def random_states(module: nn.Recurrent) -> tuple[Tensor, ...]:
    rows = len(module.layers)
    return tuple(torch.randn(rows, B, w, dtype=DOUBLE, requires_grad=True) for w in module.widths)


def pieces(row: int, length: int) -> Iterator[tuple[int, int]]:
    """The sequences inside a row, from step to step."""
    starts = [t for t in range(1, length) if RESETS[t, row]]
    yield from zip([0, *starts], [*starts, length], strict=True) if length else ()


def natural(module: nn.Recurrent) -> list[Tensor]:
    """The states that a sequence begins with, (layers * directions, width) each."""
    if module.initial == "learned":
        names = [[f"initial_{s}{la.suffix}" for s in la.cell.states] for la in module.layers]
        return [torch.stack([getattr(module, row[k]) for row in names]) for k in range(len(names[0]))]
    return [torch.zeros(len(module.layers), w, dtype=DOUBLE) for w in module.widths]


def one_by_one(
    module: nn.Recurrent, x: Tensor, hx: Sequence[Tensor], lengths: Sequence[int]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The output and final states, by a call of the module for each sequence."""
    backward = torch.tensor([layer.reverse for layer in module.layers])[:, None]
    rows, finals = [], []
    for row, length in enumerate(lengths):
        outputs, firsts, lasts = [], [], []
        for begin, end in pieces(row, length):
            # What comes into a row from outside enters where its first step is read.
            entered = torch.where(backward, torch.tensor(end == length), torch.tensor(begin == 0))
            if RESETS[0, row]:
                entered = entered & backward
            both = zip(hx, natural(module), strict=True)
            start = tuple(torch.where(entered, given[:, row], own) for given, own in both)
            output, final = module(x[begin:end, row], start)
            outputs.append(output)
            firsts = firsts or list(as_tuple(final))
            lasts = list(as_tuple(final))
        rest = x.new_zeros(T - length, module.output_size * module.num_directions)
        rows.append(torch.cat([*outputs, rest]))
        finals.append([torch.where(backward, a, b) for a, b in zip(firsts, lasts, strict=True)])
    return torch.stack(rows, 1), tuple(torch.stack(each, 1) for each in zip(*finals, strict=True))


def loss(output: Tensor, final: Sequence[Tensor]) -> Tensor:
    """A number in which every element has a weight of its own."""
    numbers = torch.cat([output.flatten(), *(state.flatten() for state in final)])
    return (numbers * torch.linspace(-1, 2, len(numbers), dtype=numbers.dtype)).sum()


def gradients(value: Tensor, leaves: Sequence[Tensor], **options: Any) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True, **options)


def close(found: Sequence[Tensor], truth: Sequence[Tensor], limit: float = LIMIT) -> None:
    for a, b in zip(found, truth, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=limit)


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
@pytest.mark.parametrize("initial", ["zero", "learned"])
@pytest.mark.parametrize("cell", CELLS)
def test_packed_sequences_are_each_alone(cell: str, initial: str, chosen: str) -> None:
    module = made(cell, num_layers=2, bidirectional=True, initial=initial)
    x, hx = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True), random_states(module)
    leaves = [x, *hx, *module.parameters()]
    with backend(chosen):
        for lengths in ([T] * B, LENGTHS):
            ragged = None if lengths == [T] * B else lengths
            output, final = module(x, hx, resets=RESETS, lengths=ragged)
            truth = one_by_one(module, x, hx, lengths)
            close([output, *as_tuple(final)], [truth[0], *truth[1]])
            found = gradients(loss(output, as_tuple(final)), leaves)
            close(found, gradients(loss(*truth), leaves))


@pytest.mark.parametrize("cell", ["lstm-peephole", "readout"])
def test_no_gradient_crosses_a_beginning(cell: str) -> None:
    module = made(cell, bidirectional=True)
    x = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True)
    output, _ = module(x, resets=RESETS)
    for chosen in ("cpu", "reference"):
        with backend(chosen):
            output, _ = module(x, resets=RESETS)
            (found,) = gradients(output[3, 0].sum() + output[2, 1].sum(), [x])
        assert found[3, 0].all() and found[2:, 1].any(-1).all()
        found[3, 0] = found[2:, 1] = 0
        assert not found.any()


@pytest.mark.parametrize("storage", ["recompute", "segments"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "readout"])
def test_what_is_stored_changes_nothing(cell: str, storage: str) -> None:
    module = made(cell, bidirectional=True, initial="learned")
    x, hx = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True), random_states(module)
    leaves = [x, *hx, *module.parameters()]
    results = []
    for module.storage in ("keep", storage):  # type: ignore[assignment]
        output, final = module(x, hx, resets=RESETS, lengths=LENGTHS)
        results.append([output, *as_tuple(final), *gradients(loss(output, as_tuple(final)), leaves)])
    close(*results)


@pytest.mark.parametrize(("rows", "width"), [(2, 33), (37, 33), (2, 300)])
def test_any_number_of_threads(rows: int, width: int) -> None:
    """Also where threads share out the units of a few rows."""
    module = nn.Recurrent("lstm", 5, width, bidirectional=True, initial="learned")
    x = torch.randn(11, rows, 5, requires_grad=True)
    resets = torch.rand(11, rows) < 0.3
    results = []
    for count in (1, 2, 3):
        with threads(count):
            output, final = module(x, resets=resets)
            found = gradients(loss(output, final), [x, *module.parameters()])
            results.append([output, *final, *found])
    assert all(map(torch.equal, results[0], results[1]))
    assert all(map(torch.equal, results[0], results[2]))


def test_second_derivatives() -> None:
    module = made("lstm", initial="learned")
    x, hx = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True), random_states(module)
    leaves = [x, *hx, *module.parameters()]
    output, final = module(x, hx, resets=RESETS)
    results = []
    for value in (loss(output, final), loss(*one_by_one(module, x, hx, [T] * B))):
        first = gradients(value, leaves, create_graph=True)
        squares = torch.stack([g.square().sum() for g in first]).sum()
        results.append(gradients(squares, leaves))
    close(*results, 100 * LIMIT)


def test_transforms_of_torch_func() -> None:
    module = made("gru-torch", initial="learned")
    x, change = torch.randn(2, T, B, I, dtype=DOUBLE)
    hx = random_states(module)
    alone = torch.func.jvp(lambda x: one_by_one(module, x, hx, [T] * B)[0], (x,), (change,))
    packed = torch.func.jvp(lambda x: module(x, hx, resets=RESETS)[0], (x,), (change,))
    close(packed, alone)
    # Over rows, the marks of each with it.
    each = torch.func.vmap(lambda x, marks: module(x, resets=marks)[0], in_dims=1, out_dims=1)(x, RESETS)
    close([each], [module(x, resets=RESETS)[0]])


def test_recorded_by_torch() -> None:
    module = made("gru", num_layers=2, bidirectional=True, initial="learned")
    x = torch.randn(T, B, I, dtype=DOUBLE)
    leaves = list(module.parameters())
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    for lengths in (None, torch.tensor(LENGTHS)):
        results = []
        for run in (module, compiled):
            output, final = run(x, resets=RESETS, lengths=lengths)
            results.append([output, final, *gradients(loss(output, [final]), leaves)])
        close(*results)
    program = torch.export.export(module, (x,), {"resets": RESETS}).module()
    for marks in (RESETS, RESETS.roll(1, 0)):
        close([program(x, resets=marks)[0]], [module(x, resets=marks)[0]])


def test_the_forms_of_the_input() -> None:
    module = made("lstm")
    x = torch.randn(T, B, I, dtype=DOUBLE)
    truth, states = module(x, resets=RESETS)
    single, _ = module(x[:, 0], resets=RESETS[:, 0])
    close([single], [truth[:, 0]])
    *_, (steps,) = module(x, resets=RESETS, return_states=True)
    close([steps.forward[0], steps.forward[1][-1]], [truth, states[1][0]])
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    padded, _ = pad_packed_sequence(module(packed, resets=RESETS)[0])
    close([padded], [module(x, lengths=LENGTHS, resets=RESETS)[0]])
    module.batch_first = True
    first, _ = module(x.transpose(0, 1), resets=RESETS.T)
    close([first.transpose(0, 1)], [truth])
    dense = made("dense")
    close([dense(x, resets=RESETS)[0]], [dense(x)[0]])


def test_what_is_not_finite_stays_in_its_sequence() -> None:
    for chosen in ("cpu", "reference"):
        module = made("lstm", bidirectional=True)
        x = torch.randn(T, B, I, dtype=DOUBLE)
        x[1, 0], x[5, 0] = torch.nan, torch.inf
        with backend(chosen):
            output, _ = module(x, resets=RESETS)
        finite = output[:, 0].isfinite().all(-1)
        assert finite.tolist() == [False, False, False, True, False, False, True]


def test_a_random_state_is_drawn_once_for_a_row() -> None:
    module = made("elman-tanh", initial="random")
    x = torch.zeros(T, B, I, dtype=DOUBLE)
    output, _ = module(x, resets=torch.ones(T, B, dtype=torch.bool))
    assert torch.equal(output, output[:1].expand_as(output)) and len(output[0].unique(dim=0)) == B


def test_bfloat16_weights() -> None:
    module = nn.Recurrent("lstm", I, H)
    x = torch.randn(T, B, I)
    with nn.weight_format("bf16"):
        output, _ = module(x, resets=RESETS)
        truth = torch.cat([module(x[a:b, :1])[0] for a, b in pieces(0, T)])
    assert torch.equal(output[:, :1], truth)


def test_the_norms_that_a_probe_watches() -> None:
    """Nothing is carried over a beginning; the rest is as torch operations have it."""
    module = made("lstm")
    x = torch.randn(T, B, I, dtype=DOUBLE)
    found = []
    for chosen in ("cpu", "reference"):
        with backend(chosen):
            module.observer = lambda _, norms: found.append(norms)
            module(x, resets=RESETS)[0].sum().backward()
    carried = found[0].carried
    assert not carried[RESETS].any() and carried[5, 0].all()
    close([found[0].delta, carried], [found[1].delta, found[1].carried])


def test_rows_of_a_stepper_start_anew() -> None:
    module = made("lstm", num_layers=2, initial="learned").eval()
    x = torch.randn(T, B, I, dtype=DOUBLE)
    truth, _ = module(x, resets=RESETS)
    stepper = nn.Stepper(module, B)
    for t in range(T):
        stepper.reset(RESETS[t])
        close([stepper.step(x[t])], [truth[t]])
    with pytest.raises(TensorError, match=r"rows: expected shape \(4,\), got \(3,\)"):
        stepper.reset(RESETS[0, :3])
    with pytest.raises(TensorError, match="rows is a tensor of booleans"):
        stepper.reset(RESETS[0].long())


def test_other_resets_are_refused() -> None:
    module = made("gru")
    x = torch.randn(T, B, I, dtype=DOUBLE)
    with pytest.raises(TensorError, match=r"resets is a tensor of booleans, got torch.int64. Convert it"):
        module(x, resets=RESETS.long())
    with pytest.raises(TensorError, match=r"resets: expected shape \(7, 4\), got \(4, 7\)"):
        module(x, resets=RESETS.T)
    for odd in (RESETS.to_sparse(), RESETS.to("meta")):
        with pytest.raises(TensorError, match="resets is a dense tensor with values, got torch"):
            module(x, resets=odd)
    with pytest.raises(WrongTypeError, match="resets is a tensor of booleans, got list"):
        module(x, resets=RESETS.tolist())


def test_probes_refuse_them() -> None:
    module = made("gru")
    x = torch.randn(T, 1, I, dtype=DOUBLE)
    with pytest.raises(InputError, match="a probe follows rows without resets"):
        probe.step_numbers(module, module, lambda: module(x, resets=RESETS[:, :1])[0].sum(), 1)
