"""Watching a training with checkpoints: they run parts of a model again, and nothing of it is disturbed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from bptt import nn
from bptt.probe import watch

STEPS, BATCH, INPUTS, HIDDEN = 8, 5, 3, 4
Read = Callable[[torch.nn.Module, Tensor], Tensor]


def directly(module: torch.nn.Module, x: Tensor) -> Tensor:
    return module(x)[0]


def packed(module: torch.nn.Module, x: Tensor) -> Tensor:
    """Of rows that are not sorted."""
    lengths = torch.tensor([3, STEPS, 5, STEPS, 2])
    given: PackedSequence = pack_padded_sequence(x, lengths, enforce_sorted=False)
    return module(given)[0].data


def from_states(module: torch.nn.Module, x: Tensor) -> Tensor:
    return module(x[1:], x[:1].repeat(1, 1, 2)[..., :HIDDEN].contiguous())[0]


class Held(torch.nn.Module):
    """A layer that the model reads through, within a checkpoint of its own if `reentrant` says which."""

    def __init__(self, layer: torch.nn.Module, read: Read, reentrant: bool | None) -> None:
        super().__init__()
        self.layer, self.read, self.reentrant = layer, read, reentrant

    def forward(self, x: Tensor) -> Tensor:
        return checkpointed(lambda v: self.read(self.layer, v), x, self.reentrant)


def checkpointed(read: Callable[[Tensor], Tensor], x: Tensor, reentrant: bool | None) -> Tensor:
    return read(x) if reentrant is None else checkpoint(read, x, use_reentrant=reentrant)


@pytest.mark.parametrize("kind", [torch.nn.GRU, nn.GRU])
@pytest.mark.parametrize("read", [directly, packed, from_states])
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_a_checkpoint_goes_on_and_is_looked_into(
    kind: type[torch.nn.Module], read: Read, reentrant: bool, whole: bool
) -> None:
    """Around the model or a layer in it, three updates: what is seen is what is seen without checkpoints."""
    torch.manual_seed(10)
    layer = kind(INPUTS, HIDDEN)
    x = [torch.randn(STEPS, BATCH, INPUTS).requires_grad_() for _ in range(3)]
    seen, gradients = [], []
    for way in (None, reentrant):
        layer.zero_grad()
        model = Held(layer, read, None if whole else way)
        with watch(model, every=1) as watched:
            for each in x:
                checkpointed(model, each, way if whole else None).square().sum().backward()
        seen.append(watched.records)
        gradients.append(layer.weight_hh_l0.grad)
    assert len(seen[0]) == 3 and seen[0] == seen[1]
    assert torch.equal(*gradients)


@pytest.mark.parametrize("kind", [torch.nn.GRU, torch.nn.LSTM, torch.nn.RNN, nn.GRU])
def test_a_layer_that_is_the_whole_model(kind: type[torch.nn.Module]) -> None:
    layer = kind(INPUTS, HIDDEN)
    with watch(layer, every=2) as watched:
        for _ in range(4):
            x = torch.randn(STEPS, BATCH, INPUTS).requires_grad_()
            checkpoint(lambda v: layer(v)[0], x, use_reentrant=False).sum().backward()
    assert [record.step for record in watched.records] == [2, 4]
