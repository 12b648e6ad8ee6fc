"""Newton's method and that of Gauss and Newton: steps by the curvature of the loss, within a region of trust.

The matrix of curvature has a row for each weight, so these are for small networks. Sources: Nocedal & Wright
2006, Numerical optimization, algorithm 4.1 (the region) and section 4.3 (the step in it, from eigenvalues).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from bptt.nn.float64 import doubles

# The Hessian takes two backward passes for each weight in each step: some seconds for these.
MOST_WEIGHTS = 1000
# At the first step: a unit, as weights begin within it.
_RADIUS = 1.0
# Losses that one step may evaluate while its region shrinks.
_TRIALS = 25
# Shares of the predicted decrease: below the first a step is taken back, below the second the region shrinks,
# above the third it grows (Nocedal & Wright 2006, algorithm 4.1).
_ACCEPTED, _POOR, _GOOD = 1e-4, 0.25, 0.75
_SHRINKING, _GROWING = 0.25, 2.0
# Bisections for the length of a step: more than float64 has digits.
_BISECTIONS = 200


class SecondOrder(Optimizer):
    """Moves to the minimum of the quadratic model g p + p H p / 2 within ‖p‖ ≤ radius.

    H is the Hessian or the matrix of Gauss and Newton. Where H has a minimum within the radius, the step is
    the undamped -H⁻¹ g. Elsewhere, so also where H has an eigenvalue below 0 and -H⁻¹ g may lead to a saddle
    or upwards, it solves (H + μ I) p = -g with the μ that puts p on the boundary and makes H + μ I positive.
    The radius grows and shrinks with the agreement of model and loss. `decay` adds decay ‖w‖² / 2 to the
    loss.
    """

    def __init__(self, parameters: Sequence[Parameter], decay: float = 0.0) -> None:
        super().__init__(parameters, {"lr": 1.0, "weight_decay": decay})

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Raise TypeError: a step needs the curvature too, see `step_by`."""
        raise TypeError("a method of second order steps by `step_by`, with a loss and its curvature")

    @torch.no_grad()
    def step_by(self, evaluate: Callable[[], float], curvature: Callable[[], Tensor]) -> None:
        """Take one step.

        `evaluate` returns the loss at the present weights and leaves its gradient in them, `curvature`
        returns H, (n, n) for the n weights in order. A step that does not lower the loss is taken back and
        tried in a smaller region; where rounding hides the decrease it is taken.
        """
        group = self.param_groups[0]
        parameters: list[Parameter] = group["params"]
        decay, start = group["weight_decay"], [p.clone() for p in parameters]
        # A checkpoint keeps the radius as what belongs to the first weights.
        kept = self.state[parameters[0]]
        radius = float(kept.get("radius", _RADIUS))

        def total() -> float:
            with torch.enable_grad():
                found = evaluate()
            penalty: float = _flat(parameters).square().sum().item()
            return float(found + decay / 2 * penalty)

        loss = total()
        gradient = _flat([_gradient(p) for p in parameters]) + decay * _flat(parameters)
        with torch.enable_grad():
            matrix = curvature()
        values, vectors = torch.linalg.eigh(doubles(matrix))
        values, rotated = values + decay, vectors.T @ gradient
        rounding = 10 * torch.finfo(parameters[0].dtype).eps * max(1.0, abs(loss))
        for _ in range(_TRIALS):
            turned, inside = region_step(values, rotated, radius)
            predicted = -float(rotated @ turned + turned @ (values * turned) / 2)
            _move(parameters, start, vectors @ turned)
            gained = loss - total()
            hidden = predicted <= rounding and abs(gained) <= rounding
            share = 1.0 if hidden else gained / predicted if predicted > 0 else 0.0
            length = float(turned.norm())
            # NaN fails every comparison: the region shrinks.
            if not share >= _POOR:
                radius = _SHRINKING * length
            elif share > _GOOD and not inside:
                radius *= _GROWING
            kept["radius"] = radius
            if share > _ACCEPTED:
                return
        _move(parameters, start, torch.zeros_like(gradient))


def region_step(values: Tensor, gradient: Tensor, radius: float) -> tuple[Tensor, bool]:
    """Return the minimum p of gradient p + p diag(values) p / 2 in ‖p‖ ≤ radius, and whether it is inside.

    `values` (n,) are eigenvalues in rising order, `gradient` (n,) belongs to their eigenvectors.
    """
    least = float(values[0])
    # An eigenvalue is taken for zero where it is lost in the rounding of the largest.
    exact = torch.finfo(torch.float64)
    tiny = exact.eps * len(values) * float(values.abs().max()) + exact.tiny
    if least > tiny:
        step = -gradient / values
        if step.norm() <= radius:
            return step, True
    # ‖p‖ falls as the shift rises: the shift is bisected, from the least that is allowed.
    low = max(0.0, -least)
    high = low + float(gradient.norm()) / radius + tiny
    floor = low + tiny
    if _length(values, gradient, floor) <= radius:
        # The hard case: the gradient hardly sees the direction of the least curvature, which is added.
        step = -gradient / (values + floor).clamp(min=tiny)
        rest = max(0.0, radius**2 - float(step.square().sum()))
        if least < -tiny:
            step[0] += rest**0.5
        return step, least >= -tiny
    low = floor
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _length(values, gradient, middle) > radius else (low, middle)
    return -gradient / (values + high), False


def hessian(losses: Iterable[Tensor], parameters: Sequence[Parameter]) -> Tensor:
    """Return the second derivatives (n, n) of a sum of losses, float64, by differentiating gradients."""
    total: Tensor | None = None
    for loss in losses:
        flat = _flat(_derivatives(loss, parameters, create_graph=True))
        rows = [_flat(_derivatives(each, parameters)) for each in flat.unbind()]
        total = torch.stack(rows) if total is None else total + torch.stack(rows)
    assert total is not None
    return (total + total.T) / 2


def gauss_newton(residuals: Iterable[Tensor], parameters: Sequence[Parameter]) -> Tensor:
    """Return 2 JᵀJ (n, n), float64, J being the derivatives of all residuals: the Hessian of the sum of their
    squares without the second derivatives of the residuals.
    """
    total: Tensor | None = None
    for batch in residuals:
        # A backward pass for each weight, not for each residual: Jᵀv is linear in v.
        by = torch.zeros_like(batch, requires_grad=True)
        pulled = _flat(_derivatives(batch, parameters, by, create_graph=True))
        transposed = torch.stack([_flat(_derivatives(each, [by])) for each in pulled.unbind()])  # (n, m)
        product = 2 * transposed @ transposed.T
        total = product if total is None else total + product
    assert total is not None
    return total


def _derivatives(
    value: Tensor, variables: Sequence[Tensor], by: Tensor | None = None, create_graph: bool = False
) -> Sequence[Tensor]:
    """Return the derivatives of `value`, an element times that of `by`; zeros where it has no graph."""
    if not value.requires_grad:
        return [torch.zeros_like(variable) for variable in variables]
    return torch.autograd.grad(
        value,
        variables,
        by,
        retain_graph=True,
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )


def _length(values: Tensor, gradient: Tensor, shift: float) -> float:
    return float((gradient / (values + shift)).norm())


def _gradient(parameter: Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return doubles(torch.cat([tensor.flatten() for tensor in tensors]))


def _move(parameters: Sequence[Parameter], start: Sequence[Tensor], by: Tensor) -> None:
    """Set the weights to `start` + `by` (n,)."""
    first = 0
    for parameter, before in zip(parameters, start, strict=True):
        end = first + parameter.numel()
        parameter.copy_(before + by[first:end].view_as(before).to(before))
        first = end
