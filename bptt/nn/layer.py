"""One layer in one direction: a cell with sizes, run over a sequence with a module's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.deferred import deferred
from bptt.errors import WrongTypeError
from bptt.nn.parameters import Names, fill, register
from bptt.runtime.operators import Sequences, Storage, run

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.runtime.norms import Observer

_values = deferred("bptt.runtime.values", "values")


@dataclass(frozen=True)
class Layer:
    """A cell with the sizes of its letters, and the names of its parameters in a module.

    The module owns the tensors; the layer looks them up at every call, so that parametrisations,
    `functional_call` and a parameter put in place of another just work.
    """

    cell: Cell
    sizes: Mapping[str, int]
    names: Names
    suffix: str = ""
    reverse: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        """The width of each state."""
        return tuple(self.sizes[self.cell.width(state)] for state in self.cell.states)

    @property
    def output_size(self) -> int:
        """The width of the output."""
        return self.sizes[self.cell.width(self.cell.output)]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names in the module, in the order of registration."""
        return tuple(name + self.suffix for parts in self.names.values() for name in parts)

    @property
    def part_names(self) -> tuple[tuple[str, ...], ...]:
        """The names in the module of the parameters whose sum each family of the cell is."""
        return tuple(
            tuple(name + self.suffix for name in self.names[family.name]) for family in self.cell.families
        )

    def register(self, module: nn.Module, device: Device, dtype: torch.dtype | None) -> None:
        """Give the module the parameters of this layer, unfilled."""
        shapes = {family.name: family.shape(self.sizes) for family in self.cell.families}
        for family, parts in self.names.items():
            for name in parts:
                register(module, name + self.suffix, shapes[family], device, dtype)

    def reset(self, module: nn.Module) -> None:
        """Fill them in order of registration, so that a seed gives the numbers of torch."""
        for family, parts in self.names.items():
            for name in parts:
                parameter = getattr(module, name + self.suffix)
                fill(parameter, self.cell.init.get(family), self.sizes["H"])

    def families(self, module: nn.Module) -> tuple[Tensor, ...]:
        """Return one tensor per family of the cell."""
        return tuple([reduce(torch.add, parts) for parts in self.parts(module)])

    def parts(self, module: nn.Module) -> list[list[Tensor]]:
        """Return for each family of the cell the parameters whose sum it is."""
        names = [self.names[family.name] for family in self.cell.families]
        return [[_tensor(module, name + self.suffix) for name in parts] for parts in names]

    def members(self, module: nn.Module) -> dict[str, Tensor]:
        """Return the parameters of the equations by name: the rows of the families that belong to each."""
        families = zip(self.cell.families, self.families(module), strict=True)
        return {
            name: rows
            for family, stacked in families
            for name, rows in zip(family.members, stacked.chunk(len(family.members)), strict=True)
        }

    def run(
        self,
        module: nn.Module,
        x: Tensor,
        initial: tuple[Tensor, ...],
        lengths: Tensor | None = None,
        all_states: bool = False,
        storage: Storage = "keep",
        observer: Observer | None = None,
        resets: Tensor | None = None,
        restart: tuple[Tensor, ...] = (),
    ) -> Sequences:
        """Run all steps of x (T, B, I), from one (B, width) tensor per state: see `operators.run`."""
        return run(
            self.cell,
            x,
            initial,
            self.families(module),
            lengths=lengths,
            reverse=self.reverse,
            all_states=all_states,
            storage=storage,
            observer=observer,
            resets=resets,
            restart=restart,
        )

    def values(
        self,
        module: nn.Module,
        x: Tensor,
        initial: tuple[Tensor, ...],
        names: Sequence[str],
        lengths: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return named values of all steps of x (T, B, I): see `bptt.runtime.values.values`."""
        parameters = self.families(module)
        found: dict[str, Tensor] = _values(
            self.cell, x, initial, parameters, names, lengths=lengths, reverse=self.reverse
        )
        return found


def _tensor(module: nn.Module, name: str) -> Tensor:
    found: Tensor | None = getattr(module, name)
    if found is None:
        raise WrongTypeError(name, "is a tensor", "None", "For no biases: bias=False")
    return found
