"""Cells that a user might write, from the ordinary to the odd."""

from __future__ import annotations

from typing import Any

from bptt.cells import Cell


def cell(equations: str, **options: Any) -> Cell:
    return Cell.define("own", equations.replace("; ", "\n"), **{"states": "h", **options})


# Its output is no state, and it keeps a value that no state follows.
READOUT = Cell.define(
    "readout",
    """
    h = tanh(W_h @ x + R_h @ h_prev + b_h)
    y = sigmoid(V_y @ h + a_y)
    """,
    states="h",
    output="y",
)
CELLS = {
    "eight lines": Cell.define(
        "leaky",
        """
        # how much of the old state is kept
        k = sigmoid(W_k @ x + R_k @ h_prev + b_k)
        a = W_a @ x + R_a @ (k * h_prev)
        n = minimum(maximum(a, -limit), limit)
        m = mean(n)
        s = leak * s_prev + (1 - leak) * n
        h = k * h_prev + (1 - k) * tanh(s - m)
        """,
        states="h s",
        constants={"limit": 0.5, "leak": 0.9},
    ),
    "more gates than a tile has columns": cell(
        "; ".join(f"{g} = sigmoid(W_{g} @ x + R_{g} @ h_prev + b_{g})" for g in "abcdefgijk")
        + "; h = tanh((a + b) * (c - d) + (e + f) * (g - i) + j * k * h_prev)"
    ),
    "a state that nobody reads": cell("h = tanh(W_h @ x); c = h * h", states="h c"),
    "a value that nobody reads": cell("q = W_q @ x; h = tanh(W_h @ x + R_h @ h_prev)"),
    "an input that nobody reads": cell("h = tanh(R_h @ h_prev)"),
    "a matrix twice in one equation": cell("h = tanh(W_h @ x + R_h @ h_prev + R_h @ (h_prev * h_prev))"),
    "a matrix in two equations": cell("a = tanh(W_h @ x + R_h @ h_prev); h = tanh(R_h @ a)"),
    "a vector in two equations": cell("a = tanh(W_a @ x + b_a); h = a * b_a + b_h * b_h * h_prev"),
    "two matrices, and one twice, with one source": cell(
        "h = tanh(W_h @ x + U_h @ x + R_h @ h_prev + Q_h @ h_prev + R_h @ h_prev)"
    ),
    "more gates than fit side by side": cell(
        "; ".join(f"g_{k} = tanh(W_g_{k} @ x + R_g_{k} @ h_prev + b_g_{k})" for k in range(1, 10))
        + "; h = (h_prev + g_1 * g_2 + g_3 * g_4 + g_5 * g_6 + g_7 * g_8) * g_9"
    ),
    "a width that only a state has": cell(
        "h = tanh(W_h @ x + R_h @ h_prev); s = 0.9 * s_prev", states="h s", widths={"s": "P"}
    ),
    "a state of another width that only a product reads": cell(
        "h = tanh(W_h @ x + U_h @ q_prev); q = tanh(V_q @ h_prev)", states="h q", widths={"q": "P"}
    ),
    "a map of a map": cell("h = tanh(R_h @ tanh(W_h @ x + h_prev))"),
    "maps between widths": cell(
        "m = tanh(W_m @ x + R_m @ h_prev); h = tanh(V_h @ (m * sigmoid(U_m @ m)))", widths={"h": "P"}
    ),
    "maps of the state with and without the input": cell(
        "a = sigmoid(R_a @ h_prev); h = a * tanh(W_h @ x + R_h @ h_prev)"
    ),
    "copied states": cell("c = h_prev; h = tanh(W_h @ x + R_h @ c)", states="h c"),
    "exchanged states": cell("a = tanh(W_a @ x + R_a @ b_prev); b = a_prev", states="a b"),
    "an output that is no state": cell(
        "h = tanh(W_h @ x + R_h @ h_prev); y = sigmoid(V_y @ h + b_y)", output="y", widths={"y": "P"}
    ),
    "an output before the state": cell(
        "y = sigmoid(V_y @ h_prev + U_y @ x); h = tanh(W_h @ y + R_h @ h_prev)", output="y"
    ),
    "an input as wide as the state": cell("h = tanh(W_h @ x + R_h @ h_prev) + x", widths={"x": "H"}),
    "no parameters": cell("h = tanh(x + h_prev)", widths={"x": "H"}),
    "no map of the state": cell("h = x * mean(h_prev)", widths={"x": "H"}),
    "division": cell("h = tanh(W_h @ x + R_h @ h_prev) / (2 + h_prev**2)"),
    "powers": cell("h = tanh(W_h @ x + R_h @ h_prev)**3 - h_prev**2 / 4"),
    "nested calls": cell("h = tanh(sigmoid(tanh(W_h @ x) + exp(-softplus(R_h @ h_prev))))"),
    "every smooth function": cell(
        "h = log(1.5 + sigmoid(W_h @ x)) * sqrt(1 + h_prev**2) / rsqrt(2 + sin(h_prev) * cos(h_prev))"
    ),
    "functions with a kink": cell("h = abs(W_h @ x) * sign(h_prev) + relu(R_h @ h_prev) * step(h_prev)"),
    "a derivative that is zero": cell("h = sign(W_h @ x + R_h @ h_prev)"),
    "two names with one maximum": cell("h = minimum(W_h @ x, R_h @ h_prev) + maximum(mean(x), h_prev)"),
    "signs": cell("h = -(W_h @ x) - (R_h @ h_prev - b_h)"),
    "a row value in a vector": cell("m = mean(h_prev); h = tanh(W_h @ x + R_h @ h_prev) * m"),
    "a row value of the input": cell("m = mean(x); h = tanh(W_h @ x + m * h_prev)"),
    "a row value of a map": cell("m = mean(W_h @ x); h = tanh(R_h @ h_prev * m)"),
    "a row value of row values": cell("s = mean(x); q = mean(s * s); h = tanh(W_h @ x + q * h_prev)"),
    "a row value as the only reader": cell(
        "a = W_a @ x + R_a @ h_prev; m = mean(a); h = tanh(u_h * m + b_h)"
    ),
    "a row value that is read twice": cell(
        "s = mean(x); a = W_a @ x + R_a @ h_prev + s; m = mean(a); h = tanh(u_h * m * s + b_h)"
    ),
    "a row value that vectors of two widths read": cell(
        "s = mean(x); m = tanh(W_m @ x + s); h = tanh(R_h @ h_prev + V_h @ m + s)", widths={"m": "P"}
    ),
    "a row value in a vector and in a row value": cell(
        "m = mean(h_prev); q = m * m; h = tanh(W_h @ x) * m * q"
    ),
    "a chain of row values": cell(
        "s = mean(h_prev); a = s + h_prev; m = mean(a); h = tanh(u_h * m + W_h @ x)"
    ),
    "a row value of a vector parameter": cell("s = sum(w_h); h = tanh(W_h @ x + s * h_prev)"),
    "the larger of two row values": cell("m = maximum(mean(x), mean(h_prev)); h = tanh(W_h @ x) * m"),
    "attention in one number": cell("s = sigmoid(sum(w_h * h_prev)); h = tanh(W_h @ x + s * (R_h @ h_prev))"),
    "layer norm in one line": cell(
        "a = W_a @ x + R_a @ h_prev; h = tanh((a - mean(a)) * rsqrt(mean((a - mean(a))**2) + 0.01))"
    ),
    "a row value that no vector follows": cell("h = mean(h_prev) * tanh(W_h @ x)"),
    "a value of parameters alone": cell("a = sigmoid(alpha_h); h = a * h_prev + (1 - a) * tanh(W_h @ x)"),
    "a state of parameters alone": cell("h = sigmoid(b_h)"),
    "an output of parameters alone": cell("h = tanh(W_h @ x); y = sigmoid(b_y)", output="y"),
    "a call of a constant": cell("h = tanh(W_h @ x + R_h @ h_prev) * exp(alpha)", constants={"alpha": -0.1}),
    "an equation of constants": cell("a = 2 * exp(1); h = tanh(W_h @ x + R_h @ h_prev) * a"),
    "matrices times bare parameters": cell(
        "h = tanh(W_h @ x + R_h @ b_h + Q_h @ b_h + U_h @ u_h + u_h * h_prev)"
    ),
    "a matrix times what parameters make": cell(
        "a = R_a @ e_a; q = V_q @ (alpha * b_q); m = sum(U_m_h @ c_h);"
        " h = tanh(W_h @ x + R_h @ (a * h_prev) + Q_h @ tanh(d_h) + P_h @ (S_h @ q) + m * h_prev)",
        widths={"q": "P"},
        constants={"alpha": -0.5},
    ),
    "names with underscores": cell("my_gate = tanh(W_my_gate @ x + b_my_gate); h = my_gate * h_prev"),
    "names of the program's own helpers": cell(
        "net_h = W_h @ x; in_h = net_h * h_prev; tanh_h = tanh(R_h @ (in_h * h_prev));"
        " h = tanh(tanh_h + in_h)"
    ),
    "names of C++ and of its program": cell(
        "int = tanh(W_int @ x); r = sigmoid(R_r @ h_prev); j = r * int; lanes = j + r; sums = lanes * j;"
        " panel = tanh(sums); λ = panel + a_λ; real = λ * int; h = tanh(R_h @ (real * h_prev)) + j"
    ),
    "names of the program for helpers and gradients": cell(
        "d_h = sigmoid(W_d_h @ x); net_h_1 = h_prev * d_h; net_h_0 = tanh(net_h_1);"
        " h = tanh(W_h @ x + R_h @ h_prev + U_h @ net_h_1) + net_h_0"
    ),
    "Chinese names": cell(
        "门 = sigmoid(W_门 @ x + R_门 @ 态_prev); 态 = 门 * 态_prev + tanh(W_态 @ x)", states="态"
    ),
}
