"""The language of cells as plain data for the scripts of a page: functions, names, limits, the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bptt.cells import language
from bptt.cells.catalogue import CATALOGUE
from bptt.cells.expression import Size, Symbol, to_text
from bptt.cells.function import Function
from bptt.cells.functions import FUNCTIONS, ROW_FUNCTIONS
from bptt.cells.rules import LONGEST_NAME, RESERVED, RESERVED_PREFIXES, RESERVED_SUFFIXES, WIDTHS
from bptt.codegen.javascript.javascript_names import TAKEN
from bptt.explain.legend import CONSTANT_NAMES

Tables = Mapping[str, Any]


def language_tables() -> Tables:
    """Return what the scripts know of the language: the functions of this package, without added ones."""
    return {
        "functions": {name: _function(function) for name, function in FUNCTIONS.items()},
        "rowFunctions": {name: _row_derivative(name) for name in ROW_FUNCTIONS},
        "reserved": sorted(RESERVED),
        "prefixes": RESERVED_PREFIXES,
        "suffixes": RESERVED_SUFFIXES,
        "widths": WIDTHS,
        "limits": {
            "longestEquation": language.LONGEST_EQUATION,
            "mostEquations": language.MOST_EQUATIONS,
            "largestCell": language.LARGEST_CELL,
            "deepestEquation": language.DEEPEST_EQUATION,
            "largestPower": language.LARGEST_POWER,
            "longestName": LONGEST_NAME,
        },
        "taken": sorted(TAKEN),
        "letters": CONSTANT_NAMES,
        "catalogue": {name: cell.to_dict() for name, cell in CATALOGUE.items() if cell.states},
    }


def _function(function: Function) -> Tables:
    """Return a function: its derivatives are texts of the language in its arguments and its value y."""
    partials = [to_text(partial(Symbol("y"), *function.symbols)) for partial in function.partials]
    return {
        "arguments": function.arguments,
        "partials": partials,
        "isGate": function.is_gate,
        "layout": function.layout,
        "symbol": function.symbol,
        "letter": function.letter,
    }


def _row_derivative(name: str) -> str:
    """Return ∂y/∂x_j of a function over a row of n units, as text."""
    return to_text(ROW_FUNCTIONS[name](Symbol("y"), Symbol("x"), Size("n")))
