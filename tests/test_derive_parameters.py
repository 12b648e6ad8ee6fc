"""Equations in which a matrix multiplies parameters, or that hold nothing but parameters."""

from __future__ import annotations

import pytest
import torch
from user_cells import cell

from bptt import nn
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import normal_form
from bptt.probe.self_check import self_check
from bptt.runtime.backend import backend

BARE = "h = tanh(W_h @ x + R_h @ b_h + h_prev)"
EQUATIONS = [
    BARE,
    "h = tanh(W_h @ x + R_h @ b_h + Q_h @ b_h + b_h * h_prev)",
    "h = tanh(W_h @ x + R_h @ (b_h * c_h) + h_prev)",
    "h = tanh(W_h @ x + R_h @ (p_h * h_prev))",
    "h = tanh(W_h @ x + R_h @ (alpha * b_h) + h_prev)",
    "h = tanh(W_h @ x + R_h @ tanh(b_h) + h_prev)",
    "h = tanh(W_h @ x + R_h @ (Q_h @ b_h) + h_prev)",
    "h = tanh(W_h @ x + sum(R_h @ b_h) * h_prev)",
    "h = tanh(W_h @ x + h_prev - 2 * (R_h @ b_h))",
    "a = R_a @ b_a; h = tanh(W_h @ x + a * h_prev)",
    "a = b_a; h = tanh(W_h @ x + R_h @ a + Q_h @ b_a + h_prev)",
    "h = R_h @ b_h",
    "h = tanh(W_h @ x + R_h @ h_prev); y = V_y @ b_y",
]


@pytest.mark.parametrize("equations", EQUATIONS)
def test_gradients_are_exact(equations: str) -> None:
    constants = {"alpha": -0.5} if "alpha" in equations else {}
    own = cell(equations, constants=constants, output="y" if "y =" in equations else "h")
    with backend("reference"):
        checks = self_check(own)
    assert all(check.passed for check in checks)


def test_the_gradient_of_a_bare_parameter() -> None:
    """By hand: ∂E/∂b = Σ Rᵀ δnet, ∇R = Σ δnet bᵀ."""
    own = cell(BARE)
    assert str(normal_form(own).steps[0]) == "in_h = b_h"
    derived = adjoint(own)
    assert "δin_h = R_h.T @ δnet_h" in [str(step) for step in derived.steps]
    assert [str(g.expression) for g in derived.vectors] == ["δin_h"]
    assert [g.terms for g in derived.matrices if g.matrix == "R_h"] == [(("δnet_h", "in_h"),)]


def test_layers_steps_and_second_derivatives() -> None:
    torch.manual_seed(0)
    module = nn.Recurrent(cell(BARE), 3, 4, num_layers=2).double()
    x = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    output, _ = module(x)
    b = module.b_l0.detach().requires_grad_()

    def by_hand(b: torch.Tensor) -> torch.Tensor:
        values, layers = x, [(module.W_l0, module.R_l0, b), (module.W_l1, module.R_l1, module.b_l1)]
        for w, r, vector in layers:
            h, steps = torch.zeros(2, 4, dtype=torch.float64), []
            for step in values:
                h = torch.tanh(step @ w.T + r @ vector + h)
                steps.append(h)
            values = torch.stack(steps)
        return values

    torch.testing.assert_close(output, by_hand(b), rtol=0, atol=1e-14)
    found = torch.autograd.grad(output.square().sum(), [module.b_l0, x], create_graph=True)
    wanted = torch.autograd.grad(by_hand(b).square().sum(), [b, x], create_graph=True)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    twice = torch.autograd.grad(found[1].square().sum(), module.b_l0)
    torch.testing.assert_close(twice, torch.autograd.grad(wanted[1].square().sum(), b), rtol=0, atol=1e-11)
    stepper = nn.Stepper(module, batch=2)
    torch.testing.assert_close(torch.stack([stepper.step(step) for step in x.detach()]), output.detach())
