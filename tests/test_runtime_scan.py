"""Recurrences that are linear in their state: which cells have them, and what a scan of all steps is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bptt.cells import CATALOGUE, Cell
from bptt.codegen.plan import plan
from bptt.codegen.scan_plan import Scan, scan_plan
from bptt.runtime import dispatch
from bptt.runtime.backend import backend
from bptt.runtime.gpu.triton_backend import Triton
from bptt.runtime.kernels.kernel_backend import Kernels
from bptt.runtime.norms import Norms
from bptt.runtime.operators import run
from bptt.runtime.reference import backward, forward
from bptt.runtime.reference.reference_backend import REFERENCE
from bptt.runtime.reference.scan import scan

DOUBLE = torch.float64
B, I, H = 3, 4, 5
LIMIT = 1e-12


def cell(equations: str, states: str = "h", **options: Any) -> Cell:
    return Cell.define("own", equations.replace("; ", "\n"), states=states, **options)


LINEAR = {
    "minGRU": CATALOGUE["mingru"],
    "minLSTM": CATALOGUE["minlstm"],
    "leaning": cell("z = sigmoid(W_z @ x); h = h_prev + z * (W_h @ x - h_prev)"),
    "divided": cell("f = sigmoid(W_f @ x); i = sigmoid(W_i @ x); h = (f * h_prev + i) / (f + i)"),
    "parameters": cell("h = W_h @ x + u_h * h_prev + b_h"),
    "SRU": CATALOGUE["sru"],
    "one after the other": cell(
        "a = sigmoid(W_a @ x + b_a); h = a * h_prev + W_h @ x; n = h_prev - c_prev * u_c; "
        "c = n * a + tanh(R_c @ h_prev) + h; y = tanh(V_y @ c + a_y)",
        states="h c",
        output="y",
    ),
    "normalised input": cell("v = W_v @ x; m = mean(v); h = 0.5 * h_prev + v - m"),
    "a state that is not carried": cell(
        "f = sigmoid(W_f @ x); c = f * c_prev + W_c @ x; h = tanh(c)", states="h c"
    ),
    "no state": CATALOGUE["dense"],
}
OTHERS = {
    "a nonlinear function": CATALOGUE["indrnn"],
    "a gate that sees the state": cell("z = sigmoid(W_z @ x + u_z * h_prev); h = z * h_prev"),
    "a matrix": cell("h = W_h @ x + R_h @ h_prev"),
    "a square": cell("h = W_h @ x + 0.1 * h_prev * h_prev"),
    "a division by the state": cell("h = W_h @ x + 1 / (2 + h_prev * h_prev)"),
    "a mean over units": cell("m = mean(h_prev); h = W_h @ x + 0.5 * m"),
    "two states that see each other": cell("h = W_h @ x + 0.5 * c_prev; c = 0.5 * h_prev", states="h c"),
    "a step function": cell("h = W_h @ x + step(h_prev)"),
    "GRU": CATALOGUE["gru"],
    "LSTM": CATALOGUE["lstm"],
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_recurrences_are_recognised(name: str) -> None:
    found = scan_plan(plan(LINEAR[name]))
    assert found is not None
    assert {s.state for s in found.forward if isinstance(s, Scan)} == {*LINEAR[name].states}


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_not(name: str) -> None:
    assert scan_plan(plan(OTHERS[name])) is None


def test_the_factor_and_the_rest_are_those_of_the_equations() -> None:
    found = scan_plan(plan(LINEAR["one after the other"]))
    assert found is not None
    scans = {s.state: (str(s.factor), str(s.rest)) for s in found.forward if isinstance(s, Scan)}
    assert scans == {"h": ("a", "h⁰"), "c": ("-a * u_c", "a * h_prev + tanh_c + h")}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 8, 17, 100])
def test_a_scan_is_the_loop(steps: int, reverse: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    factor, rest = torch.randn(2, steps, B, H, generator=generator, dtype=DOUBLE)
    h, truth = np.zeros((B, H)), []
    times = range(steps)[::-1] if reverse else range(steps)
    for t in times:
        h = factor[t].numpy() * h + rest[t].numpy()
        truth.append(h)
    found = scan(factor, rest, reverse).numpy()
    ordered = np.array(truth[::-1] if reverse else truth)
    np.testing.assert_allclose(found, ordered, rtol=0, atol=1e-14 * steps * np.abs(ordered).max())


def test_what_fades_to_zero_does_no_harm() -> None:
    factor = torch.full((4000, 1, 1), 1e-3)
    factor[::7], factor[5] = 0, 1
    found = scan(factor, torch.ones(4000, 1, 1))
    h = 0.0
    for t in range(4000):
        h = float(factor[t]) * h + 1
        assert abs(float(found[t]) - h) < 1e-5


class Counted(TorchDispatchMode):
    """Counts the operations of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def test_the_number_of_operations_grows_as_the_logarithm_of_the_steps() -> None:
    counts = []
    for steps in (64, 1024, 16384):
        with Counted() as counted:
            scan(torch.ones(steps, 1), torch.ones(steps, 1))
        counts.append(counted.count)
    assert counts[1] - counts[0] == counts[2] - counts[1] < 100


