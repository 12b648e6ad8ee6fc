"""Where a model and its batches are: on which device, and in which of several processes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from typing import TypeVar

import torch
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.options.checks import shown

TYPES = ("cpu", "cuda", "mps")
# Metal has no float64.
WITHOUT_FLOAT64 = frozenset({"mps"})

_WHERE = "device"
_CPU = torch.device("cpu")

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Placement:
    """A device, and the number `rank` of this process among `world_size` that share the work.

    The model is moved once, by `place`; each batch follows it to `device_of(model)`. Raises InputError for a
    device that this machine lacks, or a rank outside the number of processes.
    """

    device: torch.device = _CPU
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.device, torch.device):
            cure = f"Give Placement.parse({self.device!r})" if isinstance(self.device, str) else ""
            raise InputError(_WHERE, "is a torch.device", shown(self.device), cure)
        for name, number in (("rank", self.rank), ("world_size", self.world_size)):
            if isinstance(number, bool) or not isinstance(number, Integral):
                raise InputError(name, "is a whole number", shown(number))
        if self.world_size < 1 or not 0 <= self.rank < self.world_size:
            got = f"rank {self.rank} of {self.world_size}"
            raise InputError("placement", "rank is from 0 to world_size - 1", got, "Count ranks from 0")
        _check(self.device)

    @classmethod
    def parse(cls, text: str) -> Placement:
        """Return the placement on a device: cpu, cuda, cuda:1 or mps. Raises InputError if there is none."""
        if not isinstance(text, str):
            raise InputError(_WHERE, "is a text, such as cpu or cuda:1", shown(text))
        name, colon, number = text.partition(":")
        digits = number.isascii() and number.isdigit() and len(number) < 4
        if name not in TYPES or (colon and not digits):
            rule = f"expected {', '.join(TYPES)}, or one of several by its number, such as cuda:1"
            raise InputError(_WHERE, rule, repr(text))
        return cls(torch.device(name, int(number)) if colon and name != "cpu" else torch.device(name))

    @classmethod
    def of(cls, given: Placement | torch.device | str) -> Placement:
        """Return a placement itself, or that on a device. Raises InputError for anything else."""
        if isinstance(given, Placement):
            return given
        return cls(given) if isinstance(given, torch.device) else cls.parse(given)

    def place(self, model: Model) -> Model:
        """Move a model to the device, itself; return it.

        Tensors in float64 stay where they are if the device has no such numbers.
        """
        if self.device.type in WITHOUT_FLOAT64:
            return model._apply(self._moved)  # type: ignore[no-any-return,no-untyped-call]
        return model.to(self.device)

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor if tensor.dtype == torch.float64 else tensor.to(self.device)


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model, by its first parameter."""
    return next(model.parameters()).device


def _check(device: torch.device) -> None:
    """Raise InputError if this machine lacks the device."""
    count = {"cuda": torch.cuda.device_count, "mps": torch.mps.device_count}.get(device.type)
    if count is None:
        return
    if device.type == "cuda":
        # Read when cuBLAS begins: it then adds up in one order, so that a run can be repeated.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    found, cure = count(), "Use cpu"
    if not found:
        rule = f"{device.type} needs such a device, and a build of torch for it"
        raise InputError(_WHERE, rule, f"{device} on a machine with none that torch can use", cure)
    if device.index is not None and device.index >= found:
        last = f"{device.type}:{found - 1}"
        rule = f"the last {device.type} device of this machine is {last}"
        raise InputError(_WHERE, rule, str(device), f"Use a number up to {found - 1}")
