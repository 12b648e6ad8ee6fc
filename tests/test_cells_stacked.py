"""W_a = [W_aa, W_ax]: one stacked matrix gives the same as two (R9)."""

from __future__ import annotations

import numpy as np
import torch

from bptt import nn


def test_one_matrix_over_state_and_input_equals_two() -> None:
    torch.manual_seed(0)
    layer = nn.Recurrent("elman-tanh", input_size=3, hidden_size=5, dtype=torch.float64)
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    output, _ = layer(x)
    stacked = np.hstack([layer.R_l0.detach().numpy(), layer.W_l0.detach().numpy()])  # (H, H + I)
    bias = layer.b_l0.detach().numpy()
    h = np.zeros((2, 5))
    for t, step in enumerate(x.numpy()):
        h = np.tanh(np.hstack([h, step]) @ stacked.T + bias)
        # A sum of H + I products of numbers below one, four steps deep.
        np.testing.assert_allclose(output[t].detach().numpy(), h, rtol=0, atol=4 * 9 * 2.3e-16)
