"""The parameters of a layer: how a cell's families are named, shaped and first filled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.types import Device

from bptt.cells.cell import Cell
from bptt.errors import InputError, WrongTypeError

# The families that `bias=False` leaves out: the bias, and that of the recurrent side if apart.
BIASES = ("b", "d")

# Family -> the parameters whose sum it is, in the order in which they are registered.
Names = Mapping[str, tuple[str, ...]]


def own_names(cell: Cell) -> Names:
    """Return for every family one parameter of the same name: `W`, `R`, `b`."""
    return {family.name: (family.name,) for family in cell.families}


def torch_names(cell: Cell) -> Names:
    """Return the names of torch. Of its two biases `b` is the sum, unless the cell has `b` and `d`."""
    apart = any(family.name == "d" for family in cell.families)
    both = {"b": ("bias_ih",), "d": ("bias_hh",)} if apart else {"b": ("bias_ih", "bias_hh")}
    names = {"W": ("weight_ih",), "R": ("weight_hh",), **both, "V": ("weight_hr",)}
    present = {family.name for family in cell.families}
    return {family: parts for family, parts in names.items() if family in present}


def plain(value: Any) -> Any:
    """Return a number of numpy as Python's, so that a size may come out of an array; anything else as it
    is.
    """
    scalar = getattr(value, "shape", None) == () and not isinstance(value, torch.Tensor)
    return value.item() if scalar else value


def is_count(value: object) -> bool:
    """Return whether a value is an integer from zero on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def error_of(value: object) -> type[InputError]:
    """Return the error for something that should be a number of another value, or is no whole number at
    all.
    """
    return InputError if isinstance(value, int) and not isinstance(value, bool) else WrongTypeError


def check_counts(where: str, least: int, **values: object) -> None:
    """Raise InputError for an integer below `least`, 0 or 1; WrongTypeError for what is no integer."""
    for name, value in values.items():
        if not is_count(value) or value == 0 < least:
            rule = f"{name} is {'a positive integer' if least else 'an integer from 0 on'}"
            raise error_of(value)(where, rule, repr(value))


def cell_sizes(
    where: str, cell: Cell, input_size: int, hidden_size: int, proj_size: int
) -> Mapping[str, int]:
    """Return the sizes by letter of shapes.LEGEND, checked against those that the cell needs.

    Raises InputError if `proj_size` is no size of a projection, the cell does not agree with it, or it has
    several inputs or other widths than a module has sizes.
    """
    if len(cell.inputs) > 1:
        rule = f"a module reads one input sequence, cell {cell.name!r} several"
        raise InputError(where, rule, " ".join(cell.inputs), "Read parts of one input by matrices: W_h @ x")
    if not is_count(proj_size) or (proj_size and proj_size >= hidden_size):
        rule = f"proj_size is 0 (no projection) or an integer below hidden_size {hidden_size}"
        raise error_of(proj_size)(where, rule, repr(proj_size))
    if (proj_size > 0) != ("P" in cell.letters):
        has, cure = ("no", "Leave it out") if proj_size else ("a", "Give proj_size > 0")
        rule = f"cell {cell.name!r} has {has} projection"
        raise InputError(where, rule, f"proj_size={proj_size}", cure)
    sizes = {"I": input_size, "H": hidden_size, "P": proj_size}
    for letter in cell.letters:
        if letter not in sizes:
            raise InputError(where, f"cell {cell.name!r} has widths I, H or P", repr(letter))
    return sizes


def layer_sizes(
    where: str, cells: Sequence[Cell], input_size: int, hidden_size: int, proj_size: int
) -> Mapping[Cell, Mapping[str, int]]:
    """Return the sizes by letter for each cell; of mixed cells `proj_size` is for those with a projection.

    Raises InputError as `cell_sizes` does, and if `proj_size` is given where no cell has a projection.
    """
    projected = any("P" in cell.letters for cell in cells)
    projections = {cell: 0 if projected and "P" not in cell.letters else proj_size for cell in cells}
    return {
        cell: cell_sizes(where, cell, input_size, hidden_size, size) for cell, size in projections.items()
    }


def register(
    module: nn.Module,
    name: str,
    shape: tuple[int, ...],
    device: Device,
    dtype: torch.dtype | None,
) -> None:
    """Give the module an unfilled parameter. Raises InputError if the name is taken."""
    if hasattr(module, name):
        rule = "a parameter needs a name that the module does not use itself"
        raise InputError(type(module).__name__, rule, repr(name), "Rename the family in the cell")
    module.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))


def fill(parameter: torch.Tensor, constant: float | None, hidden_size: int) -> None:
    """Return the first value: a constant if the cell names one, else uniform within ±1/√H as torch's."""
    if constant is None:
        bound = 1 / math.sqrt(hidden_size) if hidden_size else 0.0
        nn.init.uniform_(parameter, -bound, bound)
    else:
        nn.init.constant_(parameter, constant)
