"""Every rule of the language of cells: broken once, the message names the cell, the place and the cure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bptt.cells import Cell
from bptt.errors import InputError

PLAIN = "h = tanh(W_h @ x + R_h @ h_prev + b_h)"

# Equations, options of `Cell.define`, and the beginning of the message.
BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no equation": ("# nothing", {}, "cell 'own': a cell has at least one equation, got none"),
    "no input": (PLAIN, {"inputs": ""}, "cell 'own': a cell has an input, got none"),
    "input twice": (PLAIN, {"inputs": "x x"}, "cell 'own': a name is defined once, got 'x'"),
    "state twice": (PLAIN, {"states": "h h"}, "cell 'own': a state is named once, got h h"),
    "target twice": (
        f"{PLAIN}\nh = x",
        {},
        "cell 'own', equation 2: a name is defined once, got 'h'",
    ),
    "target is the input": (
        "x = h_prev\nh = x",
        {},
        "cell 'own', equation 1: a name is defined once, got 'x'",
    ),
    "target is a constant": (
        PLAIN,
        {"constants": {"h": 1.0}},
        "cell 'own', equation 1: a name is defined once, got 'h'",
    ),
    "constant is the input": (
        PLAIN,
        {"constants": {"x": 1.0}},
        "cell 'own': a name is defined once, got 'x'",
    ),
    "later value": (
        "h = tanh(c)\nc = W_c @ x",
        {},
        "cell 'own', equation 1: an equation uses values defined above it, got 'c'."
        " For the value of the step before, list 'c' in states and write c_prev",
    ),
    "own value": (
        "h = h + W_h @ x",
        {},
        "cell 'own', equation 1: an equation uses values defined above it, got 'h'.",
    ),
    "unknown name": (
        "h = tanh(W_h @ x + bias)",
        {},
        "cell 'own', equation 1: unknown name: a parameter is written FAMILY_VALUE, as W_h or b_h,"
        " VALUE being a target, got 'bias'. Values: x, h, h_prev",
    ),
    "parameter of no value": (
        "h = tanh(W_i @ x)",
        {},
        "cell 'own', equation 1: unknown name: a parameter is written FAMILY_VALUE, as W_h or b_h,"
        " VALUE being a target, got 'W_i'.",
    ),
    "parameter without family": ("h = _h * x", {}, "cell 'own', equation 1: unknown name"),
    "previous value of no state": (
        "c = W_c @ x\nh = tanh(c_prev)",
        {},
        "cell 'own', equation 2: only a state has a value before, got 'c_prev'. List 'c' in states",
    ),
    "misspelt function": ("h = sigmoyd(W_h @ x)", {}, "cell 'own', line 1: unknown function"),
    "value left of @": (
        "W_h = tanh(U_h @ x)\nh = W_h @ x",
        {},
        "cell 'own', equation 2: left of @ is a parameter, not a value, got 'W_h'",
    ),
    "state left of @": (
        "h = h_prev @ x",
        {},
        "cell 'own', equation 1: left of @ is a parameter, not a value, got 'h_prev'",
    ),
    "later value left of @": (
        "h = W_h @ x\nW_h = h",
        {},
        "cell 'own', equation 1: left of @ is a parameter, not a value, got 'W_h'",
    ),
    "matrix and vector": (
        "h = W_h @ x + W_h * h_prev",
        {},
        "cell 'own': a parameter is a matrix (left of @) or a vector, not both, got W_h",
    ),
    "matrix of two shapes": (
        "h = W_h @ x + W_h @ h_prev",
        {},
        "cell 'own': a matrix has one shape, got W_h",
    ),
    "matrix of a sum of widths": (
        "h = W_h @ (x + h_prev)",
        {},
        "cell 'own': the vector right of W_h @ has one width, got x + h_prev",
    ),
    "matrix of a number": (
        "h = W_h @ 2 + h_prev",
        {},
        "cell 'own': the vector right of W_h @ has one width, got 2",
    ),
    "matrix of a row value": (
        "m = mean(x)\nh = W_h @ m",
        {},
        "cell 'own': the vector right of W_h @ has one width, got m",
    ),
    "parameter of a row value": (
        "m = sum(w_m * x)\nh = m * h_prev",
        {},
        "cell 'own': a parameter is named after a vector, got w_m. Name it after the vector",
    ),
    "vectors of two widths": (
        "h = x + W_h @ x",
        {},
        "cell 'own', equation 1: the vectors of an equation have the width of its target, got H, I."
        " A matrix brings a vector to another width: W_h @ x",
    ),
    "vectors of another width": (
        "a = W_a @ x\nh = tanh(a)",
        {"widths": {"a": "P"}},
        "cell 'own', equation 2: the vectors of an equation have the width of its target, got H, P.",
    ),
    "row of two widths": (
        "h = h_prev * mean(x + h_prev)",
        {},
        "cell 'own', equation 1: the vectors of a mean have one width, got mean(x + h_prev).",
    ),
    "family of two shapes": (
        "a = W_a @ x\nh = W_h @ a",
        {},
        "cell 'own': the parameters of a family have one shape, got W_a, W_h",
    ),
    "state without equation": (
        PLAIN,
        {"states": "h c"},
        "cell 'own': states and output are targets of equations, got 'c'. There are: h",
    ),
    "output without equation": (
        PLAIN,
        {"output": "y"},
        "cell 'own': states and output are targets of equations, got 'y'. There are: h",
    ),
    "row value as a state": (
        "m = mean(x)\nh = tanh(W_h @ x + m_prev * h_prev)",
        {"states": "h m"},
        "cell 'own': states and output are vectors, not values over a row, got 'm'",
    ),
    "constant as an output": (
        f"{PLAIN}\ny = 2",
        {"output": "y"},
        "cell 'own': states and output are vectors, not values over a row, got 'y'",
    ),
    "width of no value": (
        PLAIN,
        {"widths": {"c": "P"}},
        "cell 'own': widths are those of inputs and targets, got 'c'. There are: x, h",
    ),
    "width of no size": (
        PLAIN,
        {"widths": {"h": "K"}},
        "cell 'own': a width is the letter of a size, got 'K'. There are: I, H, P",
    ),
    "width of time": (PLAIN, {"widths": {"h": "T"}}, "cell 'own': a width is the letter of a size, got 'T'."),
    "init of no family": (
        PLAIN,
        {"init": {"gain": 1.0}},
        "cell 'own': init names families of parameters, got 'gain'. There are: W, R, b",
    ),
    "init of a member": (
        PLAIN,
        {"init": {"b_h": 1.0}},
        "cell 'own': init names families of parameters, got 'b_h'.",
    ),
    "infinite constant": (
        PLAIN,
        {"constants": {"a": float("inf")}},
        "cell 'own': a is a finite number, got inf",
    ),
    "NaN as a start": (PLAIN, {"init": {"b": float("nan")}}, "cell 'own': b is a finite number, got nan"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule(name: str) -> None:
    equations, options, message = BROKEN[name]
    with pytest.raises(InputError, match=re.escape(message)):
        Cell.define("own", equations, **{"states": "h", **options})


RESERVED = ["sigmoid", "mean", "step", "H", "I", "T", "prev", "δh", "loss_c", "next_c", "m_rows"]


@pytest.mark.parametrize("name", RESERVED)
def test_names_that_derivations_need(name: str) -> None:
    with pytest.raises(InputError, match=f"cell 'own', equation 1: .* are reserved, got '{name}'"):
        Cell.define("own", f"{name} = 2 * x")
    with pytest.raises(InputError, match=f"cell 'own': .* are reserved, got '{name}'"):
        Cell.define("own", f"h = W_h @ {name}", inputs=name)
    with pytest.raises(InputError, match=f"cell 'own': .* are reserved, got '{name}'"):
        Cell.define("own", f"h = W_h @ x * {name}", constants={name: 1.0})


@pytest.mark.parametrize("family", ["loss", "next", "δ"])
def test_families_that_derivations_need(family: str) -> None:
    with pytest.raises(InputError, match=f"cell 'own', equation 1: .* are reserved, got '{family}_h'"):
        Cell.define("own", f"h = W_h @ x + {family}_h", states="h")


def test_the_longest_target_is_the_value_of_a_parameter() -> None:
    cell = Cell.define("own", "h = tanh(W_h @ x)\na_h = W_a_h @ x\ny = a_h * h", output="y")
    assert [(f.name, f.members) for f in cell.families] == [("W", ("W_h", "W_a_h"))]


def test_rules_hold_for_a_cell_made_without_define() -> None:
    plain = Cell.define("own", PLAIN, states="h")
    with pytest.raises(InputError, match="states and output are targets"):
        Cell("own", plain.equations, states=("h",), output="y")


@pytest.mark.parametrize("name", ["", "x" * 101, "\x1b" * 50])
def test_names_of_cells_have_a_length(name: str) -> None:
    with pytest.raises(InputError, match="the name of a cell has 1 to 100 printable characters") as caught:
        Cell.define(name, PLAIN, states="h")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


def test_names_of_cells_are_printable() -> None:
    with pytest.raises(InputError, match="the name of a cell has 1 to 100 printable characters"):
        replace(Cell.define("own", PLAIN, states="h"), name="\x1b[31m")


@pytest.mark.parametrize("option", ["inputs", "constants"])
@pytest.mark.parametrize("name", ["\x1b[31m", "-wrapper", "1x", "x" * 101, "a;b", "a/b"])
def test_names_that_are_declared(name: str, option: str) -> None:
    with pytest.raises(InputError, match="a name in equations is one of Python, of at most 100 characters"):
        Cell.define(
            "own", PLAIN, states="h", **{option: {name: 1.0} if option == "constants" else f"x {name}"}
        )


@pytest.mark.parametrize(
    "equations", [f"{'h' * 101} = x", f"h = tanh(W_h @ x + {'b' * 100}_h)", f"h = {'R' * 100}_h @ x"]
)
def test_names_in_equations_have_a_length(equations: str) -> None:
    with pytest.raises(InputError, match="of at most 100 characters"):
        Cell.define("own", equations)


def test_names_titles_and_sources_are_made_printable() -> None:
    cell = Cell.define("\u202eown", PLAIN, states="h", title="\x1b[2Jgone", source="a\nb\x07")
    assert (cell.name, cell.title, cell.source) == (r"\u202eown", r"\x1b[2Jgone", r"a\nb\x07")
    assert Cell.from_dict(cell.to_dict()) == cell
