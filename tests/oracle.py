"""The cells once more, typed from the papers: one sequence, step after step, gate after gate, in numpy.

Nothing here comes from `bptt.cells`: it is the independent truth for the values of a forward pass. A
matrix or vector is looked up by the letter of its gate: `W["i"]` (H, I), `R["i"]` (H, H), `b["i"]` (H,).
Every function takes x (T, I) and the states before the first step, and returns one (T, ·) per state.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Gates = Mapping[str, Array]


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def relu(a: Array) -> Array:
    return np.maximum(a, 0)


def elman_tanh(x: Array, h: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    """Elman 1990: h_t = f(W x_t + R h_{t-1} + b)."""
    hs = []
    for x_t in x:
        h = np.tanh(W["h"] @ x_t + R["h"] @ h + b["h"])
        hs.append(h)
    return (np.array(hs),)


def elman_relu(x: Array, h: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    hs = []
    for x_t in x:
        h = relu(W["h"] @ x_t + R["h"] @ h + b["h"])
        hs.append(h)
    return (np.array(hs),)


def elman_sigmoid(x: Array, h: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    hs = []
    for x_t in x:
        h = sigmoid(W["h"] @ x_t + R["h"] @ h + b["h"])
        hs.append(h)
    return (np.array(hs),)


def indrnn(x: Array, h: Array, W: Gates, u: Gates, b: Gates) -> tuple[Array, ...]:
    """Li et al. 2018, eq. 2: every unit sees its own last value only."""
    hs = []
    for x_t in x:
        h = relu(W["h"] @ x_t + u["h"] * h + b["h"])
        hs.append(h)
    return (np.array(hs),)


def lstm(x: Array, h: Array, c: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    """Gers, Schmidhuber & Cummins 2000; the letters of torch.nn.LSTM."""
    hs, cs = [], []
    for x_t in x:
        i = sigmoid(W["i"] @ x_t + R["i"] @ h + b["i"])
        f = sigmoid(W["f"] @ x_t + R["f"] @ h + b["f"])
        g = np.tanh(W["g"] @ x_t + R["g"] @ h + b["g"])
        o = sigmoid(W["o"] @ x_t + R["o"] @ h + b["o"])
        c = f * c + i * g
        h = o * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def lstm_peephole(x: Array, h: Array, c: Array, W: Gates, R: Gates, p: Gates, b: Gates) -> tuple[Array, ...]:
    """Graves 2013, Generating sequences, eq. 7-11: i and f see c_{t-1}, o sees c_t; diagonal weights."""
    hs, cs = [], []
    for x_t in x:
        i = sigmoid(W["i"] @ x_t + R["i"] @ h + p["i"] * c + b["i"])
        f = sigmoid(W["f"] @ x_t + R["f"] @ h + p["f"] * c + b["f"])
        c = f * c + i * np.tanh(W["g"] @ x_t + R["g"] @ h + b["g"])
        o = sigmoid(W["o"] @ x_t + R["o"] @ h + p["o"] * c + b["o"])
        h = o * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def lstm_peephole_previous(
    x: Array, h: Array, c: Array, W: Gates, R: Gates, p: Gates, b: Gates
) -> tuple[Array, ...]:
    """Ng 2018, Sequence models: every gate sees c_{t-1}."""
    hs, cs = [], []
    for x_t in x:
        i, f, o = (sigmoid(W[k] @ x_t + R[k] @ h + p[k] * c + b[k]) for k in "ifo")
        c = f * c + i * np.tanh(W["g"] @ x_t + R["g"] @ h + b["g"])
        h = o * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def lstm_projection(
    x: Array, h: Array, c: Array, W: Gates, R: Gates, b: Gates, V: Gates
) -> tuple[Array, ...]:
    """Sak, Senior & Beaufays 2014, eq. 1-7 without peepholes: what recurs is r_t = W_rm m_t, here h."""
    hs, cs = [], []
    for x_t in x:
        i = sigmoid(W["i"] @ x_t + R["i"] @ h + b["i"])
        f = sigmoid(W["f"] @ x_t + R["f"] @ h + b["f"])
        c = f * c + i * np.tanh(W["g"] @ x_t + R["g"] @ h + b["g"])
        o = sigmoid(W["o"] @ x_t + R["o"] @ h + b["o"])
        h = V["h"] @ (o * np.tanh(c))
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def lstm_coupled(x: Array, h: Array, c: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    """Greff et al. 2017, CIFG: i = 1 - f."""
    hs, cs = [], []
    for x_t in x:
        f = sigmoid(W["f"] @ x_t + R["f"] @ h + b["f"])
        o = sigmoid(W["o"] @ x_t + R["o"] @ h + b["o"])
        i = 1 - f
        c = f * c + i * np.tanh(W["g"] @ x_t + R["g"] @ h + b["g"])
        h = o * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def layer_norm(a: Array, gain: Array, bias: Array) -> Array:
    """Ba, Kiros & Hinton 2016, eq. 3: normalised by mean and deviation of the layer's units."""
    mean = a.sum() / len(a)
    variance = ((a - mean) ** 2).sum() / len(a)
    return gain * (a - mean) / np.sqrt(variance + 1e-5) + bias