def outcome(chosen: Cell, steps: int, **options: Any) -> list[Tensor]:
    """Results, gradients, second gradients and norms, by operations of torch."""
    generator = torch.Generator().manual_seed(1)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=DOUBLE).mul(0.5).requires_grad_()

    sizes = {"I": I, "H": H, "1": 1}
    x, states = leaf(steps, B, I), [leaf(B, H) for _ in chosen.states]
    restart, parameters = [leaf(B, H) for _ in states], [leaf(*f.shape(sizes)) for f in chosen.families]
    leaves, norms = [x, *states, *restart, *parameters], list[Norms]()

    def loss() -> tuple[list[Tensor], Tensor]:
        found = run(
            chosen, x, states, parameters, all_states=True, restart=restart, observer=norms.append, **options
        )
        results = [found.output, *found.final, *found.states]
        numbers = torch.cat([result.flatten() for result in results])
        return results, (numbers * torch.linspace(-1, 2, len(numbers), dtype=DOUBLE)).sum()

    def gradients(value: Tensor, **more: Any) -> Sequence[Tensor]:
        return torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True, **more)

    with backend("reference"):
        results, value = loss()
        first = gradients(value)
        with_graph = gradients(loss()[1], create_graph=True)
        second = gradients(torch.stack([g.square().sum() for g in with_graph]).sum())
    return [*results, *first, *second, norms[0].delta, norms[0].carried]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", LINEAR)
def test_all_steps_at_once_are_one_step_after_the_other(
    name: str, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[tuple[int, dict[str, Any]]] = [(1, {}), (6, {}), (7, {"lengths": torch.tensor([5, 0, 7])})]
    marks = torch.tensor([0, 1, 0, 0, 1, 1, 0] * B).view(B, 7).T.bool()
    ways += [(7, {"resets": marks}), (7, {"resets": marks.roll(1, 0), "lengths": torch.tensor([7, 6, 0])})]
    found = [outcome(LINEAR[name], steps, reverse=reverse, **how) for steps, how in ways]
    for module in (forward, backward):
        monkeypatch.setattr(module, "scan_plan", lambda _: None)
    for (steps, how), scanned in zip(ways, found, strict=True):
        for one, other in zip(scanned, outcome(LINEAR[name], steps, reverse=reverse, **how), strict=True):
            scale = max(1.0, float(other.detach().abs().max())) if other.numel() else 1.0
            torch.testing.assert_close(one, other, rtol=0, atol=LIMIT * scale)


def test_no_result_shares_memory_with_another() -> None:
    chosen = cell("h = x; c = h", states="h c", widths={"h": "I", "c": "I"})
    x = torch.randn(4, B, I, dtype=DOUBLE)
    with backend("reference"):
        found = run(chosen, x, [x[0], x[0]], [], all_states=True)
    found.states[0].zero_()
    assert found.states[1].any() and x.any()


@pytest.mark.parametrize("steps", [dispatch.LONG - 1, dispatch.LONG])
def test_long_sequences_are_scanned_on_a_gpu(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice pretends that the CPU is a GPU."""
    monkeypatch.setattr(dispatch, "FUSED_DEVICES", ("cpu",))
    monkeypatch.setattr(Triton, "supports", lambda *arguments: True)
    monkeypatch.setattr(Triton, "prepare", lambda *arguments: None)
    x = torch.empty(steps, B, I)
    long = steps == dispatch.LONG
    for name, chosen in LINEAR.items():
        scanned = dispatch.backend_for(chosen, (x,)) is REFERENCE
        assert scanned == (long or name == "no state")
    assert all(isinstance(dispatch.backend_for(chosen, (x,)), Triton) for chosen in OTHERS.values())
    with backend("triton"):
        assert isinstance(dispatch.backend_for(LINEAR["minGRU"], (x,)), Triton)


def test_long_sequences_keep_their_kernel_on_the_cpu() -> None:
    x = torch.empty(dispatch.LONG, B, I)
    assert isinstance(dispatch.backend_for(CATALOGUE["dense"], (x,)), Kernels)
