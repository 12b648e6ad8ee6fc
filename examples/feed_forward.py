"""S4: a 3-4-2 network in matrices, an example in each row: u = x W + b, δ = δ_next Wᵀ ⊙ f′, ∇W = xᵀ δ.

The same gradients come from the derived equations, which have an example in each column. Then the loss
1/2m Σ ‖h(x) − y‖² goes down by one example at a time, by mini-batches and by all of them.
"""

import numpy as np

from bptt.cells import get
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import NetworkExample, evaluate

draw = np.random.default_rng(0)
x = draw.normal(size=(60, 3))
y = 1 / (1 + np.exp(-np.sin(2 * x[:, :2]) - x[:, 2:]))  # two numbers that depend on the three of x


def start() -> list[np.ndarray]:
    """Return W1 (3, 4), b1 (4,), W2 (4, 2) and b2 (2,)."""
    source = np.random.default_rng(1)
    return [source.normal(size=shape) for shape in ((3, 4), (4,), (4, 2), (2,))]


def forward(weights: list[np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs of both layers, f(x W + b), where f is logistic."""
    W1, b1, W2, b2 = weights
    a = 1 / (1 + np.exp(-(x @ W1 + b1)))
    return a, 1 / (1 + np.exp(-(a @ W2 + b2)))


def loss(weights: list[np.ndarray]) -> float:
    """Return 1/2m Σ ‖h(x) − y‖² over all m examples."""
    return ((forward(weights, x)[1] - y) ** 2).sum() / (2 * len(x))


def gradients(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Return the gradient of the mean loss of these examples by each of the weights."""
    a, h = forward(weights, x)
    δ2 = (h - y) / len(x) * h * (1 - h)
    δ1 = δ2 @ weights[2].T * a * (1 - a)
    return [x.T @ δ1, δ1.sum(0), a.T @ δ2, δ2.sum(0)]


W1, b1, W2, b2 = start()
network = Network((get("dense"), get("dense")), Loss.SQUARED, output_layer=False)
columns = {"1": {"W_u": W1.T.tolist(), "b_u": b1.tolist()}, "2": {"W_u": W2.T.tolist(), "b_u": b2.tolist()}}
derived = evaluate(network, columns, NetworkExample(x.tolist(), y.tolist())).gradients
by_rows = gradients([W1, b1, W2, b2], x, y)
pairs = zip(by_rows, (derived[layer][name] for layer in "12" for name in ("W_u", "b_u")), strict=True)
print(f"by rows and by columns: {max(abs(a - np.array(b).T / len(x)).max() for a, b in pairs):.0e} apart\n")

print("loss after 60, 600 and 6,000 examples, with a learning rate of 1")
for size in (1, 10, 60):
    weights, losses = start(), []
    for seen in range(0, 6000, size):
        rows = np.arange(seen, seen + size) % 60
        weights = [w - g for w, g in zip(weights, gradients(weights, x[rows], y[rows]), strict=True)]
        if seen + size in (60, 600, 6000):
            losses.append(loss(weights))
    print(f"{size:2} at a time: ", *(f"{each:.4f}" for each in losses))
