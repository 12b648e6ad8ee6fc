"""S1: back-propagation node by node: inputs 1 to 3, inner nodes 4 to 7, outputs 8 and 9, as in the text.

There δ is minus the derivative of the error by the net input of a node, so that w ← w + η δ a goes downhill.
"""

from bptt.cells import get
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import NetworkExample, evaluate, update

DENSE = get("dense")  # y = σ(W_u x + b_u)
NETWORK = Network((DENSE, DENSE), Loss.SQUARED, output_layer=False)
EXAMPLE = NetworkExample(inputs=[[1.0, 0.5, -1.0]], targets=[[0.9, 0.1]])
w84 = 0.6


def weights(w84: float) -> dict:
    """Return the weights of both layers, a row for each node: nodes 4 to 7, then 8 and 9."""
    inner = [[0.2, -0.1, 0.4], [0.7, 0.3, -0.5], [-0.3, 0.8, 0.1], [0.5, -0.6, 0.2]]
    outer = [[w84, -0.4, 0.1, 0.9], [0.3, 0.2, -0.7, 0.5]]
    return {
        "1": {"W_u": inner, "b_u": [0.1, -0.2, 0.0, 0.3]},
        "2": {"W_u": outer, "b_u": [0.2, -0.1]},
    }


found = evaluate(NETWORK, weights(w84), EXAMPLE, sign=-1)
inner, outer = found.layers
a = dict(enumerate(inner.values[0]["y"] + outer.values[0]["y"], start=4))
δ = dict(enumerate(inner.deltas[0]["δu"] + outer.deltas[0]["δu"], start=4))
print("node  output       δ")
for node in range(4, 10):
    print(f"{node:4}  {a[node]:6.4f}  {δ[node]:+8.5f}")

t8, w94 = 0.9, 0.3
print(f"\nan output node: δ8 = a8 (1 − a8) (t8 − a8) = {a[8] * (1 - a[8]) * (t8 - a[8]):+.5f}")
by_above = w84 * δ[8] + w94 * δ[9]
print(f"an inner node:  δ4 = a4 (1 − a4) (w84 δ8 + w94 δ9) = {a[4] * (1 - a[4]) * by_above:+.5f}")

step = 1e-5
above, below = (evaluate(NETWORK, weights(w84 + change), EXAMPLE).error for change in (step, -step))
print(f"\nthe derivative of the error by w84: −δ8 a4 = {-δ[8] * a[4]:+.7f}")
print(f"the same, by moving w84 a little:            {(above - below) / (2 * step):+.7f}")

moved = update(found, rate=1.0)
print(f"\nw84 ← w84 + η δ8 a4 = {moved.after.parameters['2']['W_u'][0][0]:.5f}, and all others likewise:")
print(f"the error falls from {found.error:.5f} to {moved.after.error:.5f}")
