"""The legend: the symbol of each name of a cell and of its derivation.

A symbol depends on the role of the name in the cell, not on its spelling: `h_prev` is h at t−1 because h is
a state, `W_xi` is a W with the subscript xi, `next_h` is the derivative of the later losses. An underscore
begins a subscript; a word of several letters stays a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bptt.cells.expression import Call
from bptt.cells.functions import get_function
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.jacobian import CHANGE
from bptt.derive.normal_form import EquationStep, NormalForm
from bptt.explain.formula_tree import Formula, MathName, derivative

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


def split_name(name: str) -> MathName:
    """Split a name into its first part and subscripts: W_i, a_i, gain_f."""
    base, *subscripts = name.split("_")
    return MathName(base, tuple(subscripts)) if base and all(subscripts) else MathName(name)


def _split_helper(step: EquationStep) -> tuple[str, str]:
    """Split the name of a helper: its kind, as a word or letter, and the value that it belongs to."""
    function = step.rest.function if isinstance(step.rest, Call) else ""
    if function and step.target.startswith(f"{function}_"):
        return get_function(function).letter or function, step.target.removeprefix(f"{function}_")
    kind, _, value = step.target.partition("_")
    return kind, value


class Legend:
    """The symbols of one cell.

    `index` is the running index: "t" for time, "l" for layers, "" for none; `shift` moves it by that
    number of steps. Parameters are shared by all time steps, while every layer has its own.
    """

    def __init__(self, form: NormalForm, index: str, shift: int = 0) -> None:
        self.form = form
        self.index = index
        self.shift = shift
        self.names = self._legend()
        base = {n for n in self.names if n in form.cell.constants or form.width(n) == "1"}
        marked = {mark + n for mark in (DELTA, CHANGE, FROM_LOSS, FROM_NEXT) for n in base}
        self.scalars = base | marked | {DELTA + n + ROWS * k for n in base for k in (1, 2, 3)}

    def _legend(self) -> Mapping[str, MathName]:
        """Return the symbols of inputs, values, previous states, constants and parameters."""
        cell = self.form.cell
        legend = {v: split_name(v) for v in (*cell.inputs, *cell.targets)}
        legend = {name: replace(symbol, index=self.at(0)) for name, symbol in legend.items()}
        for state, previous in zip(cell.states, self.form.previous, strict=True):
            legend[previous] = replace(legend[state], index=self.at(-1))
        legend |= {s.target: self._helper(s, legend) for s in self.form.steps if s.target not in legend}
        legend |= {c: MathName(CONSTANT_NAMES.get(c, c)) for c in cell.constants}
        owner = self.at(0) if self.index == LAYER else ""
        return legend | {p: replace(split_name(p), index=owner) for p in (*cell.vectors, *cell.matrices)}

    def _helper(self, step: EquationStep, legend: Mapping[str, MathName]) -> MathName:
        """Return the symbol of a name that the derivation made, such as `net_i` or `tanh_c_prev`.

        It has a prime if the name was already in use. The value of a function that has no name in the cell is
        named after the function: τ_c = tanh(c).
        """
        kind, value = _split_helper(step)
        base = value.rstrip("′")
        about = legend.get(base, MathName(base, index=self.at(0)))
        word = kind + value[len(base) :]
        return MathName(word, (about.base, *about.subscripts), about.index)

    def at(self, offset: int) -> str:
        """Return the index of a value `offset` steps from now: t, t−1, t+1."""
        distance = self.shift + offset
        return f"{self.index}{distance:+d}".replace("-", "−") if self.index and distance else self.index

    def name(self, name: str) -> Formula:
        """Return the symbol of any name that the derivation uses."""
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

    def marked(self, mark: str, name: str) -> MathName:
        """Return the symbol of a value or parameter with δ, ∂ or ∇ before it."""
        return replace(self.names[name], mark=mark)

    def loss_by(self, losses: str, value: str) -> Formula:
        """Return ∂E/∂value, E being the loss of the steps `losses`."""
        return derivative(MathName("E", index=losses), self.names[value])
