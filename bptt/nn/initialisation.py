"""Other first values than torch's for what carries a state on: remedies against a gradient that vanishes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from bptt.cells.carried import forget_gates, recurrent_matrices
from bptt.errors import InputError
from bptt.nn.base import CellModule
from bptt.nn.layer import Layer
from bptt.nn.parameters import BIASES

RecurrentInit = Literal["default", "orthogonal", "identity"]


@torch.no_grad()
def init_recurrent(module: CellModule, kind: RecurrentInit, scale: float = 1.0) -> None:
    """Fill the recurrent matrix of each gate and layer of a stack or a step anew.

    "orthogonal" draws it evenly from all orthogonal matrices (Saxe et al. 2014); "identity" is the unit
    matrix, and sets the biases to zero (Le, Jaitly & Hinton 2015). Either is multiplied by `scale`, which
    is then its spectral radius; "default" leaves it as it is. Layers of cells without such a matrix are left
    as they are. torch's generator is left where it was, so that what is drawn next is the same with every
    kind. Raises InputError if no layer has such a matrix.
    """
    if kind not in get_args(RecurrentInit):
        rule = f"recurrent matrices begin as one of {', '.join(get_args(RecurrentInit))}"
        raise InputError(module.where, rule, repr(kind))
    having = [layer for layer in module.layers if recurrent_matrices(layer.cell)]
    if kind != "default" and not having:
        rule = f"to begin as {kind} needs a cell with a recurrent matrix"
        raise InputError(module.where, rule, module.cell_name)
    with torch.random.fork_rng(devices=[]):
        for layer in having:
            matrices = recurrent_matrices(layer.cell)
            if kind == "orthogonal":
                for block in _of_members(module, layer, matrices):
                    nn.init.orthogonal_(block, scale)
            elif kind == "identity":
                for block in _of_members(module, layer, matrices):
                    nn.init.eye_(block).mul_(scale)
                for bias in _of_families(module, layer, BIASES):
                    nn.init.zeros_(bias)


@torch.no_grad()
def init_forget_bias(module: CellModule, value: float) -> None:
    """Set the biases of the forget gates, so that a state is kept for longer from the start on.

    The share of the state that is kept from one step to the next is then sigmoid(`value`), apart from what
    the weights add; a gate that lets go of it where it is open, as that of the minimal gated unit, gets
    the negative. Source: Gers et al. 2000, Jozefowicz et al. 2015. Layers of
    cells without a forget gate stay. Raises InputError if no layer has one, or one lacks its bias.
    """
    having = [layer for layer in module.layers if forget_gates(layer.cell)]
    if not having:
        rule = "a forget bias needs a cell with a forget gate, a sigmoid that multiplies its last state"
        raise InputError(module.where, rule, module.cell_name)
    for layer in having:
        for gate, sign in forget_gates(layer.cell).items():
            if f"b_{gate}" not in layer.cell.vectors:
                rule = f"a forget bias needs a cell with the bias b_{gate}"
                raise InputError(module.where, rule, f"{layer.cell.name} without it")
            # torch splits a bias into two, of which the sum counts.
            first, *others = _of_members(module, layer, (f"b_{gate}", f"d_{gate}"))
            first.fill_(sign * value)
            for other in others:
                other.zero_()


def _of_families(module: nn.Module, layer: Layer, families: tuple[str, ...]) -> Iterator[Tensor]:
    """Yield the parameters of these families that there are."""
    for family, parts in layer.names.items():
        if family in families:
            for part in parts:
                yield getattr(module, part + layer.suffix)


def _of_members(module: nn.Module, layer: Layer, members: tuple[str, ...]) -> Iterator[Tensor]:
    """Yield the rows that belong to each of these members, in each parameter that has them."""
    for family in layer.cell.families:
        rows = layer.sizes[family.rows]
        for parameter in _of_families(module, layer, (family.name,)):
            for k, member in enumerate(family.members):
                if member in members:
                    yield parameter[k * rows : (k + 1) * rows]
