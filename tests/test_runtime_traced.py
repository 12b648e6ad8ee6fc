"""The operator that stands for a recurrence where torch's operations are recorded."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pytest
import tolerances
import torch
from drawn import SIZES, B, Drawn, T, draw
from kernel_doors import kernel_doors
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from bptt.cells import CATALOGUE, Cell
from bptt.errors import InputError
from bptt.runtime import traced
from bptt.runtime.backend import backend
from bptt.runtime.operators import run

# torch's own: forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

LIMIT = tolerances.gradient(torch.float64, T, B, *SIZES.values(), magnitude=tolerances.LAYER_NORM)
LENGTHS = torch.tensor([4, 0, 5])
OPERATOR = torch.ops.bptt.recurrence.default

Arguments = tuple[object, ...]


def arguments(drawn: Drawn, reverse: bool, all_states: bool, keep: bool, lengths: Tensor | None) -> Arguments:
    return traced._text(drawn.cell), list(drawn.tensors), lengths, reverse, all_states, keep, None


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_what_torch_asks_of_an_operator(name: str, chosen: str) -> None:
    """The shapes it announces are those it gives, nothing is written into, nothing shares memory."""
    drawn = draw(CATALOGUE[name]).leaves()
    asked = ("test_schema", "test_autograd_registration", "test_faketensor")
    with backend(chosen):
        for keep, lengths in ((True, LENGTHS), (False, None)):
            torch.library.opcheck(
                OPERATOR, arguments(drawn, True, True, keep, lengths), test_utils=asked, rtol=0, atol=LIMIT
            )


def test_it_is_differentiated_with_any_number_of_steps_and_rows() -> None:
    # Without lengths: what is kept of the padding is anything, and differs from run to run.
    given = arguments(draw(CATALOGUE["lstm-projection"]).leaves(), False, True, True, None)
    torch.library.opcheck(OPERATOR, given, test_utils="test_aot_dispatch_dynamic", rtol=0, atol=LIMIT)


def loss(outputs: Sequence[Tensor]) -> Tensor:
    """A number in which every element of every output has a weight of its own."""
    numbers = torch.cat([o.flatten() for o in outputs])
    return (numbers * torch.linspace(-1, 1, len(numbers), dtype=numbers.dtype)).sum()


def by_reference(drawn: Drawn) -> list[Tensor]:
    count = 1 + len(drawn.cell.states)
    x, *initial = drawn.tensors[:count]
    with backend("reference"):
        found = run(
            drawn.cell, x, initial, drawn.tensors[count:], lengths=LENGTHS, reverse=True, all_states=True
        )
    outputs = [] if drawn.cell.output in drawn.cell.states else [found.output]
    return [*found.states, *outputs, *found.final]


def poison_padding(kept: Tensor) -> None:
    """Kernels do not write there: it may hold anything."""
    for row, length in enumerate(LENGTHS):
        kept.data[length:, row] = torch.nan


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("forward", "backward"), [("cpu", "reference"), ("reference", "cpu"), ("cpu", "cpu")]
)
@pytest.mark.parametrize("name", CATALOGUE)
def test_a_backend_goes_on_from_what_another_kept(name: str, forward: str, backward: str, keep: bool) -> None:
    drawn = draw(CATALOGUE[name]).leaves()
    with backend(forward), kernel_doors() as there:
        outputs = OPERATOR(*arguments(drawn, True, True, keep, LENGTHS))
    if keep:
        poison_padding(outputs.pop())
    with backend(backward), kernel_doors() as back:
        found = torch.autograd.grad(loss(outputs), drawn.tensors)
    assert ("forward" in there, "backward" in back) == (forward == "cpu", backward == "cpu")
    # Without `keep` the backward pass begins with another forward pass.
    assert ("forward" in back) == (backward == "cpu" and not keep)
    truth = by_reference(drawn)
    for value, true in zip(outputs, truth, strict=True):
        torch.testing.assert_close(value, true, rtol=0, atol=LIMIT)
    for value, true in zip(found, torch.autograd.grad(loss(truth), drawn.tensors), strict=True):
        torch.testing.assert_close(value, true, rtol=0, atol=LIMIT)


def test_gradients_that_nobody_asks_for_are_not_given() -> None:
    drawn = draw(CATALOGUE["lstm"])
    for wanted in range(len(drawn.tensors)):
        tensors = [t.clone().requires_grad_(k == wanted) for k, t in enumerate(drawn.tensors)]
        one = Drawn(drawn.cell, tuple(tensors))
        with kernel_doors() as passed:
            outputs = OPERATOR(*arguments(one, True, True, True, LENGTHS))[:-1]
            (found,) = torch.autograd.grad(loss(outputs), [tensors[wanted]])
        assert passed == ["forward", "backward"]
        (truth,) = torch.autograd.grad(loss(by_reference(one)), [tensors[wanted]])
        torch.testing.assert_close(found, truth, rtol=0, atol=LIMIT)


def test_gradients_that_are_one_have_memory_each() -> None:
    """∂E/∂h_prev and ∂E/∂c_prev are the same tensor to the reference backend."""
    cell = Cell.define("sum", "h = W_h @ x + h_prev + c_prev\nc = tanh(h)", states="h c")
    drawn = draw(cell)
    with backend("reference"):
        *states, _, _, kept = OPERATOR(*arguments(drawn, False, True, True, None))
        gradients = [torch.ones_like(state) for state in states] + [None, None]
        asked = [True] * len(drawn.tensors)
        text, tensors = traced._text(cell), list(drawn.tensors)
        operator = torch.ops.bptt.recurrence_backward.default
        found = operator(
            text, tensors, None, False, states, kept, gradients, asked, traced._dtypes(tensors), None
        )
    assert torch.equal(found[1], found[2])
    places = {gradient.untyped_storage().data_ptr() for gradient in (*found, *gradients[:2])}
    assert len(places) == len(found) + 2


def test_a_dtype_without_kernels_runs_in_torch_operations() -> None:
    drawn = draw(CATALOGUE["gru"], dtype=torch.float16).leaves()
    with kernel_doors() as passed:
        outputs = OPERATOR(*arguments(drawn, True, True, True, LENGTHS))[:-1]
        found = torch.autograd.grad(loss(outputs), drawn.tensors)
    assert passed == []
    truth = by_reference(drawn)
    assert all(torch.equal(value, true) for value, true in zip(outputs, truth, strict=True))
    assert {g.dtype for g in found} == {torch.float16}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            {"lengths": torch.tensor([0, -1, T])},
            r"lengths are from 0 to the 5 steps of the input, got \[-1\]",
        ),
        ({"lengths": torch.tensor([0, 1, T + 1])}, r"got \[6\]"),
        ({"lengths": torch.tensor([1, 2])}, r"expected shape \(3,\)"),
        ({"x": torch.zeros(T, B, 9)}, r"W: expected shape \(4\*H, 9\)"),
        ({"h": torch.zeros(B, 9)}, r"initial h: expected shape \(3, 6\)"),
    ],
)
def test_arguments_are_checked_when_a_graph_runs(change: dict[str, Tensor], rule: str) -> None:
    """Kernels do not look where they write: a graph cannot bring them wrong numbers."""
    drawn = draw(CATALOGUE["lstm"])
    tensors = tuple((drawn.named() | change)[name] for name in drawn.names)
    given = arguments(Drawn(drawn.cell, tensors), False, False, False, change.get("lengths"))
    with pytest.raises(InputError, match=rule):
        OPERATOR(*given)


def test_forward_mode_is_refused_rather_than_lost() -> None:
    """Torch takes an operator's result for a constant there, and would give zero."""
    drawn = draw(CATALOGUE["lstm"])
    x, *rest = drawn.tensors

    def values(x: Tensor) -> Tensor:
        value: Tensor = OPERATOR(*arguments(Drawn(drawn.cell, (x, *rest)), False, True, False, None))[0]
        return value

    with pytest.raises(InputError, match="forward mode does not work in a compiled or exported program"):
        torch.func.jvp(values, (x,), (x,))


