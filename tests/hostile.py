"""A cell as it may come from a stranger's run folder: its texts try to become markup or commands."""

from __future__ import annotations

from bptt.cells import Cell

TITLE = "</h1><script>alert(1)</script> \\input{/etc/passwd} % $x_1$ & ~^# {\x1b[2J\u202e"
SOURCE = '\\end{align*}\\write18{id} <img src="https://example.org/x" onerror="alert(1)">'

HOSTILE = Cell.from_dict(
    {
        "name": "<b>lstm</b>\n\\input{x}",
        "title": TITLE,
        "source": SOURCE,
        "equations": ["h = tanh(W_h @ x + R_h @ h_prev)"],
        "states": ["h"],
        "output": "h",
        "inputs": ["x"],
        "widths": {},
        "constants": {},
        "init": {},
    }
)
