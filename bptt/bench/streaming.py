"""One step at a time: one row in, its states out, as text is sampled."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bptt.bench.case_measurement import Entrants
from bptt.bench.cases import Case
from bptt.bench.contender import Contender
from bptt.bench.contender_names import BF16, INT8, OURS
from bptt.nn import Stepper, from_torch
from bptt.runtime.narrow import WeightFormat

_THEIRS = {"lstm": nn.LSTMCell, "gru-torch": nn.GRUCell, "elman-tanh": nn.RNNCell}
_STEPS_CHECKED = 5


class OurCell(Contender):
    """A step as `bptt sample` takes it, with the parameters of torch's module."""

    def __init__(
        self, theirs: nn.RNNCellBase, x: Tensor, name: str = OURS, weights: WeightFormat = "float32"
    ) -> None:
        self.name = name
        self._stepper, self._x = Stepper(from_torch(theirs), len(x), weights=weights), x

    def step(self) -> Tensor:
        """Take one step, and return the output."""
        return self._stepper.step(self._x)

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the state h after a few steps from the start."""
        self._stepper.reset()
        return {"h": [self.step() for _ in range(_STEPS_CHECKED)][-1]}


class TorchCell(Contender):
    """A step of torch's module without gradients; its states go into the next one."""

    def __init__(self, name: str, theirs: nn.Module, x: Tensor) -> None:
        self.name, self._theirs, self._x = name, theirs, x
        self._states: Tensor | tuple[Tensor, ...] | None = None

    def step(self) -> None:
        """Take one step."""
        with torch.no_grad():
            self._states = self._theirs(self._x, self._states)

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the state h after a few steps from the start."""
        self._states = None
        for _ in range(_STEPS_CHECKED):
            self.step()
        assert self._states is not None
        return {"h": self._states if isinstance(self._states, Tensor) else self._states[0]}


def entrants(case: Case) -> Entrants:
    """Return our step and that of torch."""
    torch.manual_seed(0)
    _, batch, inputs, hidden = case.shape
    theirs, x = _THEIRS[case.name](inputs, hidden), torch.randn(batch, inputs)
    name = f"torch.nn.{type(theirs).__name__}"
    formats: dict[str, WeightFormat] = {BF16: "bf16", INT8: "int8"} if case.name == "lstm" else {}
    narrow = [OurCell(theirs, x, ours, weights) for ours, weights in formats.items()]
    return Entrants(OurCell(theirs, x), {name: lambda: TorchCell(name, theirs, x)}, companions=narrow)
