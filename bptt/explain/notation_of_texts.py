"""A derivation in the notation of the texts: their letters and subscripts, and ⟨t⟩ for time in gated cells.

`in_texts` gives a cell the names of the texts as far as a name of the language can be one; here they become
symbols: Wx_Γ_u is W_ux, U_s is U, and c at t−1 is c⟨t−1⟩.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from bptt.cells.catalogue import CATALOGUE
from bptt.cells.cell import Cell
from bptt.derive.normal_form import normal_form
from bptt.explain.cells_of_texts import TextNames, text_names
from bptt.explain.document import Derivation, Fact, Sentence, listing, say
from bptt.explain.formula_tree import COMMA, EQUALS, MINUS, Digits, Fenced, Formula, MathName, Row
from bptt.explain.legend import split_name
from bptt.explain.notation import Notation

# An index that is a time, as t, t−1, >t or T; k+1 and 3 are times of values, and units or layers elsewhere.
_TIME = re.compile(r">?[tT](?:[+−]\d+)?")
_NUMBERED = re.compile(r"[ijkmn](?:[+−]\d+)?|>?\d+")
# The loss, the Jacobian, a state and the output have a number for their time in every derivation.
_TIMED = frozenset({"E", "J", "s", "o"})
# Indices that count elements of the output, or examples.
_NOT_TIMES = frozenset({("o", "i"), ("o", "j"), ("o", "k"), ("E", "k")})
# The output layer of gated networks, ŷ = g(W_y a + b_y).
_OUTPUT = {MathName("o"): MathName("ŷ"), MathName("V"): MathName("W", ("y",))}
# Families whose members multiply the input x, or a state, in one matrix of the texts: W_u = [W_uc, W_ux].
_STACKED = {"Wx": "x", "Wa": "a", "Wc": "c"}


class NamesFrom(str, Enum):
    """The names that a derivation is written in: of the cell itself, or of the texts."""

    CELL = "cell"
    TEXTS = "texts"


def in_notation_of_texts(document: Derivation, cells: Iterable[Cell]) -> Derivation:
    """Return the derivation of cells in the letters of the texts, with the symbols of the texts."""
    named = [(cell, names) for cell in cells if (names := text_names(cell)) is not None]
    symbols = {old: new for cell, _ in named for old, new in _symbols(cell).items()}
    timed: frozenset[str] = frozenset()
    if any(names.raised for _, names in named):
        timed = _TIMED.union(name for cell, _ in named for name in _values(cell))
        symbols = {**_OUTPUT, **symbols}
    renamed: Derivation = _renamed(document, symbols, timed)
    return renamed


def _values(cell: Cell) -> Iterable[str]:
    """Return the names of inputs and values, and those that the derivation gives to helpers."""
    form = normal_form(cell)
    names = Notation(form, "").names
    return (*cell.inputs, *(_whole(names[step.target]) for step in form.steps))


def facts_of_texts(cell: Cell) -> tuple[Fact, ...]:
    """Return the names that the texts have for those of a cell, where they differ."""
    names = text_names(cell)
    if names is None:
        return ()
    return (Fact("texts", tuple(_correspondence(CATALOGUE[cell.name], names))),)


def _correspondence(cell: Cell, names: TextNames) -> Iterable[Sentence]:
    pairs = [
        (_symbol(split_name(theirs)), _opposite(ours) if ours in names.opposite else split_name(ours))
        for ours, theirs in names.values.items()
        if "_" not in ours
    ]
    if not names.raised:
        parameters = [*cell.matrices, *cell.vectors]
        written = (split_name(names.parameter(name, cell)) for name in parameters)
        theirs = (_parameter(name, _is_alone(name, cell)) for name in written)
        pairs += [
            (new, old) for new, old in zip(theirs, map(split_name, parameters), strict=True) if new != old
        ]
    yield listing(say("{}", Row((theirs, EQUALS, ours))) for theirs, ours in pairs)
    for ours in sorted(names.opposite):
        one = Row((_symbol(split_name(names.values[ours])), EQUALS, Digits("1")))
        kept = Row((split_name(ours), EQUALS, Digits("1")))
        yield say("{} updates, {} keeps: the parameters of this gate change their sign", one, kept)
    if names.raised and "R" in names.families:
        gate = next(theirs for theirs in names.values.values() if theirs.startswith("Γ"))
        stacked = [_parameter(split_name(f"{names.families[f]}_{gate}"), False) for f in "RW"]
        whole = Row(
            (MathName("W", (gate[-1],)), EQUALS, Fenced(Row((stacked[0], COMMA, stacked[1])), "[", "]"))
        )
        yield say("one matrix for state and input: {}", whole)


def _opposite(gate: str) -> Formula:
    return Row((Digits("1"), MINUS, split_name(gate)))


def _symbols(cell: Cell) -> Mapping[MathName, MathName]:
    """Return the symbols that change, without their index and mark; none becomes one that another has."""
    parameters = [split_name(name) for name in (*cell.matrices, *cell.vectors)]
    families = [split_name(family.name) for family in cell.families]
    alone = len({name.subscripts for name in parameters}) == 1
    form = normal_form(cell)
    others = [Notation(form, "").names[step.target] for step in form.steps]
    changed = {name: _parameter(name, alone and _is_alone(name, cell)) for name in parameters}
    changed |= {name: _symbol(name, alone) for name in others}
    taken = list(changed.values())
    unique = {old: new for old, new in changed.items() if old != new and taken.count(new) == 1}
    entries = {_entry(old): _entry(unique[old]) for old in map(split_name, cell.matrices) if old in unique}
    return unique | {name: _family(name) for name in families} | entries


def _is_alone(parameter: MathName, cell: Cell) -> bool:
    """Return whether a parameter needs no subscript; a bias in time does, beside that of the output."""
    return not cell.states or parameter.base != "b"


def _entry(matrix: MathName) -> MathName:
    """Return the symbol of the entries of a matrix, its small letter."""
    return replace(matrix, base=matrix.base.lower())


def _parameter(name: MathName, alone: bool) -> MathName:
    letter = "" if alone else name.subscripts[-1].removesuffix("\N{COMBINING TILDE}")
    base, stacked = ("W", _STACKED[name.base]) if name.base in _STACKED else (name.base, "")
    return MathName(base, (letter + stacked,) if letter + stacked else ())


def _family(name: MathName) -> MathName:
    return MathName("W", (f"·{_STACKED[name.base]}",)) if name.base in _STACKED else name


def _symbol(name: MathName, alone: bool = False) -> MathName:
    """Return the symbol of a value or helper: net_u for net_Γ_u, and net for the only net of a cell."""
    if alone and name.base == "net":
        return MathName("net")
    return MathName(name.base, tuple(part for part in name.subscripts if part != "Γ"))


def _renamed(part: Any, symbols: Mapping[MathName, MathName], timed: frozenset[str]) -> Any:
    """Return a part of a document with other symbols; `timed` have ⟨t⟩ for their time, if there are any."""
    match part:
        case Fact(label="texts"):
            # The correspondence itself: what is on its right is in the letters of the cell.
            return part
        case MathName("T", (), "", ""):
            return MathName("T", ("x",)) if timed else part
        case MathName(index=index, mark=mark, layer=layer):
            plain = replace(part, index="", mark="", layer="")
            numbered = _whole(plain) in timed and (plain.base, index) not in _NOT_TIMES
            is_time = _TIME.fullmatch(index) or (numbered and _NUMBERED.fullmatch(index))
            when = f"⟨{index}⟩" if timed and is_time else index
            return replace(symbols.get(plain, plain), index=when, mark=mark, layer=layer)
        case tuple():
            return tuple(_renamed(each, symbols, timed) for each in part)
        case _ if is_dataclass(part) and not isinstance(part, type):
            inside = {f.name: _renamed(getattr(part, f.name), symbols, timed) for f in fields(part)}
            return replace(part, **inside)
    return part


def _whole(name: MathName) -> str:
    return "_".join((name.base, *name.subscripts))
