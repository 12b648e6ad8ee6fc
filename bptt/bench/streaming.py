"""One step at a time: one row in, its states out, as text is sampled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from bptt.bench.cases import Case
from bptt.bench.comparison import Entrants
from bptt.bench.contender import Contender
from bptt.bench.names import OURS
from bptt.nn import from_torch

# The input of a step and the states before it to the states after it.
States = Tensor | tuple[Tensor, ...]
Step = Callable[[Tensor, States], States]

_THEIRS = {"lstm": nn.LSTMCell, "gru-torch": nn.GRUCell, "elman-tanh": nn.RNNCell}
_STEPS_CHECKED = 5


def own_step(theirs: nn.Module) -> Step:
    """The step as `bptt sample` takes it, with the parameters of torch's module."""
    step: Step = from_torch(theirs)
    return step


class StreamingStep(Contender):
    """A step without gradients; its states go into the next one."""

    def __init__(self, name: str, step: Step, x: Tensor, start: States) -> None:
        self.name, self._step, self._x, self._start = name, step, x, start
        self._states = start

    def step(self) -> None:
        """One step onwards."""
        with torch.no_grad():
            self._states = self._step(self._x, self._states)

    def numbers(self) -> Mapping[str, Tensor]:
        """The states after a few steps from the start."""
        self._states = self._start
        for _ in range(_STEPS_CHECKED):
            self.step()
        states = (self._states,) if isinstance(self._states, Tensor) else self._states
        return {f"state {index}": state for index, state in enumerate(states)}


def entrants(case: Case) -> Entrants:
    """Our step and that of torch."""
    torch.manual_seed(0)
    _, batch, inputs, hidden = case.shape
    theirs, x = _THEIRS[case.name](inputs, hidden), torch.randn(batch, inputs)
    zero = torch.zeros(batch, hidden)
    start = (zero, zero) if case.name == "lstm" else zero
    ours = StreamingStep(OURS, own_step(theirs), x, start)
    name = f"torch.nn.{type(theirs).__name__}"
    return Entrants(ours, {name: lambda: StreamingStep(name, theirs, x, start)})
