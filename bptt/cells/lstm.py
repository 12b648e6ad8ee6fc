"""Long short-term memory and its relatives."""

from __future__ import annotations

from bptt.cells.cell import Cell

LSTM = Cell.define(
    "lstm",
    """
    i = sigmoid(W_i @ x + R_i @ h_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ h_prev + b_f)
    g = tanh(W_g @ x + R_g @ h_prev + b_g)
    o = sigmoid(W_o @ x + R_o @ h_prev + b_o)
    c = f * c_prev + i * g
    h = o * tanh(c)
    """,
    states="h c",
    title="LSTM with forget gate",
    source="Gers, Schmidhuber & Cummins 2000, Learning to forget; as torch.nn.LSTM",
)

LSTM_PEEPHOLE = Cell.define(
    "lstm-peephole",
    """
    i = sigmoid(W_i @ x + R_i @ h_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ h_prev + p_f * c_prev + b_f)
    g = tanh(W_g @ x + R_g @ h_prev + b_g)
    c = f * c_prev + i * g
    o = sigmoid(W_o @ x + R_o @ h_prev + p_o * c + b_o)
    h = o * tanh(c)
    """,
    states="h c",
    title="LSTM with peephole connections",
    source="Gers, Schraudolph & Schmidhuber 2002, Learning precise timing, eq. 1-6; Graves 2013, eq. 7-11; "
    "i and f see c_prev, o sees c (lstm-peephole-previous: all see c_prev)",
)

LSTM_PEEPHOLE_PREVIOUS = Cell.define(
    "lstm-peephole-previous",
    """
    i = sigmoid(W_i @ x + R_i @ h_prev + p_i * c_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ h_prev + p_f * c_prev + b_f)
    g = tanh(W_g @ x + R_g @ h_prev + b_g)
    o = sigmoid(W_o @ x + R_o @ h_prev + p_o * c_prev + b_o)
    c = f * c_prev + i * g
    h = o * tanh(c)
    """,
    states="h c",
    title="LSTM with peephole connections from the last cell state to all gates",
    source="Ng 2018, Sequence models, week 1; i, f and o see c_prev (lstm-peephole: o sees c)",
)

LSTM_PROJECTION = Cell.define(
    "lstm-projection",
    """
    i = sigmoid(W_i @ x + R_i @ h_prev + b_i)
    f = sigmoid(W_f @ x + R_f @ h_prev + b_f)
    g = tanh(W_g @ x + R_g @ h_prev + b_g)
    o = sigmoid(W_o @ x + R_o @ h_prev + b_o)
    c = f * c_prev + i * g
    m = o * tanh(c)
    h = V_h @ m
    """,
    states="h c",
    widths={"h": "P"},
    title="LSTM with recurrent projection",
    source="Sak, Senior & Beaufays 2014, Long short-term memory architectures, eq. 1-7, no peepholes",
)

LSTM_COUPLED = Cell.define(
    "lstm-coupled",
    """
    f = sigmoid(W_f @ x + R_f @ h_prev + b_f)
    g = tanh(W_g @ x + R_g @ h_prev + b_g)
    o = sigmoid(W_o @ x + R_o @ h_prev + b_o)
    c = f * c_prev + (1 - f) * g
    h = o * tanh(c)
    """,
    states="h c",
    title="LSTM with coupled input and forget gates",
    source="Greff et al. 2017, LSTM: a search space odyssey, variant CIFG",
)


def _normalised(gate: str) -> str:
    """Write the lines that normalise the summed input of one gate over its H units."""
    return f"""
    a_{gate} = W_{gate} @ x + R_{gate} @ h_prev
    m_{gate} = mean(a_{gate})
    e_{gate} = a_{gate} - m_{gate}
    s_{gate} = rsqrt(mean(e_{gate}**2) + epsilon)
    """


LSTM_LAYERNORM = Cell.define(
    "lstm-layernorm",
    "".join(map(_normalised, "ifgo"))
    + """
    i = sigmoid(gain_i * s_i * e_i + b_i)
    f = sigmoid(gain_f * s_f * e_f + b_f)
    g = tanh(gain_g * s_g * e_g + b_g)
    o = sigmoid(gain_o * s_o * e_o + b_o)
    c = f * c_prev + i * g
    m_c = mean(c)
    e_c = c - m_c
    s_c = rsqrt(mean(e_c**2) + epsilon)
    h = o * tanh(gain_c * s_c * e_c + b_c)
    """,
    states="h c",
    constants={"epsilon": 1e-5},
    init={"gain": 1.0, "b": 0.0},
    title="LSTM with layer normalisation of every gate and of the cell",
    source="Ba, Kiros & Hinton 2016, Layer normalization, eq. 20-22, W x + R h normalised gate by gate",
)
