"""Random tensors for a cell; its sizes all differ, so that no dimension can be taken for another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

from bptt.cells import Cell
from bptt.runtime.operators import recurrence

T, B = 5, 3
SIZES: Mapping[str, int] = {"I": 4, "H": 6, "P": 2}


@dataclass(frozen=True)
class Drawn:
    """A cell with the tensors of its arguments, in the order of `recurrence`."""

    cell: Cell
    tensors: tuple[Tensor, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return ("x", *self.cell.states, *(f.name for f in self.cell.families))

    def named(self) -> dict[str, Tensor]:
        return dict(zip(self.names, self.tensors, strict=True))

    def by_gate(self) -> dict[str, dict[str, NDArray[Any]]]:
        """The stacked parameters taken apart: family, then the gate's letter, in the rows' declared order."""
        stacks = self.named()
        return {
            family.name: {
                member.removeprefix(f"{family.name}_"): part.numpy()
                for member, part in zip(
                    family.members, stacks[family.name].chunk(len(family.members)), strict=True
                )
            }
            for family in self.cell.families
        }

    def run(
        self, *tensors: Tensor, lengths: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, ...]:
        """The recurrence of these tensors, or of others in their place."""
        x, *rest = tensors or self.tensors
        count = len(self.cell.states)
        return recurrence(self.cell, x, rest[:count], rest[count:], lengths=lengths, reverse=reverse)

    def tangent(
        self, moves: Sequence[Tensor], lengths: Tensor | None = None, reverse: bool = False
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Values, and how they change with the tensors: leaves, or torch would trace them by itself."""
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(t, m) for t, m in zip(self.leaves().tensors, moves, strict=True)]
            pairs = [forward_ad.unpack_dual(v) for v in self.run(*duals, lengths=lengths, reverse=reverse)]
        return tuple(p.primal.detach() for p in pairs), tuple(p.tangent.detach() for p in pairs)

    def leaves(self) -> Drawn:
        """The same numbers as leaves of a graph."""
        return replace(self, tensors=tuple(t.detach().clone().requires_grad_() for t in self.tensors))


def draw(
    cell: Cell,
    steps: int = T,
    batch: int = B,
    sizes: Mapping[str, int] = SIZES,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Drawn:
    """x and states normal, parameters uniform within ±1/√H as at the start of a training."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    def uniform(shape: Sequence[int]) -> Tensor:
        numbers = torch.rand(tuple(shape), generator=generator, dtype=torch.float64)
        return ((2 * numbers - 1) * sizes["H"] ** -0.5).to(dtype)

    x = normal(steps, batch, sizes[cell.width(cell.inputs[0])])
    states = [normal(batch, sizes[cell.width(state)]) for state in cell.states]
    return Drawn(cell, (x, *states, *(uniform(family.shape(sizes)) for family in cell.families)))
