"""The cells of the catalogue in the letters of the texts: s, U, W of simple networks, c, a, Γ of gated ones.

A cell is written anew in these letters, and derived as any other. A gate may be the opposite of ours: the
update gate Γ_u of the texts is 1 where a GRU updates, z is 1 where it keeps; z = 1 − Γ_u.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bptt.cells.caching import cached_by_cell
from bptt.cells.catalogue import CATALOGUE
from bptt.cells.cell import Cell
from bptt.cells.language import PREVIOUS
from bptt.cells.parameters import split_name

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class TextNames:
    """The letters of the texts for the values and the families of parameters of a cell.

    A gate in `opposite` is one minus that of the texts, so that its parameters have the other sign;
    `rewritten` are the equations that read it. `raised` says whether the time is written ⟨t⟩.
    """

    values: Mapping[str, str]
    families: Mapping[str, str]
    opposite: frozenset[str] = frozenset()
    rewritten: Mapping[str, str] = field(default_factory=dict)
    raised: bool = True

    def value(self, name: str) -> str:
        """Return the letter of a value, or of a state of the step before."""
        base = name.removesuffix(PREVIOUS)
        return self.values.get(base, base) + name[len(base) :]

    def parameter(self, name: str, cell: Cell) -> str:
        """Return the name of a parameter of the cell."""
        family, value = split_name(name, cell.targets)
        return f"{self.families[family]}_{self.value(value)}"

    def sign(self, name: str, cell: Cell) -> int:
        """Return −1 for a parameter of an opposite gate, else 1."""
        return -1 if split_name(name, cell.targets)[1] in self.opposite else 1


_SIMPLE = TextNames({"h": "s"}, {"W": "U", "R": "W", "b": "b", "u": "w"}, raised=False)
_LSTM_VALUES = {"i": "Γ_u", "f": "Γ_f", "o": "Γ_o", "g": "c̃", "h": "a"}
_LSTM = TextNames(_LSTM_VALUES, {"W": "Wx", "R": "Wa", "b": "b", "p": "p", "V": "V"})
_GATES = [("i", "Γ_u"), ("f", "Γ_f"), ("g", "c̃"), ("o", "Γ_o")]
_GRU = TextNames(
    {"r": "Γ_r", "z": "Γ_u", "n": "c̃", "h": "c"},
    {"W": "Wx", "R": "Wc", "b": "b", "d": "d"},
    frozenset("z"),
    {"h": "c = Γ_u * c̃ + (1 - Γ_u) * c_prev"},
)

TEXT_NAMES: Mapping[str, TextNames] = {
    **dict.fromkeys(("elman-tanh", "elman-relu", "elman-sigmoid", "indrnn"), _SIMPLE),
    **dict.fromkeys(
        ("lstm", "lstm-peephole", "lstm-peephole-previous", "lstm-projection", "lstm-coupled"), _LSTM
    ),
    "lstm-layernorm": TextNames(
        {
            **_LSTM_VALUES,
            **{f"{kind}_{ours}": f"{kind}_{theirs}" for kind in "mes" for ours, theirs in _GATES},
            **{f"a_{ours}": f"z_{theirs}" for ours, theirs in _GATES},
        },
        {"W": "Wx", "R": "Wa", "b": "b", "gain": "gain"},
    ),
    **dict.fromkeys(("gru", "gru-torch"), _GRU),
    "gru-simple": TextNames({"u": "Γ_u", "n": "c̃", "h": "c"}, {"W": "Wx", "R": "Wc", "b": "b"}),
    "mgu": TextNames({"f": "Γ_u", "n": "c̃", "h": "c"}, {"W": "Wx", "R": "Wc", "b": "b"}),
    "mingru": TextNames({"z": "Γ_u", "n": "c̃", "h": "c"}, {"W": "Wx", "b": "b"}),
    "minlstm": TextNames({"k": "Γ_f", "n": "c̃", "h": "c"}, {"W": "Wx", "b": "b"}),
    "sru": TextNames({"f": "Γ_f", "r": "Γ_r", "h": "a"}, {"W": "Wx", "b": "b"}),
    "dense": TextNames({"u": "net"}, {"W": "W", "b": "b"}, raised=False),
}


def text_names(cell: Cell) -> TextNames | None:
    """Return the letters of the texts for a cell of the catalogue, or for its twin; None for other cells."""
    known = CATALOGUE.get(cell.name)
    return TEXT_NAMES.get(cell.name) if known is not None and cell in (known, in_texts(known)) else None


@cached_by_cell
def in_texts(cell: Cell) -> Cell:
    """Return a cell of the catalogue in the letters of the texts; any other cell stays."""
    names = TEXT_NAMES.get(cell.name)
    if names is None or cell != CATALOGUE.get(cell.name):
        return cell
    parameters = {name: names.parameter(name, cell) for name in (*cell.matrices, *cell.vectors)}

    def written(equation_text: str) -> str:
        return _IDENTIFIER.sub(lambda found: parameters.get(found[0]) or names.value(found[0]), equation_text)

    equations = (names.rewritten.get(e.target) or written(e.text) for e in cell.equations)
    return Cell.define(
        cell.name,
        "\n".join(equations),
        states=[names.value(state) for state in cell.states],
        output=names.value(cell.output),
        title=cell.title,
        source=cell.source,
        inputs=" ".join(cell.inputs),
        widths={names.value(name): width for name, width in cell.widths.items()},
        constants=cell.constants,
        init=cell.init,
    )
