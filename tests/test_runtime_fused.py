"""Layers by torch's own operators, as on a GPU: their numbers are those of the equations, and when they run.

No GPU is needed: the same operators of torch run on the CPU, and the choice pretends that it is one. What
only a GPU shows, that cuDNN gives the same numbers, is checked by `benchmarks/gpu.py`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import tolerances
import torch
from torch import Tensor

from bptt import nn
from bptt.cells.catalogue import CATALOGUE
from bptt.cells.cell import Cell
from bptt.errors import InputError, MachineError
from bptt.nn import weight_format
from bptt.nn.stack import Stack
from bptt.runs.placement import Placement
from bptt.runtime import dispatch, notice
from bptt.runtime.backend import backend
from bptt.runtime.fused import function
from bptt.runtime.fused.plain_cells import operator_of
from bptt.runtime.gpu.triton_backend import Triton
from bptt.runtime.kernels.kernel_backend import Kernels
from bptt.runtime.protocol import Recurrence
from bptt.runtime.reference.reference_backend import REFERENCE

T, B, I, H = 6, 4, 3, 5
MODULES: dict[str, Callable[[], Stack]] = {
    "LSTM": lambda: nn.LSTM(I, H),
    "LSTM, deep, both directions": lambda: nn.LSTM(I, H, 2, bidirectional=True),
    "LSTM without biases": lambda: nn.LSTM(I, H, bias=False),
    "projection": lambda: nn.LSTM(I, H, 2, proj_size=2, bidirectional=True),
    "GRU": lambda: nn.GRU(I, H, 2, batch_first=True),
    "tanh": lambda: nn.RNN(I, H, bidirectional=True),
    "relu": lambda: nn.RNN(I, H, nonlinearity="relu"),
    "own names": lambda: nn.Recurrent("lstm", I, H, 2),
    "own names, GRU": lambda: nn.Recurrent("gru-torch", I, H, bias=False),
    "learned states": lambda: nn.Recurrent("elman-tanh", I, H, 2, initial="learned"),
    "mixed": lambda: nn.Recurrent(["lstm", "lstm", "gru", "gru-torch"], I, H),
}
LENGTHS = {"whole": None, "ragged": [6, 2, 0, 4], "no zero": [3, 6, 1, 2], "none": [0, 0, 0, 0]}


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pretend that the CPU is a GPU; the list holds the number of layers of each call of an operator."""
    found: list[int] = []

    def counted(layers: function.Layers, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        found.append(len(tensors[1]) // layers.directions)
        return run(layers, tensors)

    run = function.call
    monkeypatch.setattr(function, "call", counted)
    monkeypatch.setattr(dispatch, "FUSED_DEVICES", ("cpu",))
    monkeypatch.setattr(Kernels, "supports", lambda *arguments: False)
    return found


def drawn(module: Stack) -> tuple[Stack, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(B, T, I) if module.batch_first else torch.randn(T, B, I)
    for parameter in module.parameters():
        torch.nn.init.uniform_(parameter, -0.4, 0.4)
    return module.double(), x.double().requires_grad_()


def results(module: Stack, x: Tensor, lengths: Any) -> tuple[list[Tensor], Tensor, list[Tensor]]:
    y, states = module(x, lengths=lengths)
    found = [y, *([states] if isinstance(states, Tensor) else states)]
    weights = [torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view_as(t) for t in found]
    return (
        found,
        sum((w * t.sin()).sum() for w, t in zip(weights, found, strict=True)),
        [x, *module.parameters()],
    )


def filled(gradients: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(t) if g is None else g for g, t in zip(gradients, like, strict=True)]


def first_and_second(module: Stack, x: Tensor, lengths: Any) -> list[Tensor]:
    """Results, their gradients from two backward passes, and gradients of the length of these."""
    found, loss, leaves = results(module, x, lengths)
    once = [
        filled(torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True), leaves)
        for _ in range(2)
    ]
    again = filled(torch.autograd.grad(loss, leaves, create_graph=True, allow_unused=True), leaves)
    length = sum(g.square().sum() for g in again)
    twice = filled(torch.autograd.grad(length, leaves, allow_unused=True), leaves)
    return [*found, *once[0], *once[1], *again, *twice]


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("name", MODULES)
def test_results_and_gradients_are_those_of_the_equations(name: str, lengths: str, calls: list[int]) -> None:
    module, x = drawn(MODULES[name]())
    found = first_and_second(module, x, LENGTHS[lengths])
    assert calls
    calls.clear()
    with backend("reference"):
        truth = first_and_second(module, x, LENGTHS[lengths])
    assert not calls
    limit = tolerances.gradient(torch.float64, 4 * T, B, 2 * H, H, magnitude=100)
    for one, other in zip(found, truth, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=limit)


@pytest.mark.parametrize(
    ("name", "layers"), [("LSTM, deep, both directions", [2]), ("own names", [2]), ("mixed", [2, 1])]
)
def test_layers_of_one_cell_are_one_call(name: str, layers: list[int], calls: list[int]) -> None:
    module, x = drawn(MODULES[name]())
    module(x)
    assert calls == layers


def test_dropout_between_layers_takes_a_call_for_each(calls: list[int]) -> None:
    """Torch draws it as its own layers do: the same numbers from one seed."""
    ours, x = drawn(nn.LSTM(I, H, 3, dropout=0.5))
    theirs = torch.nn.LSTM(I, H, 3, dropout=0.5).double()
    theirs.load_state_dict(ours.state_dict())
    found = []
    for module in (ours, theirs):
        torch.manual_seed(3)
        found.append(module(x)[0])
    assert calls == [1, 1, 1]
    torch.testing.assert_close(*found, rtol=0, atol=tolerances.sequence(torch.float64, 3 * T, 2 * H))
    calls.clear()
    ours.eval()(x)
    assert calls == [3]


def test_many_gradients_at_once(calls: list[int]) -> None:
    module, x = drawn(nn.GRU(I, H, 2))
    y, _ = module(x)
    seeds = torch.randn(3, *y.shape, dtype=y.dtype)
    batched = torch.autograd.grad(
        y, [x, *module.parameters()], seeds, retain_graph=True, is_grads_batched=True
    )
    for k, seed in enumerate(seeds):
        alone = torch.autograd.grad(y, [x, *module.parameters()], seed, retain_graph=True)
        for one, other in zip(alone, batched, strict=True):
            torch.testing.assert_close(one, other[k], rtol=0, atol=1e-12)
    assert len(calls) == 4


def test_results_may_be_changed_in_place() -> None:
    module, x = drawn(nn.LSTM(I, H))
    slopes = []
    for chosen in ("auto", "reference"):
        with backend(chosen):
            y, (h, _) = module(x)
            y.mul_(2)
            h.zero_()
            slopes.append(torch.autograd.grad(y.sum(), [x, *module.parameters()]))
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_single_steps_and_steppers(calls: list[int]) -> None:
    """Each is one call of the operator, and goes on from where the last one ended."""
    torch.manual_seed(0)
    module = nn.LSTM(I, H, 2).double()
    x = torch.randn(T, 2, I, dtype=torch.float64)
    whole, _ = module(x)
    stepper = nn.Stepper(module, 2)
    calls.clear()
    for step, output in zip(x, whole, strict=True):
        torch.testing.assert_close(stepper.step(step), output, rtol=0, atol=1e-12)
    assert calls == [1] * (2 * T)
    cell = nn.GRUCell(I, H)
    found = cell(x[0].float())
    with backend("reference"):
        limit = tolerances.sequence(torch.float32, 1, I + H)
        torch.testing.assert_close(found, cell(x[0].float()), rtol=0, atol=limit)
    assert len(calls) == 2 * T + 1


def test_autocast_gives_the_dtype_of_torchs_layers() -> None:
    ours, theirs = nn.LSTM(I, H), torch.nn.LSTM(I, H)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(T, B, I)
    with torch.autocast("cpu", torch.bfloat16):
        found, truth = ours(x), theirs(x)
    assert found[0].dtype == truth[0].dtype == torch.bfloat16
    found[0].float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in ours.parameters())


def test_the_cells_that_torch_has_operators_of() -> None:
    plain = {"lstm": "lstm", "lstm-projection": "lstm", "gru-torch": "gru"}
    plain |= {"elman-tanh": "rnn_tanh", "elman-relu": "rnn_relu"}
    for name, cell in CATALOGUE.items():
        assert operator_of(cell) == plain.get(name), name
        bare = cell.without("b", "d") if name in plain else cell
        assert operator_of(bare) == plain.get(name), name
    # Recognised by what it computes, whatever it is called.
    own = Cell.define("mine", "h = tanh(W_h @ x + R_h @ h_prev + b_h)", states="h", init={"b": 1.0})
    assert operator_of(own) == "rnn_tanh"
    for other in ("h = tanh(W_h @ x + R_h @ h_prev - b_h)", "h = tanh(R_h @ h_prev + W_h @ x + 2 * b_h)"):
        assert operator_of(Cell.define("mine", other, states="h")) is None


@contextmanager
def reproducible() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def lstm() -> Stack:
    return nn.LSTM(I, H)


def stored() -> Stack:
    module = lstm()
    module.storage = "recompute"
    return module


Case = tuple[Callable[[], Stack], Callable[[Stack], Any], bool]
X = torch.randn(T, B, I)
CASES: dict[str, Case] = {
    "plain": (lstm, lambda m: m(X), True),
    "a single sequence": (lstm, lambda m: m(X[:, 0]), True),
    "lengths": (lstm, lambda m: m(X, lengths=[1, 2, 3, 0]), True),
    "packed": (
        lstm,
        lambda m: m(torch.nn.utils.rnn.pack_padded_sequence(X, torch.tensor([6, 4, 2, 1]))),
        True,
    ),
    "half": (lambda: nn.GRU(I, H).bfloat16(), lambda m: m(X.bfloat16()), True),
    "the state is the output": (lambda: nn.GRU(I, H), lambda m: m(X, return_states=True), True),
    "all states": (lstm, lambda m: m(X, return_states=True), False),
    "other storage": (stored, lambda m: m(X), False),
    "no rows": (lstm, lambda m: m(X[:, :0]), False),
    "peepholes": (lambda: nn.Recurrent("lstm-peephole", I, H), lambda m: m(X), False),
    "layer norm": (lambda: nn.Recurrent("lstm-layernorm", I, H), lambda m: m(X), False),
    "reset before": (lambda: nn.Recurrent("gru", I, H), lambda m: m(X), False),
}
CONTEXTS: dict[str, tuple[Callable[[], AbstractContextManager[object]], bool]] = {
    "backend auto": (lambda: backend("auto"), True),
    "backend reference": (lambda: backend("reference"), False),
    "backend cpu": (lambda: backend("cpu"), False),
    "reproducible": (reproducible, False),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_asked_decides(name: str, calls: list[int]) -> None:
    make, call, fused = CASES[name]
    call(make())
    assert bool(calls) == fused


@pytest.mark.parametrize("name", CONTEXTS)
def test_where_it_is_asked_decides(name: str, calls: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    context, fused = CONTEXTS[name]
    with context():
        lstm()(X)
    assert bool(calls) == fused


def test_narrow_products_are_those_of_the_processor(calls: list[int]) -> None:
    with (
        weight_format("bf16"),
        pytest.raises(InputError, match="need float32 tensors"),
    ):
        lstm()(X)
    assert not calls


def test_reproducible_numbers_need_a_setting_of_cublas(
    calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with reproducible():
        lstm()(X)
    assert calls
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    Placement.parse("cuda")
    calls.clear()
    with reproducible():
        lstm()(X)
    assert calls


def test_transforms_recorders_and_observers_get_the_equations(calls: list[int]) -> None:
    module = lstm()
    torch.func.grad(lambda x: module(x)[0].sum())(X)
    assert not calls
    torch.func.jvp(lambda x: module(x)[0], (X,), (X,))
    assert not calls
    torch.export.export(module, (X,))
    assert not calls
    module.observer = lambda layer, norms: None
    module(X)[0].sum().backward()
    assert not calls


def test_the_script_for_gpus_runs_as_on_one() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "gpu.py"
    command = [sys.executable, str(script), "--pretend", "--seconds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "| nn.LSTM, float32 | (5, 3, 4, 12) | yes |" in done.stdout
    assert "**NO**" not in done.stdout


def published() -> Stack:
    return nn.Recurrent("gru", I, H)


def test_other_cells_go_to_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def run(self: Triton, recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        seen.append(recurrence.cell.name)
        return REFERENCE.run(recurrence, tensors)

    monkeypatch.setattr(Triton, "supports", lambda *arguments: True)
    monkeypatch.setattr(Triton, "prepare", lambda *arguments: None)
    monkeypatch.setattr(Triton, "run", run)
    published()(X)
    lstm()(X)
    lstm()(X, return_states=True)
    with backend("reference"):
        published()(X)
    assert seen == ["gru", "lstm"]


@pytest.mark.parametrize("state", ["absent", "broken"])
def test_without_triton_torch_operations_run_and_say_so_once(
    state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object) -> None:
        raise MachineError("backend triton", "computes gru as torch does", "a difference of 1")

    monkeypatch.setattr(notice, "_noticed", set())
    if state == "broken":
        monkeypatch.setattr(Triton, "supports", lambda *arguments: True)
        monkeypatch.setattr(Triton, "prepare", fail)
    for _ in range(2):
        published()(X)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "in torch operations, which takes several times as long" in said
    assert ("pip install 'bptt[gpu]'" if state == "absent" else "a difference of 1") in said


def test_parameters_move_into_one_block_as_torchs_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's own code does it, with the arguments that it has for its own layers."""
    seen: list[tuple[Any, ...]] = []

    def flatten(weights: Sequence[Tensor], *rest: Any) -> None:
        seen.append(([tuple(w.shape) for w in weights], *rest))

    monkeypatch.setattr(torch.Tensor, "is_cuda", True, raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "is_acceptable", lambda tensor: True)
    monkeypatch.setattr(torch.backends.cudnn.rnn, "get_cudnn_mode", str)
    monkeypatch.setattr(torch, "_use_cudnn_rnn_flatten_weight", lambda: True)
    monkeypatch.setattr(torch, "_cudnn_rnn_flatten_weight", flatten)
    for name in ("LSTM", "GRU", "RNN"):
        both = [getattr(kind, name)(I, H, num_layers=2, bidirectional=True) for kind in (nn, torch.nn)]
        seen.clear()
        for module in both:
            module.to("cpu")
        ours, theirs = seen
        assert ours == theirs
    # Weights that are computed anew at each call have no memory of their own.
    module = nn.LSTM(I, H)
    torch.nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
    seen.clear()
    module.to("cpu")
    assert not seen
