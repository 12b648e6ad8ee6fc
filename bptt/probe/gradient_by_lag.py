"""The gradient through time: how much a loss depends on the state k steps before (R6 in
docs/equations.md).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.probe.flow import NET, Flow, LagCurve, curve
from bptt.probe.listener import listening, only_vectors
from bptt.probe.stack_layers import stack_of
from bptt.probe.undisturbed import undisturbed
from bptt.shapes import check_shape


def gradient_by_lag(module: nn.Module, inputs: Tensor, loss: Callable[[Tensor], Tensor], lags: int) -> Flow:
    """Measure ‖∂E/∂net_{T-k}‖ and ‖∂E/∂s_{T-k}‖ for every layer and state, in one backward pass.

    E is the loss at the last step T; net_t are the sums of step t, and s_t is what the stack carries from
    step t to step t + 1. E is seen as a function of all layers' states at that moment, and differentiated by
    each.

    Args:
        module: the recurrent layers, in one direction, of torch.nn too. Its parameters, their `.grad`,
            its mode and torch's random state are left as they were; dropout is off.
        inputs: (T, B, I), or (B, T, I) with batch_first, T > lags; B windows of text.
        loss: takes the stack's last output (B, width) to the losses (B,). A window whose loss does not depend
            on it, as one that a mask sets to zero, is left out, if there are others.
        lags: the largest k, at least 1. The steps before only make the states typical ones.

    Raises:
        InputError: a bidirectional stack, a cell without states, too few steps.

    """
    stack = stack_of(module)
    time = 1 if stack.batch_first else 0
    _check(stack, inputs, lags, inputs.shape[time])
    with undisturbed(stack), listening([("", stack)]) as listener, only_vectors(stack, [stack]) as vectors:
        last = stack(inputs)[0].select(time, -1)
        arrived, *_ = torch.autograd.grad(loss(last).sum(), [last, *vectors], allow_unused=True)
        heard = listener.heard()
    counted = torch.ones(len(last), dtype=torch.bool) if arrived is None else arrived.any(-1).cpu()
    rows = (counted if counted.any() else ~counted).nonzero().flatten()
    curves: list[LagCurve] = []
    for layer, norms in heard.items():
        # From the last step back; what a step hands on belongs to the lag that is one more.
        curves.append(curve(layer, NET, norms.net.flip(0)[: lags + 1, rows]))
        carried = norms.carried.flip(0)[:lags, rows].unbind(-1)
        curves += [curve(layer, state, c) for state, c in zip(norms.states, carried, strict=True)]
    return Flow(len(rows), tuple(curves))


def _check(stack: Stack, inputs: Tensor, lags: int, steps: int) -> None:
    where = "gradient by lag"
    check_shape(where, inputs.shape, f"T B {stack.input_size}")
    if stack.bidirectional:
        raise InputError(where, "the stack runs in one direction", "bidirectional=True")
    if not any(cell.states for cell in stack.cells):
        raise InputError(where, "the cell carries states", f"{stack.cell_name}, which has none")
    if not 1 <= lags < steps:
        raise InputError(
            where, "lags is at least 1 and less than the steps of a window", f"{lags} of {steps}"
        )
