"""A cell of your own: written as equations, derived, compared with autograd, and trained to remember.

One bit is shown at the first step and noise at the twenty after it; then the network is asked for the bit.
"""

import torch

from bptt import Cell, explain, nn
from bptt.explain.document import Stage

cell = Cell.define(
    "mycell",
    """
    f = sigmoid(W_f @ x + R_f @ h_prev + b_f)
    n = tanh(W_n @ x + R_n @ (f * h_prev) + b_n)
    h = f * h_prev + (1 - f) * n
    """,
    states="h",
)
print(explain.text(explain.derivation(cell).only(Stage.ADJOINT)))

torch.manual_seed(0)
layer = nn.Recurrent(cell, input_size=1, hidden_size=8)
x = torch.randn(5, 3, 1)
layer(x)[0].square().sum().backward()  # by the equations above
derived = [parameter.grad.clone() for parameter in layer.parameters()]

layer.zero_grad()
h, total = torch.zeros(3, 8), 0.0
(W_f, W_n), (R_f, R_n), (b_f, b_n) = (family.chunk(2) for family in (layer.W_l0, layer.R_l0, layer.b_l0))
for step in x:
    f = torch.sigmoid(step @ W_f.T + h @ R_f.T + b_f)
    n = torch.tanh(step @ W_n.T + (f * h) @ R_n.T + b_n)
    h = f * h + (1 - f) * n
    total = total + h.square().sum()
total.backward()  # by autograd
pairs = zip(derived, layer.parameters(), strict=True)
print(f"largest difference from autograd: {max((a - b.grad).abs().max().item() for a, b in pairs):.1e}")

with torch.no_grad():
    b_f.fill_(3.0)  # σ(3) = 0.95: at first the cell keeps most of what it has
output = torch.nn.Linear(8, 1)
optimiser = torch.optim.Adam([*layer.parameters(), *output.parameters()], lr=0.02)
for update in range(201):
    bits = torch.randint(2, (64, 1)).float()
    x = torch.cat([4 * bits[None] - 2, 0.5 * torch.randn(20, 64, 1)])
    answer = output(layer(x)[0][-1])
    loss = torch.nn.functional.binary_cross_entropy_with_logits(answer, bits)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if update % 100 == 0:
        right = ((answer > 0) == bits.bool()).float().mean()
        print(f"after {update:3} updates: loss {loss.item():.3f}, {right:.0%} of the bits remembered")
