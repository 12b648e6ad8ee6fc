"""A new run that begins with the weights of a trained one: tensors by name, rows by what they stand for."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from bptt.errors import InputError

T = TypeVar("T", covariant=True)

# For a tensor by its name what numbers each of its first axes, such as the tokens of an embedding.
Rows = Mapping[str, tuple[Sequence[Hashable], ...]]

_SIZES = "Leave out the options of the model: they are those of that run then"


@dataclass(frozen=True)
class Origin(Generic[T]):
    """The `trained` model of the run `name`; its vocabulary grows by what new data hold, or is kept."""

    name: str
    trained: T
    grow: bool = True


def refuse_vectors(origin: Origin[T] | None, vectors: Path | None) -> None:
    """Raise InputError if an embedding is to begin with vectors of a file and with the weights of a run."""
    if origin and vectors:
        cure = "Leave one of them out"
        raise InputError("vectors", "are for a run that begins anew", "one that takes weights", cure)


@torch.no_grad()
def take_weights(model: nn.Module, rows: Rows, origin: nn.Module, origin_rows: Rows, name: str) -> list[str]:
    """Put the weights of `origin` into `model`, and say what was taken, what is new, and what was left.

    Tensors have the same name in both; where `rows` says what an axis is numbered by, equal numbers need not
    mean the same, and the entries that both have are taken. Raises InputError with the run's name if another
    tensor has another shape.
    """
    there, lines = _weights(origin), []
    whole, fresh = 0, []
    for tensor_name, tensor in _weights(model).items():
        if tensor_name not in there or (tensor_name in rows) != (tensor_name in origin_rows):
            fresh.append(tensor_name)
        elif rows.get(tensor_name) == origin_rows.get(tensor_name):
            _check_shape(name, tensor_name, tensor, there[tensor_name])
            tensor.copy_(there[tensor_name])
            whole += 1
        else:
            keys, origin_keys = rows[tensor_name], origin_rows[tensor_name]
            _check_shape(name, tensor_name, tensor[(0,) * len(keys)], there[tensor_name][(0,) * len(keys)])
            _take_entries(tensor, keys, there[tensor_name], origin_keys)
            common = len(set(keys[0]) & set(origin_keys[0]))
            lines.append(f"{tensor_name}: {common:,} of {len(keys[0]):,} rows taken, the others are new")
    left = sorted(there.keys() - _weights(model).keys())
    return [
        f"weights of {name}: {whole} of {len(_weights(model))} tensors taken whole",
        *lines,
        *([f"new: {', '.join(fresh)}"] if fresh else []),
        *([f"left out: {', '.join(left)}"] if left else []),
    ]


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Yield parameters and buffers of numbers; booleans belong to the labels of a model."""
    return {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}


def _check_shape(run: str, name: str, here: Tensor, there: Tensor) -> None:
    if here.shape != there.shape:
        rule = f"{name} must be {tuple(here.shape)} to begin from it"
        raise InputError(run, rule, f"{tuple(there.shape)}", _SIZES)


def _take_entries(
    tensor: Tensor,
    keys: tuple[Sequence[Hashable], ...],
    origin: Tensor,
    origin_keys: tuple[Sequence[Hashable], ...],
) -> None:
    """Copy the entries whose places along all numbered axes stand for the same in both."""
    pairs = [tuple(_common(*both)) for both in zip(keys, origin_keys, strict=True)]
    if not all(pairs):
        return
    here, there = (
        torch.meshgrid(*[torch.tensor([p[side] for p in each]) for each in pairs], indexing="ij")
        for side in (0, 1)
    )
    tensor[tuple(here)] = origin[tuple(there)].to(tensor)


def _common(keys: Sequence[Hashable], origin_keys: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    places = {key: place for place, key in enumerate(origin_keys)}
    return ((place, places[key]) for place, key in enumerate(keys) if key in places)