def lstm_layernorm(
    x: Array, h: Array, c: Array, W: Gates, R: Gates, gain: Gates, b: Gates
) -> tuple[Array, ...]:
    """Ba et al. 2016, eq. 20-22; the summed inputs of each gate are normalised by themselves."""
    hs, cs = [], []
    for x_t in x:
        i = sigmoid(layer_norm(W["i"] @ x_t + R["i"] @ h, gain["i"], b["i"]))
        f = sigmoid(layer_norm(W["f"] @ x_t + R["f"] @ h, gain["f"], b["f"]))
        g = np.tanh(layer_norm(W["g"] @ x_t + R["g"] @ h, gain["g"], b["g"]))
        o = sigmoid(layer_norm(W["o"] @ x_t + R["o"] @ h, gain["o"], b["o"]))
        c = f * c + i * g
        h = o * np.tanh(layer_norm(c, gain["c"], b["c"]))
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def gru(x: Array, h: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    """Cho et al. 2014, eq. 5-8: the reset gate acts on h_{t-1} before U multiplies it."""
    hs = []
    for x_t in x:
        r = sigmoid(W["r"] @ x_t + R["r"] @ h + b["r"])
        z = sigmoid(W["z"] @ x_t + R["z"] @ h + b["z"])
        candidate = np.tanh(W["n"] @ x_t + R["n"] @ (r * h) + b["n"])
        h = z * h + (1 - z) * candidate
        hs.append(h)
    return (np.array(hs),)


def gru_torch(x: Array, h: Array, W: Gates, b: Gates, R: Gates, d: Gates) -> tuple[Array, ...]:
    """The documentation of torch.nn.GRU: b_i* is b, b_h* is d, and r multiplies what b_hn is part of."""
    hs = []
    for x_t in x:
        r = sigmoid(W["r"] @ x_t + b["r"] + R["r"] @ h + d["r"])
        z = sigmoid(W["z"] @ x_t + b["z"] + R["z"] @ h + d["z"])
        n = np.tanh(W["n"] @ x_t + b["n"] + r * (R["n"] @ h + d["n"]))
        h = (1 - z) * n + z * h
        hs.append(h)
    return (np.array(hs),)


def gru_simple(x: Array, c: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    """Ng 2018, Sequence models: c = Γ_u c̃ + (1 - Γ_u) c_{t-1}, with no gate for c̃."""
    cs = []
    for x_t in x:
        update = sigmoid(W["u"] @ x_t + R["u"] @ c + b["u"])
        candidate = np.tanh(W["n"] @ x_t + R["n"] @ c + b["n"])
        c = update * candidate + (1 - update) * c
        cs.append(c)
    return (np.array(cs),)


def mgu(x: Array, h: Array, W: Gates, R: Gates, b: Gates) -> tuple[Array, ...]:
    """Zhou et al. 2016, eq. 6: one gate forgets and resets."""
    hs = []
    for x_t in x:
        f = sigmoid(W["f"] @ x_t + R["f"] @ h + b["f"])
        candidate = np.tanh(W["n"] @ x_t + R["n"] @ (f * h) + b["n"])
        h = (1 - f) * h + f * candidate
        hs.append(h)
    return (np.array(hs),)


def dense(x: Array, W: Gates, b: Gates) -> tuple[Array, ...]:
    """Rumelhart, Hinton & Williams 1986: y = sigmoid(W x + b), of every step by itself."""
    return (np.array([sigmoid(W["u"] @ x_t + b["u"]) for x_t in x]),)


def mingru(x: Array, h: Array, W: Gates, b: Gates) -> tuple[Array, ...]:
    """Feng et al. 2024, section 3.1."""
    hs = []
    for x_t in x:
        z = sigmoid(W["z"] @ x_t + b["z"])
        h = (1 - z) * h + z * (W["n"] @ x_t + b["n"])
        hs.append(h)
    return (np.array(hs),)


def minlstm(x: Array, h: Array, W: Gates, b: Gates) -> tuple[Array, ...]:
    """Feng et al. 2024, section 3.2: both gates are divided by their sum."""
    hs = []
    for x_t in x:
        f, i = (sigmoid(W[gate] @ x_t + b[gate]) for gate in "fi")
        h = f / (f + i) * h + i / (f + i) * (W["n"] @ x_t + b["n"])
        hs.append(h)
    return (np.array(hs),)


def sru(x: Array, c: Array, W: Gates, b: Gates) -> tuple[Array, ...]:
    """Lei et al. 2017, version 1, eq. 3-7, with a map of x in the highway."""
    cs, hs = [], []
    for x_t in x:
        f, r = (sigmoid(W[gate] @ x_t + b[gate]) for gate in "fr")
        c = f * c + (1 - f) * (W["c"] @ x_t)
        cs.append(c)
        hs.append(r * np.tanh(c) + (1 - r) * (W["h"] @ x_t))
    return np.array(cs), np.array(hs)


CELLS = {
    "elman-tanh": elman_tanh,
    "elman-relu": elman_relu,
    "elman-sigmoid": elman_sigmoid,
    "indrnn": indrnn,
    "lstm": lstm,
    "lstm-peephole": lstm_peephole,
    "lstm-peephole-previous": lstm_peephole_previous,
    "lstm-projection": lstm_projection,
    "lstm-coupled": lstm_coupled,
    "lstm-layernorm": lstm_layernorm,
    "gru": gru,
    "gru-torch": gru_torch,
    "gru-simple": gru_simple,
    "mgu": mgu,
    "mingru": mingru,
    "minlstm": minlstm,
    "sru": sru,
    "dense": dense,
}