def test_modes_of_torch_see_the_operator() -> None:
    """A kernel would be invisible to them, its result a constant of the record."""
    drawn = draw(CATALOGUE["lstm"])
    other = draw(CATALOGUE["lstm"], seed=1).tensors
    graph = make_fx(drawn.run)(*drawn.tensors)
    assert OPERATOR in {node.target for node in graph.graph.nodes}
    for found, truth in zip(graph(*other), drawn.run(*other), strict=True):
        assert torch.equal(found, truth)


def test_tensors_without_memory_have_a_shape() -> None:
    drawn = draw(CATALOGUE["lstm-projection"])
    with FakeTensorMode() as mode, kernel_doors() as passed:
        fakes = [mode.from_tensor(tensor) for tensor in drawn.tensors]
        inside = drawn.run(*fakes, lengths=mode.from_tensor(LENGTHS))
    # Outside of the mode they are run in torch operations.
    outside = drawn.run(*fakes)
    meta = drawn.run(*[tensor.to("meta") for tensor in drawn.tensors])
    assert passed == []
    truth = [value.shape for value in drawn.run()]
    for found in (inside, outside, meta):
        assert [value.shape for value in found] == truth


def test_torch_jit_records_torch_operations() -> None:
    drawn = draw(CATALOGUE["lstm"])
    other = draw(CATALOGUE["lstm"], seed=1).tensors
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = torch.jit.trace(drawn.run, drawn.tensors)
    for found, truth in zip(graph(*other), drawn.run(*other), strict=True):
        torch.testing.assert_close(found, truth, rtol=0, atol=LIMIT)
