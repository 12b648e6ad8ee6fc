"""S0: a gradient vanishes on its way back through time, by a power of the distance; the LSTM keeps it longer.

The gradient by the state k steps before a loss is at most (β_W β_f)^k in an Elman network: the norm of its
matrix, times the steepest slope of tanh, which is 1.
"""

import torch

from bptt import nn, probe

LAGS = (1, 5, 10, 20, 40)
torch.manual_seed(0)
x = torch.randn(100, 8, 16)  # 100 steps of 8 sequences
networks = {
    "Elman, tanh": nn.Recurrent("elman-tanh", 16, 64),
    "GRU": nn.Recurrent("gru", 16, 64),
    "LSTM": nn.Recurrent("lstm", 16, 64),
    "LSTM, b_f = 3": nn.Recurrent("lstm", 16, 64),
}
nn.init_forget_bias(networks["LSTM, b_f = 3"], 3.0)
elman = networks["Elman, tanh"]
torch.nn.init.orthogonal_(elman.R_l0, gain=0.9)

print("share of the gradient that is left, by the distance in steps")
print(f"{'':>15}", *(f"{lag:>8}" for lag in LAGS))
for name, network in networks.items():
    flow = probe.gradient_by_lag(network, x, lambda last: last.square().sum(-1), max(LAGS))
    # The last curve is that of the cell c of an LSTM, and of the state h of the others.
    carried = flow.curves[-1]
    print(f"{name:>15}", *(f"{carried.median[lag - 1] / carried.median[0]:8.1e}" for lag in LAGS))

(bound,) = probe.decay_bounds(elman)
print(f"{'bound of Elman':>15}", *(f"{bound.factor ** (lag - 1):8.1e}" for lag in LAGS))
print(f"\nβ_W β_f = {bound.matrix:.2f} · {bound.function:.0f}: below 1, so the gradient has to vanish")
