"""A plan together with the tensors that it runs on.

Shapes: x (T, B, I); an initial state (B, H); a parameter as `Family.shape` defines. `valid` (T, B, 1) marks
the steps within each sequence's length; at the others a state keeps its value and gradients are zero. With
`restarts` (T, B, 1), which marks steps before which a row starts anew, an initial state is (2 B, H): those
before the first step, then those from which rows start anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bptt.codegen.layout import Rows
from bptt.codegen.plan import KernelPlan
from bptt.errors import InternalError
from bptt.runtime.narrow import full_width
from bptt.runtime.reference.padding import mask_padding


@dataclass(frozen=True, eq=False)
class Problem:
    """A plan with the tensors it runs on; parameters are stacked by family."""

    plan: KernelPlan
    x: Tensor
    initial: tuple[Tensor, ...]
    parameters: tuple[Tensor, ...]
    valid: Tensor | None
    reverse: bool
    restarts: Tensor | None = None

    @property
    def order(self) -> list[int]:
        """The time steps in the order in which they are computed."""
        steps = list(range(self.x.shape[0]))
        return steps[::-1] if self.reverse else steps

    @cached_property
    def first(self) -> dict[str, Tensor]:
        """The states before the first step, (B, ·)."""
        batch = self.x.shape[1]
        return {s: v[:batch] for s, v in zip(self.plan.cell.states, self.initial, strict=True)}

    @cached_property
    def restart(self) -> dict[str, Tensor]:
        """The states that a row starts anew from, (B, ·)."""
        batch = self.x.shape[1]
        return {s: v[batch:] for s, v in zip(self.plan.cell.states, self.initial, strict=True)}

    @cached_property
    def stacks(self) -> dict[str, Tensor]:
        """The parameters by the name of their family."""
        names = [family.name for family in self.plan.cell.families]
        return dict(zip(names, self.parameters, strict=True))

    @cached_property
    def fixed(self) -> dict[str, Any]:
        """Values that are constant over time: vector parameters, constants, sizes by letter."""
        cell = self.plan.cell
        values: dict[str, Any] = {**cell.constants, "1": 1, cell.width(cell.inputs[0]): self.x.shape[-1]}
        values.update({cell.width(s): v.shape[-1] for s, v in zip(cell.states, self.initial, strict=True)})
        for family in cell.families:
            parts = self.stacks[family.name].chunk(len(family.members))
            values[family.rows] = parts[0].shape[0]
            if family.columns is None:
                values.update(zip(family.members, parts, strict=True))
        return values

    def spread(self, value: Tensor | float, width: str, *leading: int) -> Tensor:
        """Expand `value`, which may be a number, a parameter or a row value, to (*leading, width)."""
        shape = (*leading, self.fixed[width])
        if isinstance(value, Tensor):
            return value if value.shape == shape else value.to(self.x).expand(shape)
        return self.x.new_full(shape, value)

    def rows(self, rows: Rows) -> Tensor:
        """Return adjacent members of a stacked matrix, (Σ rows, columns)."""
        family = next(f for f in self.plan.cell.families if f.name == rows.family)
        size = self.stacks[rows.family].shape[0] // len(family.members)
        return self.stacks[rows.family][rows.first * size : (rows.first + rows.count) * size]

    def matrices(self, names: Sequence[str]) -> Tensor | None:
        """Return the named matrices as one, (Σ rows, columns), if adjacent in a family; else None."""
        for family in self.plan.cell.families:
            if names and names[0] in family.members:
                first = family.members.index(names[0])
                if family.members[first : first + len(names)] == tuple(names):
                    return self.rows(Rows(family.name, first, len(names)))
        return None

    def matrix(self, name: str) -> Tensor:
        """Return one member of a stacked matrix, (rows, columns)."""
        found = self.matrices((name,))
        if found is None:
            raise InternalError("runtime.reference", "every matrix has a family", name)
        return found

    def select(self, t: int, inside: Tensor, outside: Tensor) -> Tensor:
        """Return `inside` for rows where step t is valid, else `outside`.

        Selected, not multiplied by a mask: NaN must not leak from the padding.
        """
        return inside if self.valid is None else torch.where(self.valid[t], inside, outside)

    def before(self, state: str, after: Tensor) -> Tensor:
        """Return the state before each step, given that after each, (T, B, ·)."""
        first = self.first[state][None]
        found = torch.cat([after[1:], first] if self.reverse else [first, after[:-1]])
        return found if self.restarts is None else torch.where(self.restarts, self.restart[state], found)

    def started(self, t: int, states: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the states that step t starts from, given those after the step before."""
        if self.restarts is None:
            return states
        return {s: torch.where(self.restarts[t], self.restart[s], value) for s, value in states.items()}


def problem_of(
    plan: KernelPlan,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    restarts: Tensor | None = None,
) -> Problem:
    """Return the problem of (x, *initial, *parameters), with finite numbers in the padding of x.

    `lengths` is (B,), or None if no row has padding; `restarts` is (T, B), or None if no row starts anew.
    """
    x, valid = mask_padding(tensors[0], lengths)
    count = 1 + len(plan.cell.states)
    parameters = full_width(tensors[count:], x.dtype)
    masked = None if restarts is None else restarts.to(x.device)[:, :, None]
    return Problem(plan, x, tuple(tensors[1:count]), parameters, valid, reverse, masked)
