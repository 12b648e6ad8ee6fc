"""The rules of the language of cells that no single equation shows."""

from __future__ import annotations

import math
from collections.abc import Collection

from bptt.cells.definition import Definition
from bptt.cells.expression import MatrixVector, RowCall, symbols, to_text, walk
from bptt.cells.functions import FUNCTIONS, ROW_FUNCTIONS
from bptt.cells.language import PREVIOUS, Equation
from bptt.cells.numbers import constant_values
from bptt.cells.parameters import (
    find_families,
    find_matrices,
    find_vectors,
    letters,
    parameter_names,
    split_name,
)
from bptt.errors import InputError
from bptt.shapes import LEGEND

# Names that derivations, plans and sizes need for themselves.
RESERVED = frozenset({*FUNCTIONS, *ROW_FUNCTIONS, *LEGEND, PREVIOUS.removeprefix("_")})
RESERVED_PREFIXES = ("δ", "loss_", "next_")
RESERVED_SUFFIXES = (PREVIOUS, "_rows")
LONGEST_NAME = 100
# Time and batch are no widths of a value.
WIDTHS = tuple(letter for letter in LEGEND if letter not in "TB")


def check(cell: Definition) -> None:
    """Raise InputError where a cell breaks a rule of the language."""
    where = f"cell {cell.name[:LONGEST_NAME]!r}"
    _check_names(where, cell)
    if not cell.inputs:
        raise InputError(where, "a cell has an input", "none")
    if len(set(cell.states)) < len(cell.states):
        raise InputError(where, "a state is named once", " ".join(cell.states))
    _check_equations(where, cell)
    for name, value in (*cell.constants.items(), *cell.init.items()):
        if not math.isfinite(value):
            raise InputError(where, f"{name} is a finite number", value)
    for rule, names, known in (
        ("states and output are targets of equations", (*cell.states, cell.output), cell.targets),
        ("widths are those of inputs and targets", cell.widths, (*cell.inputs, *cell.targets)),
        ("a width is the letter of a size", cell.widths.values(), WIDTHS),
    ):
        _check_among(where, rule, names, known)
    for name in (*cell.states, cell.output):
        if cell.width(name) == "1":
            raise InputError(where, "states and output are vectors, not values over a row", repr(name))
    _check_widths(where, cell)
    # Last, because the families follow from equations and widths, and raise where those disagree.
    matrices = find_matrices(cell)
    families = find_families(cell, matrices, find_vectors(cell, matrices))
    _check_among(where, "init names families of parameters", cell.init, [f.name for f in families])


def _check_names(where: str, cell: Definition) -> None:
    """Check the names, which go into file names, into generated code and to terminals."""
    if not cell.name.isprintable() or not 0 < len(cell.name) <= LONGEST_NAME:
        rule = f"the name of a cell has 1 to {LONGEST_NAME} printable characters"
        raise InputError(where, rule, f"{cell.name[:LONGEST_NAME]!r} of {len(cell.name)}")
    parameters = (n for e in cell.equations for n in parameter_names(e.expression))
    for name in (*cell.inputs, *cell.states, *cell.constants, *cell.targets, *parameters):
        if not name.isidentifier() or len(name) > LONGEST_NAME:
            rule = f"a name in equations is one of Python, of at most {LONGEST_NAME} characters"
            raise InputError(where, rule, f"{name[:LONGEST_NAME]!r} of {len(name)}")


def _check_among(where: str, rule: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(where, rule, repr(name), f"There are: {', '.join(known) or 'none'}")


def _check_equations(where: str, cell: Definition) -> None:
    known: set[str] = set()
    for name in (*cell.inputs, *cell.constants):
        _define(where, name, known)
    known |= {state + PREVIOUS for state in cell.states}
    numbers = dict(cell.constants)
    for number, equation in enumerate(cell.equations, 1):
        here = f"{where}, equation {number}"
        _check_reads(here, cell, equation, known)
        _check_numbers(here, equation, numbers)
        _define(here, equation.target, known)


def _check_widths(where: str, cell: Definition) -> None:
    for number, equation in enumerate(cell.equations, 1):
        here, cure = f"{where}, equation {number}", "A matrix brings a vector to another width: W_h @ x"
        found, declared = letters(cell, equation.expression), {cell.width(equation.target)} - {"1"}
        if found != declared:
            rule = "the vectors of an equation have the width of its target"
            raise InputError(here, rule, ", ".join(sorted(found | declared)), cure)
        for node in walk(equation.expression):
            if isinstance(node, RowCall) and len(letters(cell, node.argument)) > 1:
                raise InputError(here, f"the vectors of a {node.function} have one width", str(node), cure)


def _check_numbers(where: str, equation: Equation, numbers: dict[str, float]) -> None:
    """Check the parts that hold no variable; `numbers` are the names with a value, the target's is added."""
    value = None
    for node, value in constant_values(equation.expression, numbers):
        if value is not None and not math.isfinite(value):
            raise InputError(where, "an expression of numbers has a finite value", to_text(node))
    if value is not None:
        numbers[equation.target] = value


def _define(where: str, name: str, known: set[str]) -> None:
    if name in known:
        raise InputError(where, "a name is defined once", repr(name))
    _check_free(where, name)
    known.add(name)


def _check_free(where: str, name: str) -> None:
    if name in RESERVED or name.startswith(RESERVED_PREFIXES) or name.endswith(RESERVED_SUFFIXES):
        rule = "functions, sizes (T, B, I, H, …) and δ…, loss_…, next_…, …_prev, …_rows are reserved"
        raise InputError(where, rule, repr(name), "Choose another name")


def _check_reads(where: str, cell: Definition, equation: Equation, known: set[str]) -> None:
    for name in symbols(equation.expression):
        if name in cell.targets and name not in known:
            cure = f"For the value of the step before, list {name!r} in states and write {name}{PREVIOUS}"
            raise InputError(where, "an equation uses values defined above it", repr(name), cure)
        if name not in known:
            _check_parameter(where, name, cell)
    for node in walk(equation.expression):
        if isinstance(node, MatrixVector):
            if node.matrix in known or node.matrix in cell.targets:
                raise InputError(where, "left of @ is a parameter, not a value", repr(node.matrix))
            _check_parameter(where, node.matrix, cell)


def _check_parameter(where: str, name: str, cell: Definition) -> None:
    value = name.removesuffix(PREVIOUS)
    if value != name and value in cell.targets:
        raise InputError(where, "only a state has a value before", repr(name), f"List {value!r} in states")
    if not split_name(name, cell.targets)[1]:
        rule = "unknown name: a parameter is written FAMILY_VALUE, as W_h or b_h, VALUE being a target"
        values = ", ".join((*cell.inputs, *cell.targets, *(s + PREVIOUS for s in cell.states)))
        raise InputError(where, rule, repr(name), f"Values: {values}")
    _check_free(where, name)
