"""Gated recurrent units, from two gates to one."""

from __future__ import annotations

from bptt.cells.cell import Cell

GRU = Cell.define(
    "gru",
    """
    r = sigmoid(W_r @ x + R_r @ h_prev + b_r)
    z = sigmoid(W_z @ x + R_z @ h_prev + b_z)
    n = tanh(W_n @ x + R_n @ (r * h_prev) + b_n)
    h = z * h_prev + (1 - z) * n
    """,
    states="h",
    title="GRU as published: the reset gate inside the matrix product",
    source="Cho et al. 2014, Learning phrase representations, eq. 5-8",
)

GRU_TORCH = Cell.define(
    "gru-torch",
    """
    r = sigmoid(W_r @ x + b_r + R_r @ h_prev + d_r)
    z = sigmoid(W_z @ x + b_z + R_z @ h_prev + d_z)
    q = R_n @ h_prev + d_n
    n = tanh(W_n @ x + b_n + r * q)
    h = (1 - z) * n + z * h_prev
    """,
    states="h",
    title="GRU as torch and cuDNN compute it: the reset gate after the matrix product",
    source="torch.nn.GRU; Cho et al. 2014 with the reset gate moved",
)

GRU_SIMPLE = Cell.define(
    "gru-simple",
    """
    u = sigmoid(W_u @ x + R_u @ h_prev + b_u)
    n = tanh(W_n @ x + R_n @ h_prev + b_n)
    h = u * n + (1 - u) * h_prev
    """,
    states="h",
    title="Simplified GRU with the update gate alone",
    source="Ng 2018, Sequence models, week 1; Collins et al. 2017 (UGRNN), whose gate is 1 - u; "
    "u = 1 updates (z of gru: z = 1 keeps)",
)

MGU = Cell.define(
    "mgu",
    """
    f = sigmoid(W_f @ x + R_f @ h_prev + b_f)
    n = tanh(W_n @ x + R_n @ (f * h_prev) + b_n)
    h = (1 - f) * h_prev + f * n
    """,
    states="h",
    title="Minimal gated unit",
    source="Zhou et al. 2016, Minimal gated unit for recurrent neural networks, eq. 6",
)
