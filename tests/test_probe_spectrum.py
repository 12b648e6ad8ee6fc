"""Jacobians against torch's own differentiation, Lyapunov exponents against exact and published values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bptt import Cell, nn
from bptt.cells.catalogue import CATALOGUE
from bptt.cells.functions import FUNCTIONS
from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.probe.decay_bound import DecayBound, decay_bounds
from bptt.probe.spectrum import LayerSpectrum, spectrum
from bptt.runtime.linearised import jacobians
from bptt.runtime.operators import unrolled
from bptt.runtime.reference.expressions import on_tensors

STEPS, INPUTS, HIDDEN = 6, 3, 4
LINEAR = Cell.define("linear", "h = W_h @ x + R_h @ h_prev", states="h")
HENON = Cell.define(
    "henon",
    "p = 1 - a_p * p_prev**2 + q_prev\nq = b_q * p_prev",
    states="p q",
    init={"a": 1.4, "b": 0.3},
    source="Hénon 1976",
)
LOGISTIC = Cell.define("logistic", "h = r_h * h_prev * (1 - h_prev)", states="h", init={"r": 4.0})
WITH_STATES = [name for name, cell in CATALOGUE.items() if cell.states]


def make(cell: Cell | str, layers: int = 1, bidirectional: bool = False, hidden: int = HIDDEN) -> Stack:
    name = cell if isinstance(cell, str) else cell.name
    projection = 2 if name == "lstm-projection" else 0
    return nn.Recurrent(
        cell,
        INPUTS,
        hidden,
        layers,
        bidirectional=bidirectional,
        proj_size=projection,
        dtype=torch.float64,
    )


def weight(stack: Stack, name: str) -> np.ndarray:
    return np.asarray(stack.get_parameter(name).detach())


# ---- Jacobians


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", WITH_STATES)
def test_jacobians_are_those_of_torch(name: str, reverse: bool) -> None:
    """R3: one step, written in torch's operations and differentiated by torch, state by state."""
    torch.manual_seed(0)
    stack = make(name)
    (layer,) = stack.layers
    parameters = [p.detach() for p in layer.families(stack)]
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    widths = list(layer.widths)
    state = torch.randn(1, sum(widths), dtype=torch.float64)

    found = jacobians(layer.cell, x, torch.split(state, widths, dim=-1), parameters, reverse=reverse)
    order = range(STEPS)[::-1] if reverse else range(STEPS)
    for t, jacobian in zip(order, found, strict=True):

        def step(state: Tensor, t: int = t) -> Tensor:
            after = unrolled(layer.cell, x[t : t + 1], torch.split(state, widths, dim=-1), parameters)
            return torch.cat([sequence[0] for sequence in after[: len(widths)]], -1)

        truth = torch.func.jacrev(step)(state)[0, :, 0]  # (N, N), row i: what state i depends on
        ours = jacobian(torch.eye(sum(widths)))  # row j: what a change of state j does
        assert torch.allclose(ours.T, truth, rtol=0, atol=1e-10)
        state = step(state)


def test_deep_stacks_by_stepping_torch() -> None:
    """The second layer reads both directions of the first; the cells of torch are stepped through it."""
    torch.manual_seed(1)
    stack = nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True, dtype=torch.float64, batch_first=True)
    below = torch.nn.LSTM(INPUTS, HIDDEN, bidirectional=True, dtype=torch.float64)
    own = stack.state_dict()
    below.load_state_dict({name: own[name] for name in below.state_dict()})
    x = torch.randn(STEPS, INPUTS, dtype=torch.float64)
    hx = torch.randn(2, 4, 1, HIDDEN, dtype=torch.float64)
    found = spectrum(stack, x[None], (hx[0], hx[1]), samples=STEPS)
    assert [(s.layer, s.direction) for s in found] == [
        (1, "forward"), (1, "backward"), (2, "forward"), (2, "backward"),
    ]  # fmt: skip

    between = below(x[:, None], (hx[0, :2].contiguous(), hx[1, :2].contiguous()))[0]
    inputs = {1: x[:, None], 2: between}
    for k, measured in enumerate(found):
        cell = torch.nn.LSTMCell(inputs[measured.layer].shape[-1], HIDDEN, dtype=torch.float64)
        suffix = f"_l{measured.layer - 1}" + ("_reverse" if measured.direction == "backward" else "")
        cell.load_state_dict({name: own[name + suffix] for name in cell.state_dict()})
        order = range(STEPS)[::-1] if measured.direction == "backward" else range(STEPS)
        state = torch.cat([hx[0, k], hx[1, k]], -1)
        assert measured.steps == tuple(range(STEPS))
        for t in order:

            def step(state: Tensor, x: Tensor = inputs[measured.layer][t], cell=cell) -> Tensor:  # type: ignore[no-untyped-def]
                return torch.cat(cell(x, state.chunk(2, -1)), -1)

            jacobian = torch.func.jacrev(step)(state)[0, :, 0]
            truth = np.linalg.svd(jacobian.detach().numpy(), compute_uv=False)
            assert measured.singular_values[t] == pytest.approx(truth, abs=1e-10)
            state = step(state).detach()


