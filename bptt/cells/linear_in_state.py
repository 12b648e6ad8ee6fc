"""Cells that are linear in their state, with gates of the input alone: a scan over time computes them."""

from __future__ import annotations

from bptt.cells.cell import Cell

MINGRU = Cell.define(
    "mingru",
    """
    z = sigmoid(W_z @ x + b_z)
    n = W_n @ x + b_n
    h = (1 - z) * h_prev + z * n
    """,
    states="h",
    title="minGRU: a GRU whose gate and candidate do not see the state",
    source="Feng et al. 2024, Were RNNs all we needed?, section 3.1",
)

MINLSTM = Cell.define(
    "minlstm",
    """
    f = W_f @ x + b_f
    i = W_i @ x + b_i
    k = sigmoid(softplus(-i) - softplus(-f))
    n = W_n @ x + b_n
    h = k * h_prev + (1 - k) * n
    """,
    states="h",
    title="minLSTM: an LSTM whose gates do not see the state and add up to 1",
    source="Feng et al. 2024, Were RNNs all we needed?, section 3.2; "
    "k is sigmoid(f) / (sigmoid(f) + sigmoid(i)), as in appendix B",
)

SRU = Cell.define(
    "sru",
    """
    f = sigmoid(W_f @ x + b_f)
    r = sigmoid(W_r @ x + b_r)
    c = f * c_prev + (1 - f) * (W_c @ x)
    h = r * tanh(c) + (1 - r) * (W_h @ x)
    """,
    states="c",
    output="h",
    title="Simple recurrent unit: gates of the input alone, and a highway past the state",
    source="Lei et al. 2017, Training RNNs as fast as CNNs, version 1, eq. 3-7; W_h @ x in place of x, "
    "so that widths may differ",
)
