"""Packed weights are those of the parameters as they are now, packed no more often than these change."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import vector_to_parameters

from bptt.nn import LSTM
from bptt.runtime import packing
from bptt.runtime.backend import backend
from bptt.runtime.kernels.library import Library

X = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))


def layer() -> LSTM:
    torch.manual_seed(1)
    return LSTM(4, 6)


def infer(module: LSTM, by: str = "cpu") -> Tensor:
    with backend(by), torch.no_grad():
        return module(X)[0]


def up_to_date(module: LSTM) -> bool:
    """Whether kernels compute with the weights that there are: changes are far larger than 1e-5."""
    return torch.allclose(infer(module), infer(module, "reference"), rtol=0, atol=1e-5)


def step(module: LSTM) -> None:
    optimiser = torch.optim.SGD(module.parameters(), lr=1.0)
    module(X)[0].square().sum().backward()
    optimiser.step()


def load(module: LSTM) -> None:
    module.load_state_dict({name: p + 1 for name, p in module.state_dict().items()})


def replace(module: LSTM) -> None:
    module.weight_hh_l0 = nn.Parameter(module.weight_hh_l0.detach() + 1)


def swap_data(module: LSTM) -> None:
    module.weight_hh_l0.data = module.weight_hh_l0.detach() + 1


def exchange(module: LSTM) -> None:
    """The same numbers, their sum too, in another order: unseen by torch."""
    numbers = module.weight_hh_l0.detach().numpy().reshape(-1)
    numbers[[3, 67]] = numbers[[67, 3]]


CHANGES: dict[str, Callable[[LSTM], object]] = {
    "a step of an optimiser": step,
    "in place": lambda m: m.weight_ih_l0.detach().mul_(2),
    "one number through .data": lambda m: m.weight_hh_l0.data.view(-1)[17].add_(1),
    "one number through numpy": lambda m: m.weight_ih_l0.detach().numpy().__setitem__((3, 2), 5.0),
    "numbers exchanged": exchange,
    "a state that is loaded": load,
    "a parameter that is replaced": replace,
    "a parameter's memory that is replaced": swap_data,
    "a vector of all": lambda m: vector_to_parameters(torch.ones(288), m.parameters()),
    "a type and back": lambda m: m.double().float().weight_hh_l0.data.add_(1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change(change: str) -> None:
    module = layer()
    before = infer(module)
    CHANGES[change](module)
    assert up_to_date(module)
    assert not torch.allclose(infer(module), before, rtol=0, atol=1e-3)


def test_a_copy_has_its_own() -> None:
    module = layer()
    before = infer(module)
    other = copy.deepcopy(module)
    assert torch.equal(infer(other), before)
    step(other)
    assert up_to_date(other) and torch.equal(infer(module), before)


def test_two_layers_may_share_a_parameter() -> None:
    """The copy goes by the first of them: neither layer may take what was packed for the other."""
    first, second = layer(), layer()
    second.weight_ih_l0 = first.weight_ih_l0
    with torch.no_grad():
        second.weight_hh_l0.add_(1)
    for _ in range(2):
        assert up_to_date(first) and up_to_date(second)


def test_parameters_that_were_made_in_inference_mode() -> None:
    """They have no version; a change is seen all the same."""
    with torch.inference_mode():
        module = layer()
        assert up_to_date(module)
        module.weight_hh_l0.add_(1)
        assert up_to_date(module)


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Grows with every packing."""
    found: list[str] = []
    call = Library.call

    def counted(self: Library, door: str, arguments: list[int]) -> None:
        if door == "pack":
            found.append(door)
        call(self, door, arguments)

    monkeypatch.setattr(Library, "call", counted)
    yield found


def test_packed_once_as_long_as_nothing_changes(packs: list[str]) -> None:
    module = layer()
    infer(module)
    assert len(packs) == 1
    infer(module)
    infer(module)
    assert len(packs) == 1
    step(module)
    here = len(packs)
    infer(module)
    infer(module)
    assert len(packs) == here + 1


def test_the_copy_goes_with_its_parameter() -> None:
    module = layer()
    gc.collect()
    before = len(packing._entries)
    infer(module)
    assert len(packing._entries) == before + 1
    step(module)
    infer(module)
    assert len(packing._entries) == before + 1
    module.weight_hh_l0 = nn.Parameter(torch.ones(24, 6))
    module.weight_ih_l0 = nn.Parameter(torch.ones(24, 4))
    gc.collect()
    assert len(packing._entries) == before
    infer(module)
    del module
    gc.collect()
    assert len(packing._entries) == before
