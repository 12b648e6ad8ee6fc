"""The legend: how each name of a cell and of its derivation is written.

How a name looks follows from what it is in the cell, never from how it is spelt: `h_prev` is h at t−1
because h is a state, `W_xi` is a W with the subscript xi, `next_h` is the derivative of the later
losses. An underscore begins a subscript; a word of several letters stays a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.jacobian import CHANGE
from bptt.derive.normal_form import NormalForm
from bptt.explain.formula import Formula, Name, derivative

# The value of a nonlinearity that has no name in the cell is called after it: τ_c = tanh(c).
HELPER_NAMES: Mapping[str, str] = {"tanh": "τ"}
CONSTANT_NAMES: Mapping[str, str] = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "epsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "rho": "ρ",
}
ROWS = "_rows"
TIME, LAYER = "t", "l"


def split_name(name: str) -> Name:
    """A name as its first part and subscripts: W_i, a_i, gain_f."""
    base, *subscripts = name.split("_")
    return Name(base, tuple(subscripts)) if base and all(subscripts) else Name(name)


class Legend:
    """The symbols of one cell.

    `index` is the running index: "t" for time, "l" for layers, "" for none; `shift` moves it by so many
    steps. Parameters are shared by all time steps, while every layer has its own.
    """

    def __init__(self, form: NormalForm, index: str, shift: int = 0) -> None:
        self.form = form
        self.index = index
        self.shift = shift
        self.names = self._legend()
        base = {n for n in self.names if n in form.cell.constants or form.width(n) == "1"}
        marked = {mark + n for mark in (DELTA, CHANGE, FROM_LOSS, FROM_NEXT) for n in base}
        self.scalars = base | marked | {DELTA + n + ROWS * k for n in base for k in (1, 2, 3)}

    def _legend(self) -> Mapping[str, Name]:
        """How inputs, values, previous states, constants and parameters are written."""
        cell = self.form.cell
        legend = {v: split_name(v) for v in (*cell.inputs, *cell.targets)}
        legend = {name: replace(symbol, index=self.at(0)) for name, symbol in legend.items()}
        for state, previous in zip(cell.states, self.form.previous, strict=True):
            legend[previous] = replace(legend[state], index=self.at(-1))
        legend |= {
            s.target: self._helper(s.target, legend) for s in self.form.steps if s.target not in legend
        }
        legend |= {c: Name(CONSTANT_NAMES.get(c, c)) for c in cell.constants}
        owner = self.at(0) if self.index == LAYER else ""
        return legend | {p: replace(split_name(p), index=owner) for p in (*cell.vectors, *cell.matrices)}

    def _helper(self, name: str, legend: Mapping[str, Name]) -> Name:
        """A name that the derivation gave, `net_i` or `tanh_c_prev`, a prime added where it was taken."""
        kind, _, value = name.partition("_")
        base = value.rstrip("′")
        about = legend.get(base, Name(base, index=self.at(0)))
        word = HELPER_NAMES.get(kind, kind) + value[len(base) :]
        return Name(word, (about.base, *about.subscripts), about.index)

    def at(self, offset: int) -> str:
        """The index of a value `offset` steps from now: t, t−1, t+1."""
        distance = self.shift + offset
        return f"{self.index}{distance:+d}".replace("-", "−") if self.index and distance else self.index

    def name(self, name: str) -> Formula:
        """The symbol of any name that the derivation uses."""
        if name in self.names:
            return self.names[name]
        if name.startswith(FROM_LOSS):
            return self.loss_by(self.at(0), name.removeprefix(FROM_LOSS))
        if name.startswith(FROM_NEXT):
            return self.loss_by(f">{self.at(0)}", name.removeprefix(FROM_NEXT))
        mark, value = name[0], name[1:]
        if mark == DELTA and value in self.form.previous:
            return self.loss_by(f">{self.at(-1)}", value)
        if value in self.names:
            return self.marked(mark, value)
        # A sum over rows of each width that reads the value: δs_rows, δs_rows_rows.
        base = re.sub(rf"({ROWS})+$", "", value)
        widths = (len(value) - len(base)) // len(ROWS)
        symbol = self.names[base]
        return replace(symbol, mark=mark, subscripts=(*symbol.subscripts, *["rows"] * widths))

    def marked(self, mark: str, name: str) -> Name:
        """The symbol of a value or parameter with δ, ∂ or ∇ before it."""
        return replace(self.names[name], mark=mark)

    def loss_by(self, losses: str, value: str) -> Formula:
        """∂E/∂value, E being the loss of the steps `losses`."""
        return derivative(Name("E", index=losses), self.names[value])
