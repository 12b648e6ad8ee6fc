"""Cells of users: all derivatives against finite differences, full shapes, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import tolerances
import torch
from drawn import Drawn, draw
from torch import Tensor
from torch.autograd import gradcheck
from user_cells import CELLS, cell

from bptt.cells import CATALOGUE
from bptt.errors import InputError

# torch's own: forward mode inside a backward pass scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

STEPS, BATCH = 3, 2
SIZES = {"I": 4, "H": 5, "P": 6}
LENGTHS = torch.tensor([2, 0])


@pytest.mark.parametrize("name", CELLS)
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    drawn = draw(CELLS[name], STEPS, BATCH, SIZES).leaves()
    assert gradcheck(drawn.run, drawn.tensors, check_forward_ad=True, fast_mode=True)


def gradients(drawn: Drawn, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of the sum of squares of all outputs, ready to be differentiated again."""
    loss = torch.stack([(o**2).sum() for o in drawn.run(*tensors)]).sum()
    return torch.autograd.grad(loss, tensors, create_graph=True, materialize_grads=True)


@pytest.mark.parametrize("name", CELLS)
def test_second_derivatives_are_those_of_finite_differences(name: str) -> None:
    """The Hessian times a random direction; central differences err by ε² and by eps/ε, ε = 1e-6."""
    drawn, move = (
        draw(CELLS[name], STEPS, BATCH, SIZES).leaves(),
        draw(CELLS[name], STEPS, BATCH, SIZES, seed=1),
    )
    along = torch.stack(
        [(g * m).sum() for g, m in zip(gradients(drawn, drawn.tensors), move.tensors, strict=True)]
    )
    found = torch.autograd.grad(along.sum(), drawn.tensors, materialize_grads=True)
    before, after = (
        gradients(drawn, [t + e * m for t, m in zip(drawn.tensors, move.tensors, strict=True)])
        for e in (-1e-6, 1e-6)
    )
    for value, low, high in zip(found, before, after, strict=True):
        torch.testing.assert_close(value, (high - low) / 2e-6, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", CELLS)
def test_with_lengths_too(name: str) -> None:
    drawn = draw(CELLS[name], STEPS, BATCH, SIZES).leaves()

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        return drawn.run(*tensors, lengths=LENGTHS, reverse=True)

    assert gradcheck(function, drawn.tensors, check_forward_ad=True, fast_mode=True)


@pytest.mark.parametrize(("lengths", "reverse"), [(None, False), (LENGTHS, True)])
@pytest.mark.parametrize("name", {**CATALOGUE, **CELLS})
def test_the_derived_tangent_is_that_of_torch(name: str, lengths: Tensor | None, reverse: bool) -> None:
    """Leaves take the derived one; anything else torch traces through the loop by itself."""
    drawn = draw({**CATALOGUE, **CELLS}[name], STEPS, BATCH, SIZES)
    moves = draw(drawn.cell, STEPS, BATCH, SIZES, seed=1).tensors
    _, found = drawn.tangent(moves, lengths, reverse)
    _, traced = torch.func.jvp(
        lambda *t: drawn.run(*t, lengths=lengths, reverse=reverse), drawn.tensors, moves
    )
    # Changes are of order 10 here, where the tolerance counts in ones.
    limit = tolerances.gradient(torch.float64, STEPS, BATCH, *SIZES.values(), magnitude=10.0)
    for change, truth in zip(found, traced, strict=True):
        torch.testing.assert_close(change, truth, rtol=0, atol=limit)


@pytest.mark.parametrize("name", CELLS)
def test_shapes_and_types_are_full(name: str) -> None:
    """What parameters, constants or row values make alone is still (T, B, width), in the input's type."""
    drawn = draw(CELLS[name], STEPS, BATCH, SIZES, dtype=torch.float32).leaves()
    found = drawn.run()
    names = dict.fromkeys((*drawn.cell.states, drawn.cell.output))
    for values, value in zip(found, names, strict=True):
        assert values.shape == (STEPS, BATCH, SIZES[drawn.cell.width(value)])
        assert values.dtype == torch.float32
    gradients = torch.autograd.grad([o.sum() for o in found], drawn.tensors, allow_unused=True)
    for gradient, tensor in zip(gradients, drawn.tensors, strict=True):
        assert gradient is not None and gradient.shape == tensor.shape


@pytest.mark.parametrize("kept", [0, 1])
def test_one_output_of_an_output_that_is_no_state(kept: int) -> None:
    """The gradient of the other output is None, not zero: widths must not be taken from it."""
    drawn = draw(CELLS["an output that is no state"], STEPS, BATCH, SIZES).leaves()
    assert gradcheck(lambda *t: drawn.run(*t)[kept], drawn.tensors, fast_mode=True)


def test_a_name_reads_the_same_whatever_it_is() -> None:
    """The helpers of a derivation give way to the author's names: the same cell, the same numbers."""
    plain = cell("a = W_a @ x; b = a * h_prev; c = tanh(R_c @ (b * h_prev)); h = tanh(c + b)")
    clashing = cell(
        "net_h = W_net_h @ x; in_c = net_h * h_prev; tanh_h = tanh(R_tanh_h @ (in_c * h_prev));"
        " h = tanh(tanh_h + in_c)"
    )
    tensors = draw(plain, STEPS, BATCH, SIZES).tensors
    assert torch.equal(Drawn(plain, tensors).run()[0], Drawn(clashing, tensors).run()[0])


def test_two_inputs_are_refused_at_the_door() -> None:
    two = cell("h = tanh(W_h @ x + U_h @ t + R_h @ h_prev)", inputs="x t")
    with pytest.raises(InputError, match=r"recurrence\(own\): a recurrence has one input sequence, got x t"):
        draw(two, STEPS, BATCH, SIZES).run()
