"""Torch's own samples and error samples of its recurrent modules, run through ours and through torch's."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch_samples import NAMES, errors, samples

from bptt import nn
from bptt.errors import InputError

# Two layers of 3 units over 3 steps, differentiated twice: some thousand terms of the result's size.
LIMIT = 4000 * torch.finfo(torch.float64).eps

Pair = tuple[torch.nn.Module, torch.nn.Module]
Check = Callable[[Pair, list[Any]], None]


def close(found: Any, truth: Any) -> None:
    for one, two in zip(tree_leaves(found), tree_leaves(truth), strict=True):
        size = max(1.0, float(two.detach().abs().max()))
        torch.testing.assert_close(one, two, rtol=0, atol=LIMIT * size)


def outputs(module: torch.nn.Module, arguments: list[Any]) -> list[Tensor]:
    return [t for t in tree_leaves(module(*arguments)) if isinstance(t, Tensor)]


def leaves(module: torch.nn.Module, arguments: list[Any]) -> list[Tensor]:
    return [*tree_leaves(arguments), *module.parameters()]


def weighted(tensors: list[Tensor]) -> Tensor:
    torch.manual_seed(5)
    return sum(((t * torch.randn_like(t)).sum() for t in tensors), torch.zeros((), dtype=tensors[0].dtype))


def derivatives(module: torch.nn.Module, arguments: list[Any]) -> list[Tensor]:
    """The results, the gradients, and the gradients of a weighted sum of the gradients."""
    results, given = outputs(module, arguments), leaves(module, arguments)
    first = torch.autograd.grad(weighted([r.square() for r in results]), given, create_graph=True)
    second = torch.autograd.grad(weighted(list(first)), given, allow_unused=True)
    return [*results, *first, *(torch.zeros(()) if g is None else g for g in second)]


def results_and_derivatives(pair: Pair, arguments: list[Any]) -> None:
    close(*(derivatives(module, arguments) for module in pair))


def other_strides(pair: Pair, arguments: list[Any]) -> None:
    """Of inputs, states and parameters: every second number of twice as many."""

    def apart(tensor: Tensor) -> Tensor:
        return torch.stack([tensor, tensor], -1).detach()[..., 0].requires_grad_()

    truth = derivatives(pair[1], arguments)
    for parameter in pair[0].parameters():
        parameter.data = apart(parameter)
    found = derivatives(pair[0], torch.utils._pytree.tree_map(apart, arguments))
    close(found, truth)


def copies(pair: Pair, arguments: list[Any]) -> None:
    """Pickled, deeply copied, and through the dictionary of the state of either."""
    ours, theirs = pair
    file = io.BytesIO()
    torch.save(theirs.state_dict(), file)
    file.seek(0)
    again = copy.deepcopy(ours)
    for parameter in again.parameters():
        parameter.data.zero_()
    again.load_state_dict(torch.load(file, weights_only=True))
    for module in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours), again):
        close(outputs(module, arguments), outputs(theirs, arguments))
    assert list(ours.state_dict()) == list(theirs.state_dict())


def in_place(pair: Pair, arguments: list[Any]) -> None:
    """Nothing that came in is changed."""
    before = [t._version for t in leaves(pair[0], arguments)]
    outputs(pair[0], arguments)
    assert before == [t._version for t in leaves(pair[0], arguments)]


def without_numbers(pair: Pair, arguments: list[Any]) -> None:
    """On the device meta, and back from there."""
    ours, theirs = (module.to("meta") for module in pair)
    moved = torch.utils._pytree.tree_map(lambda t: t.to("meta"), arguments)
    shapes = [[(t.shape, t.dtype, t.device) for t in outputs(module, moved)] for module in (ours, theirs)]
    assert shapes[0] == shapes[1]
    empty = ours.to_empty(device="cpu")
    assert all(p.device.type == "cpu" for p in empty.parameters())


def printed(pair: Pair, arguments: list[Any]) -> None:
    """As torch prints itself, which leaves the nonlinearity of a stack out."""
    ours, theirs = map(repr, pair)
    assert ours.replace(", nonlinearity=relu", "") == theirs.replace(", nonlinearity=relu", "")


def formats(pair: Pair, arguments: list[Any]) -> None:
    """Memory formats are for other modules; dtypes change all parameters."""
    for module in pair:
        module.to(memory_format=torch.preserve_format)
    close(*(outputs(module, arguments) for module in pair))
    single = [module.float() for module in pair]
    narrow = torch.utils._pytree.tree_map(Tensor.float, arguments)
    for one, two in zip(*(outputs(module, narrow) for module in single), strict=True):
        assert one.dtype == two.dtype == torch.float32
        torch.testing.assert_close(one, two)


CHECKS: list[Check] = [
    results_and_derivatives,
    other_strides,
    copies,
    in_place,
    without_numbers,
    printed,
    formats,
]


def pairs(name: str, training: bool) -> list[tuple[Pair, list[Any]]]:
    torch.manual_seed(0)
    found = []
    for (args, kwargs), call, call_by_name in samples(name, training, torch.float64):
        theirs = getattr(torch.nn, name)(*args, **kwargs, dtype=torch.float64).train(training)
        ours = getattr(nn, name)(*args, **kwargs, dtype=torch.float64).train(training)
        ours.load_state_dict(theirs.state_dict())
        found.append(((ours, theirs), [*call, *call_by_name.values()]))
    assert found
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_samples_of_torch(name: str, check: Check) -> None:
    # None of these samples has dropout: what holds of one mode holds of the other.
    for training in (True, False) if check is in_place else [True]:
        for pair, arguments in pairs(name, training):
            check(pair, arguments)


@pytest.mark.parametrize("name", NAMES)
def test_errors_of_torch(name: str) -> None:
    """Each is refused, with the type that torch raises: what torch finds at a call, ours may find before."""
    found = list(errors(name))
    assert found
    for sample, kind in found:
        how, call = sample.constructor_input, sample.forward_input
        with pytest.raises(InputError) as caught:
            module = getattr(nn, name)(*how.args, **how.kwargs)
            module(*call.args, **call.kwargs)
        assert isinstance(caught.value, kind), (str(caught.value), kind)
