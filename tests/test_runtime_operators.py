"""The door to the machines: what it refuses, and that it says which argument."""

from __future__ import annotations

import re

import pytest
import torch
from drawn import SIZES, B, T, draw
from torch import Tensor

from bptt.cells import CATALOGUE
from bptt.errors import InputError
from bptt.runtime.backend import backend
from bptt.runtime.operators import recurrence, unrolled

DRAWN = draw(CATALOGUE["lstm-peephole"])
I, H = SIZES["I"], SIZES["H"]


def zeros(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("x", zeros(T, I), f"x: expected shape (T, B, I), got ({T}, {I})"),
        ("x", zeros(0, B, I), f"a sequence has at least one time step, got (0, {B}, {I})"),
        ("h", zeros(B, H + 1), f"initial h: expected shape ({B}, {H}), got ({B}, {H + 1})"),
        ("c", zeros(B + 1, H), f"initial c: expected shape ({B}, {H}), got ({B + 1}, {H})"),
        ("h", zeros(1, B, H), f"initial h: expected shape ({B}, {H}), got (1, {B}, {H})"),
        ("W", zeros(4 * H, I + 1), f"W: expected shape (4*H, {I}), got ({4 * H}, {I + 1})"),
        ("W", zeros(4 * H + 1, I), f"W: expected shape (4*H, {I}), got ({4 * H + 1}, {I})"),
        ("R", zeros(H, 4 * H), f"R: expected shape ({4 * H}, {H}), got ({H}, {4 * H})"),
        ("p", zeros(4 * H), f"p: expected shape ({3 * H},), got ({4 * H},)"),
        ("b", zeros(4 * H, 1), f"b: expected shape ({4 * H},), got ({4 * H}, 1)"),
    ],
)
def test_a_shape_that_does_not_fit(name: str, tensor: Tensor, message: str) -> None:
    tensors = {**DRAWN.named(), name: tensor}
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        DRAWN.run(*tensors.values())
    assert str(caught.value).startswith("recurrence(lstm-peephole)")


def test_a_tensor_too_few() -> None:
    x, h, c, *parameters = DRAWN.tensors
    message = "expected 2 initial states and 4 stacked parameters, got "
    with pytest.raises(InputError, match=message + "1 and 4"):
        recurrence(DRAWN.cell, x, [h], parameters)
    with pytest.raises(InputError, match=message + "2 and 3"):
        recurrence(DRAWN.cell, x, [h, c], parameters[:3])


@pytest.mark.parametrize("shape", [(B + 1,), (B, 1), ()])
def test_lengths_of_another_batch(shape: tuple[int, ...]) -> None:
    lengths = torch.ones(shape, dtype=torch.int64)
    with pytest.raises(InputError, match=rf"lengths: expected shape \({B},\), got {re.escape(str(shape))}"):
        DRAWN.run(lengths=lengths)


def test_an_empty_batch_gives_empty_sequences_and_zero_gradients() -> None:
    drawn = draw(CATALOGUE["lstm"], batch=0).leaves()
    outputs = drawn.run()
    assert [o.shape for o in outputs] == [(T, 0, H), (T, 0, H)]
    for gradient, tensor in zip(
        torch.autograd.grad([o.sum() for o in outputs], drawn.tensors), drawn.tensors, strict=True
    ):
        assert gradient.shape == tensor.shape and not gradient.any()


@pytest.mark.parametrize("name", CATALOGUE)
def test_unrolled_is_the_same_values_with_a_graph_of_torch(name: str) -> None:
    """`bptt check` compares gradients of both; here, that the derived backward is not what it traces."""
    drawn = draw(CATALOGUE[name]).leaves()
    x, *rest = drawn.tensors
    count = len(drawn.cell.states)
    traced = unrolled(drawn.cell, x, rest[:count], rest[count:])
    with backend("reference"):
        derived = drawn.run()
    for values, truth in zip(traced, derived, strict=True):
        assert torch.equal(values, truth)
        assert "Recurrence" in type(truth.grad_fn).__name__
        assert "Recurrence" not in type(values.grad_fn).__name__
