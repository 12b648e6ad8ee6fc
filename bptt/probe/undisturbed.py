"""A model that is looked at stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate inside, in evaluation mode; every module's mode and the random states are restored
    afterwards.
    """
    modes = [(module, module.training) for module in model.modules()]
    devices = {p.device.index for p in model.parameters() if p.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices)):
        model.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training