def test_a_state_that_no_state_feeds_has_no_part_in_the_next() -> None:
    cell = Cell.define("pair", "h = tanh(W_h @ x + R_h @ h_prev)\nm = W_m @ x", states="h m")
    (found,) = spectrum(make(cell), torch.randn(STEPS, INPUTS, dtype=torch.float64), count=None)
    assert found.size == 2 * HIDDEN
    assert found.maximum[HIDDEN:] == (0.0,) * HIDDEN
    assert found.exponents[HIDDEN:] == (-math.inf,) * HIDDEN
    assert all(map(math.isfinite, found.exponents[:HIDDEN]))
    assert all(map(math.isnan, found.errors[HIDDEN:]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_types(dtype: torch.dtype) -> None:
    """On the same weights and input: rounding to float32 (bfloat16's products are made in it too)."""
    torch.manual_seed(2)
    stack, x = nn.GRU(INPUTS, HIDDEN), torch.randn(50, INPUTS)
    stack, x = stack.to(dtype), x.to(dtype)
    (narrow,) = spectrum(stack, x)
    (exact,) = spectrum(stack.double(), x.double())
    # Fifty steps of a few dozen operations each, in a map that contracts.
    close = 50 * 50 * torch.finfo(torch.float32).eps
    assert narrow.maximum == pytest.approx(exact.maximum, rel=close)
    assert narrow.exponents == pytest.approx(exact.exponents, rel=close)


# ---- Lyapunov exponents


@pytest.mark.parametrize("bidirectional", [False, True])
def test_exponents_of_a_linear_map_are_those_of_its_eigenvalues(bidirectional: bool) -> None:
    torch.manual_seed(3)
    moduli = [1.5, 0.9, 0.5, 0.1]
    stack = make(LINEAR, bidirectional=bidirectional)
    basis = torch.randn(HIDDEN, HIDDEN, dtype=torch.float64)
    matrix = basis @ torch.diag(torch.tensor(moduli, dtype=torch.float64)) @ torch.linalg.inv(basis)
    with torch.no_grad():
        for layer in stack.layers:
            getattr(stack, f"R{layer.suffix}").copy_(matrix)
    for found in spectrum(stack, torch.randn(200, INPUTS, dtype=torch.float64), count=None):
        assert found.exponents == pytest.approx(np.log(moduli), rel=0.01)
        assert found.gain == pytest.approx(1.5, rel=0.01)
        assert sum(found.exponents) == pytest.approx(math.log(abs(torch.linalg.det(matrix))), rel=1e-9)
        assert max(found.errors) < 0.001


def test_what_rounding_leaves_of_zero_is_zero() -> None:
    """A matrix of rank 2: what is not in its range is gone after a step, not small."""
    torch.manual_seed(10)
    stack = make(LINEAR)
    with torch.no_grad():
        narrow = torch.randn(HIDDEN, 2, dtype=torch.float64)
        stack.get_parameter("R_l0").copy_(narrow @ narrow.T)
    (found,) = spectrum(stack, torch.randn(50, INPUTS, dtype=torch.float64), count=None)
    assert list(map(math.isfinite, found.exponents)) == [True, True, False, False]


def test_the_henon_map_has_its_published_exponents() -> None:
    """0.4192 and -1.6229 nats a step, dimension 1.258 (Sprott 2003). Sixteen maps side by side, each with
    a start of its own, are sixteen times as many steps: the mean then errs by 0.0007, from the spread over
    starts. The sum is exact, |det J| = 0.3 everywhere.
    """
    units, steps = 16, 8000
    torch.manual_seed(4)
    starts = [0.1 * torch.rand(1, units, dtype=torch.float64) for _ in range(2)]
    x = torch.zeros(steps, INPUTS, dtype=torch.float64)
    (found,) = spectrum(make(HENON, hidden=units), x, starts, count=None)
    largest, smallest = np.mean(found.exponents[:units]), np.mean(found.exponents[units:])
    assert largest == pytest.approx(0.4192, rel=0.01)
    assert smallest == pytest.approx(-1.6229, rel=0.01)
    assert largest + smallest == pytest.approx(math.log(0.3), rel=1e-9)
    assert found.kaplan_yorke == pytest.approx(1.258 * units, rel=0.01)


def test_the_logistic_map_doubles_a_difference_at_each_step() -> None:
    """r = 4: the exponent is ln 2 exactly. The sum over n steps errs by a term that does not grow with n."""
    units = 8
    torch.manual_seed(5)
    start = torch.rand(1, units, dtype=torch.float64)
    x = torch.zeros(1000, INPUTS, dtype=torch.float64)
    (found,) = spectrum(make(LOGISTIC, hidden=units), x, start, count=None)
    assert np.mean(found.exponents) == pytest.approx(math.log(2), rel=0.01)


def test_the_first_exponents_are_the_same_without_the_others() -> None:
    torch.manual_seed(6)
    stack, x = make("lstm"), torch.randn(300, INPUTS, dtype=torch.float64)
    (everything,), (two,) = spectrum(stack, x, count=None), spectrum(stack, x, count=2)
    torch.manual_seed(7)
    assert spectrum(stack, x, count=2) == (two,)
    assert len(everything.exponents) == 2 * HIDDEN
    # They start from other directions, which the warm-up makes forgotten but for their errors.
    assert two.exponents == pytest.approx(everything.exponents[:2], abs=3 * max(everything.errors[:2]))


def test_what_counts_and_how_sure_it_is() -> None:
    """J_t is the number W x_t: exponents and errors are those of its logarithm after the warm-up."""
    cell = Cell.define("gate", "h = (W_h @ x) * h_prev", states="h")
    stack = make(cell, bidirectional=True, hidden=1)
    x = torch.randn(100, INPUTS, dtype=torch.float64)
    for found, layer in zip(spectrum(stack, x), stack.layers, strict=True):
        logs = np.log(np.abs(x.numpy() @ weight(stack, f"W{layer.suffix}")[0]))
        blocks = (logs[:80] if layer.reverse else logs[20:]).reshape(10, 8).mean(1)
        assert found.warm_up == 20
        assert found.exponents == pytest.approx([blocks.mean()])
        assert found.errors == pytest.approx([blocks.std(ddof=1) / math.sqrt(10)])
        assert np.log(found.singular_values)[:, 0] == pytest.approx(logs[list(found.steps)])
        assert (found.steps[0], found.steps[-1], len(found.steps)) == (0, 99, 16)


def made(*exponents: float, size: int = 4) -> LayerSpectrum:
    values = ((3.0, 1.0), (2.0, 0.5), (5.0, 0.1))
    errors = (0.0,) * len(exponents)
    return LayerSpectrum(1, "forward", "layer 1", size, (0, 5, 9), values, 2, exponents, errors)


def test_what_follows_from_the_numbers() -> None:
    found = made(0.5, -0.25, -1.0, -2.0)
    assert found.gain == pytest.approx(math.exp(0.5))
    assert found.median == (3.0, 0.5)
    assert found.maximum == (5.0, 1.0)
    assert found.bound == 5.0
    assert found.kaplan_yorke == pytest.approx(2.25)
    assert made(-1.0, -2.0).kaplan_yorke == 0.0
    assert made(1.0, 0.5).kaplan_yorke is None
    assert made(1.0, -0.5, size=2).kaplan_yorke == 2.0
    assert made(0.5, -math.inf).kaplan_yorke == 1.0
    assert made(-math.inf).gain == 0.0


# ---- the bound


@pytest.mark.parametrize(
    ("function", "largest"), [(name, f.steepest) for name, f in FUNCTIONS.items() if f.arity == 1]
)
def test_steepest_is_the_largest_slope(function: str, largest: float) -> None:
    """On a grid that comes as close to every largest slope as the tolerance: near zero, and far out."""
    x = torch.cat([torch.linspace(-40, 40, 80_001, dtype=torch.float64), torch.logspace(-12, 2, 99).double()])
    x.requires_grad_()
    y = on_tensors(function)(x)
    slopes = torch.autograd.grad(y.sum(), x)[0] if y.requires_grad else torch.zeros_like(x)
    found = slopes[slopes.isfinite()].abs().max().item()
    assert found > 1e5 if largest == math.inf else found == pytest.approx(largest, abs=1e-9)


def one_bound(stack: Stack) -> DecayBound:
    (bound,) = decay_bounds(stack)
    assert bound is not None
    return bound


@pytest.mark.parametrize(("name", "slope"), [("elman-tanh", 1), ("elman-relu", 1), ("elman-sigmoid", 0.25)])
def test_the_bound_of_an_elman_network(name: str, slope: float) -> None:
    torch.manual_seed(7)
    stack = make(name, layers=2, bidirectional=True)
    for bound, layer in zip(decay_bounds(stack), stack.layers, strict=True):
        assert bound is not None
        assert bound.matrix == pytest.approx(np.linalg.norm(weight(stack, f"R{layer.suffix}"), 2))
        assert bound.function == slope
        assert bound.factor == bound.matrix * slope


def test_the_bound_is_seen_in_the_equations() -> None:
    independent, linear = make("indrnn"), make(LINEAR)
    written_apart = "a = W_a @ x + R_a @ h_prev + u_a * h_prev\nh = tanh(a)\ny = V_y @ h"
    apart = make(Cell.define("apart", written_apart, states="h", output="y"))
    assert one_bound(independent).matrix == pytest.approx(np.abs(weight(independent, "u_l0")).max())
    assert one_bound(linear).matrix == pytest.approx(np.linalg.norm(weight(linear, "R_l0"), 2))
    both = weight(apart, "R_l0") + np.diag(weight(apart, "u_l0"))
    assert one_bound(apart).matrix == pytest.approx(np.linalg.norm(both, 2))
    assert [one_bound(stack).function for stack in (independent, linear, apart)] == [1, 1, 1]


def test_other_cells_have_no_bound() -> None:
    steep = Cell.define("steep", "h = exp(R_h @ h_prev + W_h @ x)", states="h")
    for cell in ("lstm", "gru", "gru-torch", "mgu", "lstm-layernorm", "dense", steep, LOGISTIC):
        assert decay_bounds(make(cell)) == (None,)


def test_a_matrix_of_nan_has_no_bound() -> None:
    stack = make("elman-tanh")
    torch.nn.init.constant_(stack.R_l0, math.nan)
    with pytest.raises(InputError, match="finite"):
        decay_bounds(stack)


def test_measured_decay_stays_below_the_bound() -> None:
    """R6: ‖∂h_T/∂h_{T-k}‖₂ ≤ (max_t σ_max(J_t))^k ≤ (β_W β_f)^k, and J_t is below it at every step."""
    torch.manual_seed(8)
    stack, steps = make("elman-tanh"), 30
    x = torch.randn(steps, INPUTS, dtype=torch.float64)
    (found,), bound = spectrum(stack, x, samples=steps), one_bound(stack)
    assert found.bound <= bound.factor
    assert found.gain <= found.bound
    (layer,) = stack.layers
    start = [torch.zeros(1, HIDDEN, dtype=torch.float64)]
    product = torch.eye(HIDDEN, dtype=torch.float64)
    with torch.no_grad():
        maps = list(jacobians(layer.cell, x[:, None], start, layer.families(stack)))
    for lag, jacobian in enumerate(maps, 1):
        product = jacobian(product)
        assert torch.linalg.matrix_norm(product, 2).item() <= found.bound**lag * (1 + 1e-12)


# ---- manners


def test_the_model_is_left_as_it_was() -> None:
    torch.manual_seed(9)
    stack = nn.Recurrent("gru", INPUTS, HIDDEN, 2, dropout=0.5, initial="random")
    stack(torch.randn(STEPS, 1, INPUTS))[0].sum().backward()
    weights = {name: p.clone() for name, p in stack.named_parameters()}
    gradients = {name: p.grad.clone() for name, p in stack.named_parameters() if p.grad is not None}
    x = torch.randn(STEPS, INPUTS)
    random_state = torch.random.get_rng_state()
    found = spectrum(stack, x)
    decay_bounds(stack)

    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert all(module.training for module in stack.modules())
    for name, parameter in stack.named_parameters():
        assert torch.equal(parameter, weights[name])
        assert parameter.grad is not None and torch.equal(parameter.grad, gradients[name])
    assert spectrum(stack.eval(), x) == found  # without dropout


@pytest.mark.parametrize(
    ("cell", "shape", "count", "samples", "rule"),
    [
        ("dense", (STEPS, INPUTS), 1, 1, "carries states"),
        ("lstm", (STEPS, 2, INPUTS), 1, 1, "one sequence, got 2"),
        ("lstm", (1, INPUTS), 1, 1, "at least 2 steps"),
        ("lstm", (STEPS, INPUTS + 1), 1, 1, "expected shape"),
        ("lstm", (STEPS, INPUTS), 0, 1, "count is at least 1"),
        ("lstm", (STEPS, INPUTS), 1, 0, "samples is at least 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    cell: str, shape: tuple[int, ...], count: int, samples: int, rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        spectrum(make(cell), torch.randn(*shape, dtype=torch.float64), count=count, samples=samples)


def test_where_numbers_end_is_named() -> None:
    x = torch.zeros(STEPS, INPUTS, dtype=torch.float64)
    x[3, 0] = math.nan
    with pytest.raises(InputError, match="layer 1, step 3: the Jacobian of a step is finite"):
        spectrum(make("gru"), x)
