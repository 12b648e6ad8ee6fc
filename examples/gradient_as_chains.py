"""S3: the gradient of a recurrent weight is a sum over the steps at which it acted, each term a chain.

∂E₄/∂R = Σ ∂E₄/∂h₄ · ∂h₄/∂h₃ ⋯ ∂hₖ₊₁/∂hₖ · ∂⁺hₖ/∂R, where ∂⁺ lets R act at step k alone.
"""

import random

import torch

from bptt.cells import get
from bptt.derive.evaluate import Point, forward
from bptt.derive.unrolled import chain_gradient, summands

STEPS, INPUTS, UNITS = 4, 2, 3
cell, draw = get("elman-tanh"), random.Random(0)


def numbers(*shape: int) -> list:
    """Draw numbers between −1 and 1."""
    return [numbers(*shape[1:]) if shape[1:] else draw.uniform(-1, 1) for _ in range(shape[0])]


point = Point(
    sequence=[{"x": numbers(INPUTS)} for _ in range(STEPS)],
    initial={"h": numbers(UNITS)},
    matrices={"W_h": numbers(UNITS, INPUTS), "R_h": numbers(UNITS, UNITS)},
    vectors={"b_h": numbers(UNITS)},
)
run = forward(cell, point)
by_state = {"h": run.values[-1]["h"]}  # E₄ = ½ ‖h₄‖², so ∂E₄/∂h₄ = h₄

gradient = torch.zeros(UNITS * UNITS, dtype=torch.float64)
print("the chain of each step, and the norm of its term")
for summand in summands("R_h", STEPS):
    term = torch.tensor(chain_gradient(cell, point, run, by_state, summand), dtype=torch.float64)
    gradient += term
    jacobians = " ".join(f"∂h{later}/∂h{earlier}" for later, earlier in summand.chain)
    print(f"  {term.norm():.6f}  ∂E{STEPS}/∂h{STEPS} {jacobians} ∂⁺h{summand.step}/∂R".replace("  ∂⁺", " ∂⁺"))
print(f"\nthe norm of their sum:       {gradient.norm():.12f}")

W, R, b = (
    torch.tensor(each, dtype=torch.float64, requires_grad=True)
    for each in (point.matrices["W_h"], point.matrices["R_h"], point.vectors["b_h"])
)
h = torch.tensor(point.initial["h"], dtype=torch.float64)
for inputs in point.sequence:
    h = torch.tanh(W @ torch.tensor(inputs["x"], dtype=torch.float64) + R @ h + b)
(h.square().sum() / 2).backward()
print(f"of the gradient by autograd: {R.grad.norm():.12f}")
print(f"largest difference: {(gradient - R.grad.flatten()).abs().max():.0e}")
