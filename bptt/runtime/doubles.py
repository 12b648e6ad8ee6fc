"""float64 where a device has it, else on the CPU."""

from __future__ import annotations

from torch import Tensor

# The types of devices without float64: Metal has none.
WITHOUT = frozenset({"mps"})


def doubles(tensor: Tensor) -> Tensor:
    """Convert to float64, on the CPU if the tensor's device has none."""
    return (tensor.cpu() if tensor.device.type in WITHOUT else tensor).double()
