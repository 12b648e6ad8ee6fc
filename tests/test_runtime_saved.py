"""What is replaced between forward and backward: an error or the right gradient, never garbage or a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from drawn import Drawn, draw
from outcomes import How, forward, outcome, same, weights
from torch import Tensor
from user_cells import cell

from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.errors import GraphError
from bptt.runtime.backend import backend
from bptt.runtime.linear_loss import linear_cross_entropy
from bptt.runtime.operators import run

BACKENDS, STORAGES = ["cpu", "reference"], ["keep", "recompute", "segments"]
CONVERSIONS = [torch.float64, torch.float16, torch.bfloat16]
ONLY_VECTORS = cell("h = tanh(p_h * x + u_h * h_prev + b_h)", widths={"x": "H"})


def drawn(equations: Cell = CATALOGUE["lstm-projection"]) -> Drawn:
    return draw(equations, 6, 3, dtype=torch.float32)


class Between:
    """A forward pass; tensors are changed before the backward pass, each by its place among the arguments."""

    def __init__(self, example: Drawn, how: How, by: str = "cpu") -> None:
        self.truth = outcome(example, how, by)
        self.leaves = example.leaves().tensors
        with backend(by):
            self.values = forward(replace(example, tensors=self.leaves), how)

    def back(self, **options: bool) -> tuple[Tensor, ...]:
        return torch.autograd.grad(self.values, self.leaves, [weights(v) for v in self.values], **options)


def convert(tensors: list[Tensor], dtype: torch.dtype) -> None:
    for tensor in tensors:
        tensor.data = tensor.data.to(dtype)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("by", BACKENDS)
@pytest.mark.parametrize("dtype", CONVERSIONS)
@pytest.mark.parametrize("which", ["parameters", "x", "states", "everything"])
def test_another_dtype(which: str, dtype: torch.dtype, by: str, storage: str) -> None:
    between = Between(drawn(), How(storage=storage), by)
    places = {"x": slice(1), "states": slice(1, 3), "parameters": slice(3, None), "everything": slice(None)}
    convert(list(between.leaves[places[which]]), dtype)
    # Torch itself refuses to differentiate by an x that has another dtype than the graph remembers.
    with pytest.raises(RuntimeError if which == "everything" else GraphError):
        between.back()


@pytest.mark.parametrize("by", BACKENDS)
@pytest.mark.parametrize("dtype", CONVERSIONS)
def test_another_dtype_where_torch_would_promote(dtype: torch.dtype, by: str) -> None:
    """No product of matrices is there to fail: what is added and multiplied is promoted in silence."""
    between = Between(drawn(ONLY_VECTORS), How(), by)
    convert(list(between.leaves[-3:]), dtype)
    with pytest.raises(GraphError):
        between.back()


@pytest.mark.parametrize("by", BACKENDS)
@pytest.mark.parametrize("dtype", CONVERSIONS)
def test_another_dtype_before_a_second_derivative(dtype: torch.dtype, by: str) -> None:
    between = Between(drawn(), How(), by)
    convert(list(between.leaves[3:]), dtype)
    with pytest.raises(GraphError):
        between.back(create_graph=True)


def test_another_dtype_of_a_module_in_bfloat16() -> None:
    """Kernels read its matrices in bfloat16; torch operations have saved copies in float32."""
    found = {}
    for by in BACKENDS:
        with backend(by):
            module, x = nn.LSTM(3, 5, dtype=torch.bfloat16), torch.randn(7, 2, 3, dtype=torch.bfloat16)
            output, _ = module(x.requires_grad_())
        found[by] = output.sum(), x
        if by == "reference":
            (right,) = torch.autograd.grad(*found[by], retain_graph=True)
        module.float()
    with pytest.raises(GraphError):
        torch.autograd.grad(*found["cpu"])
    assert torch.equal(*torch.autograd.grad(*found["reference"]), right)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("by", BACKENDS)
@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: torch.cat([w, w]), lambda w: w.new_empty(0)])
def test_another_shape(change: Callable[[Tensor], Tensor], by: str, storage: str) -> None:
    for place in range(len(drawn().tensors)):
        between = Between(drawn(), How(storage=storage), by)
        between.leaves[place].data = change(between.leaves[place].data)
        with pytest.raises(GraphError):
            between.back()


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("size", [0, 8])
def test_memory_that_was_freed(size: int, storage: str) -> None:
    """As programs do that shard their parameters: the tensor keeps its shape."""
    for place in range(len(drawn().tensors)):
        between = Between(drawn(), How(storage=storage))
        between.leaves[place].untyped_storage().resize_(size)
        with pytest.raises(GraphError, match="without memory"):
            between.back()


def test_memory_that_was_freed_before_the_forward_pass() -> None:
    module = nn.GRU(3, 5)
    module.weight_hh_l0.untyped_storage().resize_(0)
    for keep in (True, False):
        with torch.set_grad_enabled(keep), backend("cpu"), pytest.raises(GraphError, match="without memory"):
            module(torch.randn(4, 2, 3))


@pytest.mark.parametrize("by", BACKENDS)
@pytest.mark.parametrize("storage", STORAGES)
def test_the_same_numbers_laid_out_otherwise(storage: str, by: str) -> None:
    """In the order of columns, in every second place, within another tensor: the same gradients."""
    layouts: list[Callable[[Tensor], Tensor]] = [
        lambda t: t.flip(0).contiguous().flip(0),
        lambda t: t.mT.contiguous().mT if t.dim() > 1 else t,
        lambda t: torch.stack([t, t], -1)[..., 0],
        lambda t: torch.cat([t, t])[len(t) :],
    ]
    for change in layouts:
        between = Between(drawn(), How(storage=storage), by)
        for leaf in between.leaves:
            leaf.data = change(leaf.data)
        # Torch's products sum up in another order then.
        torch.testing.assert_close(between.back(), between.truth.gradients)


@pytest.mark.parametrize("by", BACKENDS)
def test_states_that_were_returned(by: str) -> None:
    """The backward pass reads the sequences that the forward pass gave, not what has replaced them."""
    between = Between(drawn(), How(), by)
    for values in between.values:
        values.data = torch.full_like(values, torch.nan)
    assert same(between.back(), between.truth.gradients)


@pytest.mark.parametrize("by", BACKENDS)
def test_lengths(by: str) -> None:
    """As another kind of number, or fewer of them: torch notices neither."""
    for change in (Tensor.int, lambda t: t[:1]):
        lengths = torch.tensor([3, 6, 1])
        between = Between(drawn(), How(lengths=lengths), by)
        lengths.data = change(lengths.data)
        if by == "reference":
            # It saves which steps are valid, not the lengths.
            assert same(between.back(), between.truth.gradients)
        else:
            with pytest.raises(GraphError):
                between.back()


def test_lengths_beyond_the_sequence() -> None:
    """Written past torch they give undefined gradients, but nothing is read or written outside."""
    lengths = torch.tensor([3, 6, 1])
    between = Between(drawn(), How(lengths=lengths))
    lengths.data.copy_(torch.tensor([10**12, -7, 2]))
    assert [g.shape for g in between.back()] == [leaf.shape for leaf in between.leaves]


def test_what_a_hook_gives_back() -> None:
    """A hook that saves in fewer bits and forgets to go back."""
    module = nn.LSTM(3, 5)
    with torch.autograd.graph.saved_tensors_hooks(Tensor.half, lambda t: t):
        output, _ = module(torch.randn(7, 2, 3))
    with pytest.raises(GraphError):
        output.sum().backward()


def test_a_recurrence_over_copies_of_a_row() -> None:
    lstm, example = CATALOGUE["lstm"], drawn(CATALOGUE["lstm"])
    x, _, _, *parameters = example.leaves().tensors
    copies = x.detach()[:, :1].expand(-1, 4, -1).requires_grad_()
    states = [torch.zeros(4, 6)] * 2
    with backend("cpu"):
        output = run(lstm, copies, states, parameters, observer=lambda norms: None).output
    convert(parameters, torch.bfloat16)
    with pytest.raises(GraphError):
        output.sum().backward()


@pytest.mark.parametrize("dtype", CONVERSIONS)
@pytest.mark.parametrize("keep", [True, False])
def test_a_compiled_module(keep: bool, dtype: torch.dtype) -> None:
    """Without a bias nothing but a product with a matrix could tell, and bfloat16 has such products."""
    torch.compiler.reset()
    module = nn.RNN(3, 5, bias=False)
    module.storage = "keep" if keep else "recompute"
    x = torch.randn(7, 2, 3, requires_grad=True)
    output, _ = torch.compile(module, fullgraph=True, backend="aot_eager")(x)
    module.to(dtype)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(output.sum(), x)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("dtype", CONVERSIONS)
@pytest.mark.parametrize("place", range(3))
def test_the_loss_of_a_linear_layer(place: int, dtype: torch.dtype, reduction: str) -> None:
    """A second backward pass, for the first one of a mean has its gradients already."""
    tensors = [torch.randn(shape, requires_grad=True) for shape in ((6, 4), (5, 4), (5,))]
    with backend("cpu"):
        loss = linear_cross_entropy(
            tensors[0], tensors[1], torch.arange(6) % 5, linear_bias=tensors[2], reduction=reduction
        ).sum()
    others = [t for k, t in enumerate(tensors) if k != place]
    right = torch.autograd.grad(loss, others, retain_graph=True)
    convert([tensors[place]], dtype)
    if place == 0:
        # What is saved of the input is a view, which keeps its numbers.
        assert same(torch.autograd.grad(loss, others), right)
    else:
        with pytest.raises(GraphError):
            torch.autograd.grad(loss, others)


@pytest.mark.parametrize("dtype", CONVERSIONS)
def test_modules_made_of_torch_operations(dtype: torch.dtype) -> None:
    """A CRF and a decoder: torch's own error, or the right gradient."""
    crf, scores = nn.CRF(4), torch.randn(5, 2, 4, requires_grad=True)
    decoder = nn.Decoder("gru", 3, 4, attention="dot", memory_width=4)
    x = torch.randn(5, 2, 3, requires_grad=True)
    state = decoder.start([torch.zeros(1, 2, 4)], torch.randn(3, 2, 4))
    cases: list[tuple[torch.nn.Module, Tensor, Tensor]] = [
        (crf, scores, crf.log_likelihood(scores, torch.zeros(5, 2, dtype=torch.int64))),
        (decoder, x, decoder(x, state)[0]),
    ]
    for module, leaf, output in cases:
        (right,) = torch.autograd.grad(output.sum(), leaf, retain_graph=True)
        module.to(dtype)
        try:
            (found,) = torch.autograd.grad(output.sum(), leaf)
        except RuntimeError:
            continue
        torch.testing.assert_close(found, right)
