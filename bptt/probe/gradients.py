"""The gradient through time, measured: how much a loss depends on what was carried k steps before (R6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.probe.undisturbed import undisturbed
from bptt.shapes import check_shape

TENTH = 0.1


@dataclass(frozen=True)
class LagCurve:
    """‖∂E_T/∂s_{T-k}‖ of one state s of one layer: entry k-1 of each tuple belongs to lag k.

    The norm is over the units, the quartiles are over the windows of text. Not the mean: norms that lie
    orders of magnitude apart have the mean of the few largest.
    """

    layer: int
    state: str
    lower_quartile: tuple[float, ...]
    median: tuple[float, ...]
    upper_quartile: tuple[float, ...]

    @property
    def tenth(self) -> int | None:
        """The first lag at which the median is at most a tenth of that at lag 1; None if at no lag."""
        limit = TENTH * self.median[0]
        return next((lag for lag, value in enumerate(self.median, 1) if value <= limit), None)

    @property
    def factor(self) -> float:
        """Decay (below 1) or growth per step: the geometric mean over all lags."""
        first, last = self.median[0], self.median[-1]
        return float((last / first) ** (1 / max(1, len(self.median) - 1))) if first else 0.0

    @property
    def verdict(self) -> str:
        """One line in numbers, as "layer 1 h: down to a tenth at lag 7, ×0.931 a step over 100 lags"."""
        if not self.median[0]:
            return f"layer {self.layer} {self.state}: no gradient"
        reach = f"down to a tenth at lag {self.tenth}" if self.tenth else "never down to a tenth"
        pace = f"×{self.factor:.3g} a step over {len(self.median)} lags"
        return f"layer {self.layer} {self.state}: {reach}, {pace}"


@dataclass(frozen=True)
class GradientByLag:
    """One curve for each layer and state, measured on `windows` stretches of text."""

    windows: int
    curves: tuple[LagCurve, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a run folder: the curves with what follows from them."""
        derived = ("tenth", "factor", "verdict")
        return {
            "windows": self.windows,
            "curves": [
                {**asdict(curve), **{name: getattr(curve, name) for name in derived}} for curve in self.curves
            ],
        }


def gradient_by_lag(
    stack: Stack, inputs: Tensor, loss: Callable[[Tensor], Tensor], lags: int
) -> GradientByLag:
    """Measure ‖∂E_T/∂s_{T-k}‖ for k = 1 ... `lags`, for every layer and state.

    E_T is the loss at the last step. s_t is what the stack carries from step t to step t + 1: E_T is
    seen as a function of all layers' states at that moment, and differentiated by each of them. The
    steps before the last `lags` are read without measuring, so that the states are typical ones.

    Args:
        stack: the recurrent layers, in one direction. Its parameters, their `.grad`, its mode and
            torch's random state are left as they were; dropout is off.
        inputs: (T, B, I), or (B, T, I) with batch_first, T > lags; B windows of text.
        loss: takes the stack's last output (B, width) to the losses (B,).
        lags: the largest k, at least 1.

    Raises:
        InputError: a bidirectional stack, a cell without states, too few steps.

    """
    time = 1 if stack.batch_first else 0
    _check(stack, inputs, lags, inputs.shape[time])
    with undisturbed(stack), torch.enable_grad():
        carried, output = _read(stack, inputs, lags, time)
        flat = torch.autograd.grad(loss(output).sum(), carried)
    names = stack.cell.states
    # One (lags, layers, B, width) for each state, the nearest step first.
    by_state = [torch.stack(flat[i :: len(names)]).flip(0) for i in range(len(names))]
    norms = {name: g.double().norm(dim=-1) for name, g in zip(names, by_state, strict=True)}
    curves = (
        _curve(layer + 1, name, norms[name][:, layer]) for layer in range(stack.num_layers) for name in names
    )
    return GradientByLag(windows=inputs.shape[1 - time], curves=tuple(curves))


def _read(stack: Stack, inputs: Tensor, lags: int, time: int) -> tuple[list[Tensor], Tensor]:
    """What was carried before each of the last steps, state by state, and the last output (B, width)."""
    before, *steps = torch.split(inputs, [inputs.shape[time] - lags, *[1] * lags], dim=time)
    with torch.no_grad():
        final = stack(before)[1]
    history: list[Tensor] = []
    for step in steps:
        states = final if isinstance(final, tuple) else (final,)
        carried = tuple(state.requires_grad_() for state in states)
        history.extend(carried)
        output, final = stack(step, carried)
    return history, output.squeeze(time)


def _check(stack: Stack, inputs: Tensor, lags: int, steps: int) -> None:
    where = "gradient by lag"
    check_shape(where, inputs.shape, f"T B {stack.input_size}")
    if stack.bidirectional:
        raise InputError(where, "the stack runs in one direction", "bidirectional=True")
    if not stack.cell.states:
        raise InputError(where, "the cell carries states", f"{stack.cell.name}, which has none")
    if not 1 <= lags < steps:
        raise InputError(
            where, "lags is at least 1 and less than the steps of a window", f"{lags} of {steps}"
        )


def _curve(layer: int, state: str, norms: Tensor) -> LagCurve:
    """The quartiles over the windows of norms (lags, B)."""
    shares = torch.tensor([0.25, 0.5, 0.75], dtype=norms.dtype, device=norms.device)
    lower, median, upper = torch.quantile(norms, shares, dim=1).tolist()
    return LagCurve(layer, state, tuple(lower), tuple(median), tuple(upper))
