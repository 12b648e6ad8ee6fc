"""The values of a forward pass, against loops typed from the papers."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import tolerances
import torch
from drawn import SIZES, B, T, draw

from bptt.cells import CATALOGUE
from bptt.cells.expression import Call, Symbol
from bptt.runtime.backend import backend
from bptt.runtime.reference.expressions import compiled

# No value of the tests is larger.
MAGNITUDE = 4.0


def tolerance(name: str, dtype: torch.dtype = torch.float64) -> float:
    magnitude = MAGNITUDE * (tolerances.LAYER_NORM if name == "lstm-layernorm" else 1.0)
    return tolerances.sequence(dtype, T, *SIZES.values(), magnitude=magnitude)


@pytest.mark.parametrize("name", CATALOGUE)
def test_values_are_those_of_the_paper(name: str) -> None:
    drawn = draw(CATALOGUE[name])
    found = drawn.run()
    states = drawn.tensors[1 : 1 + len(drawn.cell.states)]
    for row in range(B):
        x, *initial = (t.numpy() for t in (drawn.tensors[0][:, row], *(s[row] for s in states)))
        expected = oracle.CELLS[name](x, *initial, **drawn.by_gate())  # type: ignore[operator]
        for values, truth in zip(found, expected, strict=True):
            assert np.abs(truth).max() < MAGNITUDE
            np.testing.assert_allclose(values[:, row].numpy(), truth, rtol=0, atol=tolerance(name))


def test_every_cell_of_the_catalogue_has_an_oracle() -> None:
    assert list(oracle.CELLS) == list(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_reversed_time_is_a_reversed_sequence(name: str) -> None:
    drawn = draw(CATALOGUE[name])
    x, *rest = drawn.tensors
    backwards = drawn.run(x, *rest, reverse=True)
    for values, truth in zip(backwards, drawn.run(x.flip(0), *rest), strict=True):
        torch.testing.assert_close(values, truth.flip(0), rtol=0, atol=tolerance(name))


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (1, 3), (4, 1)])
def test_one_step_and_one_row_are_no_special_case(name: str, steps: int, batch: int) -> None:
    cell = CATALOGUE[name]
    drawn = draw(cell, steps, batch)
    widths = [cell.width(name) for name in dict.fromkeys((*cell.states, cell.output))]
    for values, width in zip(drawn.run(), widths, strict=True):
        assert values.shape == (steps, batch, SIZES[width])
    tall = draw(cell, 4, 3)
    x, *rest = tall.tensors
    states, parameters = rest[: len(cell.states)], rest[len(cell.states) :]
    part = tall.run(x[:steps, :batch], *(s[:batch] for s in states), *parameters)
    for whole, cut in zip(tall.run(), part, strict=True):
        torch.testing.assert_close(whole[:steps, :batch], cut, rtol=0, atol=tolerance(name))


@pytest.mark.parametrize("name", CATALOGUE)
def test_memory_layout_does_not_matter(name: str) -> None:
    drawn = draw(CATALOGUE[name]).leaves()
    strided = tuple(
        torch.stack([t.detach(), torch.full_like(t, torch.nan)], -1)[..., 0].requires_grad_()
        for t in drawn.tensors
    )
    swapped = strided[0].detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    plain, odd = drawn.run(), drawn.run(swapped, *strided[1:])
    for values, truth in zip(odd, plain, strict=True):
        torch.testing.assert_close(values, truth, rtol=0, atol=tolerance(name))
    found = torch.autograd.grad([o.sum() for o in odd], [swapped, *strided[1:]])
    expected = torch.autograd.grad([o.sum() for o in plain], drawn.tensors)
    limit = tolerances.gradient(torch.float64, T, B, *SIZES.values(), magnitude=tolerances.LAYER_NORM)
    for values, truth in zip(found, expected, strict=True):
        torch.testing.assert_close(values, truth, rtol=0, atol=limit)


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_stays_in_its_type_and_near(name: str, dtype: torch.dtype) -> None:
    """bfloat16 is in torch operations, which round what they return; kernels have tests of their own."""
    exact = draw(CATALOGUE[name], dtype=dtype)
    truth = exact.run(*(t.double() for t in exact.tensors))
    lower = exact.leaves()
    with backend("reference" if dtype == torch.bfloat16 else "auto"):
        found = lower.run()
    rounding = 0.0 if dtype == torch.float32 else torch.finfo(dtype).eps / 2
    for values, expected in zip(found, truth, strict=True):
        assert values.dtype == dtype
        limit = tolerance(name, torch.float32) + rounding * float(expected.abs().max())
        torch.testing.assert_close(values.double(), expected, rtol=0, atol=limit)
    gradients = torch.autograd.grad([o.sum() for o in found], lower.tensors)
    assert all(g.dtype == dtype and g.isfinite().all() for g in gradients)


def test_softplus_is_exact_where_torch_gives_up() -> None:
    x = torch.tensor([-50.0, -1.0, 0.0, 19.9, 20.5, 30.0, 800.0], dtype=torch.float64)
    found = compiled(Call("softplus", (Symbol("x"),)))({"x": x})
    truth = np.logaddexp(x.numpy(), 0.0)
    # Two libraries' logarithm and exponential, each right to an ulp or two.
    np.testing.assert_allclose(found.numpy(), truth, rtol=4 * 2.3e-16)
