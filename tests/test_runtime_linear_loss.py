"""The fused loss of an output layer, against torch's two functions, number by number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bptt.errors import InputError
from bptt.nn import linear_cross_entropy
from bptt.runtime.backend import backend

IGNORED = -7
REDUCTIONS = ("mean", "sum", "none")
# (N, D, V): one of each; off every vector width; whole vectors; more classes than a block, more rows than
# a chunk has of few classes; two chunks of many classes.
SIZES = [(1, 1, 1), (5, 3, 7), (33, 17, 97), (64, 32, 192), (130, 40, 201), (1000, 6, 5), (100, 2, 12_000)]


@pytest.fixture(autouse=True)
def _kernels() -> Iterator[None]:
    """No test passes because torch computed both sides."""
    with backend("cpu"):
        yield


@dataclass(frozen=True)
class Drawn:
    """Numbers of magnitude 1, logits of some; a fifth of the targets do not count."""

    input: Tensor
    weight: Tensor
    bias: Tensor | None
    target: Tensor

    def operands(self) -> list[Tensor]:
        return [t for t in (self.input, self.weight, self.bias) if t is not None]

    def to(self, dtype: torch.dtype) -> Drawn:
        """The same numbers as new leaves."""
        tensors = [t.detach().to(dtype).requires_grad_() for t in self.operands()]
        return Drawn(tensors[0], tensors[1], tensors[2] if self.bias is not None else None, self.target)

    def loss(self, reduction: str = "mean") -> Tensor:
        return linear_cross_entropy(
            self.input,
            self.weight,
            self.target,
            linear_bias=self.bias,
            reduction=reduction,
            ignore_index=IGNORED,
        )

    def truth(self, reduction: str = "mean") -> Tensor:
        logits = functional.linear(self.input, self.weight, self.bias)
        return functional.cross_entropy(logits, self.target, ignore_index=IGNORED, reduction=reduction)

    def tolerance(self, dtype: torch.dtype, reduction: str) -> float:
        """The terms of the longest sum of sums, each of magnitude 1 at most, rounded on both sides."""
        rows, classes = len(self.target), len(self.weight)
        terms = self.input.shape[1] + classes + (1 if reduction == "mean" else rows)
        return 2 * torch.finfo(dtype).eps * terms


def draw(
    rows: int = 33, width: int = 17, classes: int = 97, bias: bool = True, dtype: torch.dtype = torch.float64
) -> Drawn:
    generator = torch.Generator().manual_seed(rows + width + classes)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    target = torch.randint(classes, (rows,), generator=generator)
    target[1::5] = IGNORED
    weight = normal(classes, width) * 3 / width**0.5
    return Drawn(normal(rows, width), weight, normal(classes) if bias else None, target).to(dtype)


def gradients(loss: Tensor, drawn: Drawn) -> tuple[Tensor, ...]:
    weights = torch.linspace(-1, 1, loss.numel(), dtype=loss.dtype).view_as(loss) if loss.dim() else None
    return torch.autograd.grad(loss, drawn.operands(), weights)


def close(found: Tensor, truth: Tensor, limit: float) -> None:
    torch.testing.assert_close(found.double(), truth.double(), rtol=limit, atol=limit, equal_nan=True)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_loss_and_gradients_are_those_of_torch(
    dtype: torch.dtype, bias: bool, size: tuple[int, int, int], reduction: str
) -> None:
    drawn = draw(*size, bias, dtype)
    exact = drawn.to(torch.float64)
    limit = drawn.tolerance(dtype, reduction)
    loss, truth = drawn.loss(reduction), exact.truth(reduction)
    assert loss.dtype == dtype and loss.shape == truth.shape
    close(loss, truth, limit)
    for found, expected in zip(gradients(loss, drawn), gradients(truth, exact), strict=True):
        close(found, expected, limit)


def test_single_precision_is_as_good_as_torch() -> None:
    """The root mean square of all errors of a sum over many rows and classes, within a factor of two."""
    drawn = draw(2000, 64, 500, dtype=torch.float32)
    exact = drawn.to(torch.float64)
    truth = gradients(exact.truth(), exact)
    for ours, theirs, expected in zip(
        gradients(drawn.loss(), drawn), gradients(drawn.truth(), drawn), truth, strict=True
    ):
        error, standard = ((found - expected).square().mean().sqrt() for found in (ours, theirs))
        assert error < 2 * standard


@pytest.mark.parametrize("needed", [n for n in product([True, False], repeat=3) if any(n)])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_each_gradient_alone_is_the_same(needed: tuple[bool, bool, bool], reduction: str) -> None:
    drawn, some = draw(), draw()
    for tensor, need in zip(some.operands(), needed, strict=True):
        tensor.requires_grad_(need)
    some.loss(reduction).sum().backward()
    drawn.loss(reduction).sum().backward()
    for tensor, other, need in zip(some.operands(), drawn.operands(), needed, strict=True):
        if need:
            assert torch.equal(tensor.grad, other.grad)
        else:
            assert tensor.grad is None


def test_finite_differences_once_and_twice() -> None:
    drawn = draw(4, 3, 5)

    def mean(*operands: Tensor) -> Tensor:
        return Drawn(*operands, drawn.target).loss()

    def each(*operands: Tensor) -> Tensor:
        return Drawn(*operands, drawn.target).loss("none")

    for function in (mean, each):
        assert torch.autograd.gradcheck(function, drawn.operands())
        assert torch.autograd.gradgradcheck(function, drawn.operands())


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_gradient_from_above_multiplies(reduction: str) -> None:
    drawn, exact = draw(), draw()
    (drawn.loss(reduction) * 3).sum().backward()
    (exact.truth(reduction) * 3).sum().backward()
    for tensor, truth in zip(drawn.operands(), exact.operands(), strict=True):
        close(tensor.grad, truth.grad, 3 * drawn.tolerance(torch.float64, "sum"))


def test_a_graph_that_is_kept_gives_its_gradient_again() -> None:
    drawn = draw()
    loss = drawn.loss()
    loss.backward(retain_graph=True)
    once = [tensor.grad.clone() for tensor in drawn.operands()]
    loss.backward(retain_graph=True)
    loss.backward()
    for tensor, first in zip(drawn.operands(), once, strict=True):
        assert torch.equal(tensor.grad, first + first + first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_number_of_threads_gives_the_same_bits(dtype: torch.dtype) -> None:
    """Enough work for eight threads; several chunks, so that their gradients are added up."""
    drawn, before = draw(3000, 19, 700, dtype=dtype), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3, 8, 8, 8):
            torch.set_num_threads(threads)
            loss = drawn.loss("none")
            found.append([loss, *gradients(loss, drawn), *gradients(drawn.loss(), drawn)])
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    drawn = draw(130, 40, 201, dtype=torch.float32)
    losses = drawn.loss("none")
    input_gradient, *_ = gradients(losses.sum(), drawn)
    for rows in (slice(7, 8), slice(60, 100), slice(128, 130)):
        part = Drawn(drawn.input[rows], drawn.weight, drawn.bias, drawn.target[rows])
        assert torch.equal(part.loss("none"), losses[rows])
        found, *_ = gradients(part.loss("sum"), part)
        assert torch.equal(found, input_gradient[rows])


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_what_is_ignored_is_not_looked_at(reduction: str) -> None:
    drawn, spoilt = draw(), draw()
    ignored = spoilt.target == IGNORED
    with torch.no_grad():
        spoilt.input[ignored] = torch.nan
    loss = spoilt.loss(reduction)
    assert torch.equal(loss, drawn.loss(reduction))
    found = gradients(loss, spoilt)
    assert all(map(torch.equal, found, gradients(drawn.loss(reduction), drawn)))
    assert not found[0][ignored].any()


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nothing_to_predict(rows: int, reduction: str) -> None:
    drawn = draw(3)
    drawn = Drawn(drawn.input[:rows], drawn.weight, drawn.bias, torch.full((rows,), IGNORED))
    loss, truth = drawn.loss(reduction), drawn.truth(reduction)
    torch.testing.assert_close(loss, truth, rtol=0, atol=0, equal_nan=True)
    for found in gradients(loss, drawn):
        assert not found.any()


@pytest.mark.parametrize("wrong", [-1, 97, 2**40])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_target_that_is_no_class_is_refused(wrong: int, reduction: str) -> None:
    drawn = draw()
    drawn.target[5] = wrong
    rule = f"linear_cross_entropy: a target is a class, 0 to 96, or ignore_index, -7, got {wrong}"
    with pytest.raises(InputError, match=f"^{re.escape(rule)}$"):
        drawn.loss(reduction)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": torch.ones(97, 16)}, "(..., D) and a linear_weight (V, D), got (33, 17) and (97, 16)"),
        ({"weight": torch.ones(17)}, "(..., D) and a linear_weight (V, D), got (33, 17) and (17,)"),
        ({"input": torch.ones(())}, "(..., D) and a linear_weight (V, D), got () and (97, 17)"),
        ({"bias": torch.ones(96)}, "linear_bias: expected shape (97,), got (96,)"),
        ({"bias": torch.ones(97, 1)}, "linear_bias: expected shape (97,), got (97, 1)"),
        ({"target": torch.zeros(32).long()}, "target: expected shape (33,), that of the input"),
        ({"target": torch.zeros(33)}, "target: expected int64, got torch.float32"),
        ({"reduction": "average"}, "reduction: expected one of mean, sum, none, got 'average'"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str) -> None:
    drawn = draw()
    given = {"input": drawn.input, "weight": drawn.weight, "bias": drawn.bias, "target": drawn.target}
    given = {**given, "reduction": "mean", **changes}
    with pytest.raises(InputError, match=re.escape(message)):
        linear_cross_entropy(
            given["input"],
            given["weight"],
            given["target"],
            linear_bias=given["bias"],
            reduction=given["reduction"],
        )


def test_shapes_as_of_a_network() -> None:
    """Inputs (B, T, D) turned to (T, B, D), weights cut out of a larger matrix, and a single row."""
    drawn = draw(6, 3, 7)
    wide = torch.cat([drawn.weight.detach(), torch.full((7, 2), torch.nan)], 1)[:, :3].requires_grad_()
    input = drawn.input.detach().view(2, 3, 3).clone().requires_grad_()
    found = linear_cross_entropy(
        input.transpose(0, 1),
        wide,
        drawn.target.view(2, 3).t(),
        linear_bias=drawn.bias,
        reduction="none",
        ignore_index=IGNORED,
    )
    losses = drawn.loss("none")
    assert torch.equal(found.t().flatten(), losses)
    of_input, of_weight = torch.autograd.grad(found.sum(), [input, wide])
    truth_of_input, truth_of_weight, _ = gradients(losses.sum(), drawn)
    assert torch.equal(of_input.reshape(6, 3), truth_of_input)
    close(of_weight, truth_of_weight, drawn.tolerance(torch.float64, "sum"))
    one = linear_cross_entropy(drawn.input[0], drawn.weight, drawn.target[0], linear_bias=drawn.bias)
    assert one.shape == () and torch.equal(one, losses[0])


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_large_logits_do_not_overflow(size: float) -> None:
    drawn = draw(dtype=torch.float32)
    with torch.no_grad():
        drawn.input.mul_(size)
    exact = drawn.to(torch.float64)
    limit = torch.finfo(torch.float32).eps * 17
    truth = exact.truth("none")
    torch.testing.assert_close(drawn.loss("none").double(), truth, rtol=limit, atol=limit * size * 10)
    assert all(found.isfinite().all() for found in gradients(drawn.loss("none"), drawn))


def test_classes_that_are_ruled_out() -> None:
    """A whole block of classes at -∞, and one row whose target is among them."""
    drawn, exact = draw(20, 5, 300), draw(20, 5, 300)
    drawn.target[:] = torch.arange(20) + 100
    drawn.target[3] = 7
    for each in (drawn, exact):
        with torch.no_grad():
            each.bias[:98] = -torch.inf
        each.target.copy_(drawn.target)
    losses, truth = drawn.loss("none"), exact.truth("none")
    assert losses[3] == torch.inf
    close(losses, truth, drawn.tolerance(torch.float64, "none"))
    counted = torch.arange(20) != 3
    for found, expected in zip(
        gradients(losses[counted].sum(), drawn), gradients(truth[counted].sum(), exact), strict=True
    ):
        close(found, expected, drawn.tolerance(torch.float64, "sum"))


def test_a_class_that_its_weights_rule_out() -> None:
    """Sums over the rows of a chunk take no notice of lanes that are no rows."""
    drawn, exact = draw(), draw()
    for each in (drawn, exact):
        with torch.no_grad():
            each.input.abs_()
            each.weight[2] = -torch.inf
            each.target[each.target == 2] = 3
    found, truth = gradients(drawn.loss(), drawn)[2], gradients(exact.truth(), exact)[2]
    assert found[2] == 0
    close(found, truth, drawn.tolerance(torch.float64, "sum"))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_stays_in_its_row(value: float) -> None:
    drawn = draw()
    expected = drawn.loss("none")
    input_gradient, *_ = gradients(expected.sum(), drawn)
    with torch.no_grad():
        drawn.input[4, 2] = value
    losses = drawn.loss("none")
    assert losses[4].isnan() and drawn.truth("none")[4].isnan()
    found, weight, bias = gradients(losses.sum(), drawn)
    assert found[4].isnan().all() and weight.isnan().all() and bias.isnan().all()
    others = torch.arange(33) != 4
    assert torch.equal(losses[others], expected[others])
    assert torch.equal(found[others], input_gradient[others])
