"""The language of cells: what it reads, what it refuses, and that it prints what it read."""

from __future__ import annotations

import random
from fractions import Fraction
from hashlib import sha256

import pytest

from bptt.cells import CATALOGUE
from bptt.cells.expression import (
    Call,
    Expression,
    MatrixVector,
    Number,
    Power,
    Product,
    RowCall,
    Sum,
    Symbol,
    add,
    multiply,
    power,
    symbols,
    to_text,
)
from bptt.cells.functions import FUNCTIONS, ROW_FUNCTIONS
from bptt.cells.language import DEEPEST_EQUATION, LARGEST_POWER, LONGEST_EQUATION, parse_equations
from bptt.errors import InputError


def parse(text: str) -> Expression:
    (equation,) = parse_equations("cell 'own'", f"h = {text}")
    return equation.expression


a, b, x = Symbol("a"), Symbol("b"), Symbol("x")
W_x = MatrixVector("W_h", x)

TREES = {
    "a + b - x": Sum((a, b, Product((Number(-1), x)))),
    "a - (b + x)": Sum((a, Product((Number(-1), Sum((b, x)))))),
    "a * b * 2": Product((Number(2), a, b)),
    "a / b": Product((a, Power(b, -1))),
    "a**2": Power(a, 2),
    "-a": Product((Number(-1), a)),
    "W_h @ x": W_x,
    "W_h @ x * a": Product((W_x, a)),
    "-(W_h @ x)": Product((Number(-1), W_x)),
    "W_h @ (a * x)": MatrixVector("W_h", Product((a, x))),
    "minimum(a, -b)": Call("minimum", (a, Product((Number(-1), b)))),
    "mean(tanh(a))": RowCall("mean", Call("tanh", (a,))),
    "1 - a": Sum((Number(1), Product((Number(-1), a)))),
    "0 * a": Number(0),
    "a + 0": a,
    "1 * a": a,
    "a**1": a,
    "a**0": Number(1),
    "a**-2": Power(a, -2),
    "a + 9223372036854775808": Sum((a, Number(9223372036854775808.0))),
    "(a**2)**3": Power(a, 6),
    "2 * 3": Number(6),
    "1e-5 + a": Sum((Number(1e-5), a)),
}


@pytest.mark.parametrize(("text", "tree"), TREES.items())
def test_text_becomes_a_tree(text: str, tree: Expression) -> None:
    assert parse(text) == tree


def test_lines_comments_and_blanks() -> None:
    found = parse_equations("cell", "\n  a = x  # the input\n\n# nothing\nh = a + a\n")
    assert [(e.target, e.text) for e in found] == [("a", "a = x"), ("h", "h = a + a")]


# ---- what is refused, with the line it stands in, and without running any of it

REFUSED = [
    "__import__('os').system('echo')",
    "().__class__.__bases__",
    "x.T",
    "x[0]",
    "lambda: x",
    "[y for y in x]",
    "{x: x}",
    "x if x else x",
    "(h := x)",
    "await x",
    "x and x",
    "not x",
    "~x",
    "+x",
    "x < x",
    "x % 2",
    "x // 2",
    "x ** x",
    "x ** 0.5",
    "'text'",
    "f'{x}'",
    "b'x'",
    "1j",
    "True",
    "None",
    "...",
    "*x",
    "x, x",
    "eval(x)",
    "tanh(x, x)",
    "minimum(x)",
    "mean(x, x)",
    "tanh(*x)",
    "tanh(x=x)",
    "tanh(x, x=x)",
    "tanh()",
    "x.tanh()",
    "tanh(x)(x)",
    "-W_h @ x",
    "2 * W_h @ x",
    "W_h @ R_h @ x",
    "(W_h + R_h) @ x",
    "x @ 'x'",
]
NO_EQUATION = ["h", "h = ", "h == x", "h += x", "h: x = x", "h = a = x", "h, c = x", "h.c = x", "h[0] = x"]
NO_EQUATION += [
    "h = x; c = x",
    "import os",
    "def h(): pass",
    "h = (x",
    "h = x)",
    "h = 'x",
    "h = \0",
    "h = \ud800",
]
# Numbers that no float holds, powers that take long, trees that are deep.
BOUNDLESS = [
    "1e999",
    "-1e999",
    "1e308 * 1e308",
    "1" * 400,
    "10.0 ** 99 ** 99",
    "(10.0**99)**99",
    "((((9**99)**99)**99)**99)**99",
    f"x ** {LARGEST_POWER + 1}",
    "(x**99)**99",
    "9 ** 9 ** 9 ** 9",
    "x / 0",
    "x / 1e-999",
    "-" * 500 + "x",
    "-" * (LONGEST_EQUATION - 10) + "x",
    "+".join(["x"] * (DEEPEST_EQUATION + 1)),
    "+".join(["x"] * (LONGEST_EQUATION // 2 - 5)),
    "tanh(" * 120 + "x" + ")" * 120,
    "(" * 900 + "x" + ")" * 900,
    "x" + ".a" * 900,
    "x" + "[0]" * 600,
    "[" * 150 + "]" * 150,
    "lambda: " * 200 + "x",
    "x + " * LONGEST_EQUATION + "x",
]


@pytest.mark.parametrize("text", REFUSED + BOUNDLESS, ids=lambda text: text[:30])
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cell 'own', line 2: "):
        parse_equations("cell 'own'", f"c = x\nh = {text}")


@pytest.mark.parametrize("line", NO_EQUATION, ids=repr)
def test_what_is_no_equation_is_refused(line: str) -> None:
    with pytest.raises(InputError, match=r"cell 'own', line 2: an equation is `name = expression`"):
        parse_equations("cell 'own'", f"c = x\n{line}")


def test_a_refusal_says_what_came_and_the_cure() -> None:
    with pytest.raises(InputError) as caught:
        parse("tanh(x.data)")
    assert str(caught.value) == (
        "cell 'own', line 1: an expression is made of names, numbers, + - * / @, whole powers and calls of "
        "known functions, got 'x.data'. A linear map is written `W_h @ vector`, within a product in "
        "brackets: `2 * (W_h @ x)`"
    )
    with pytest.raises(InputError, match=r"unknown function .*, got tan\(\) of 1. Known: sigmoid, tanh, "):
        parse("tan(x)")


def test_all_equations_together_have_a_bound() -> None:
    """401 long ones took a compiler ten minutes."""
    gate = "a{0} = tanh(W_a{0} @ x + R_a{0} @ h_prev + p_a{0} * h_prev + b_a{0})"
    lines = [gate.format(k) for k in range(401)]
    with pytest.raises(
        InputError, match=r"equations of a cell have at most 20000 characters together, got 2\d{4}"
    ):
        parse_equations("cell 'own'", "\n".join(lines))
    assert len(parse_equations("cell 'own'", "\n".join(lines[:300]))) == 300


def test_the_bounds_leave_room() -> None:
    parse("+".join(["x"] * 90))
    parse(f"x**{LARGEST_POWER}")
    parse("tanh(" * 90 + "x" + ")" * 90)


# ---- printing: the text of a random tree is read back as the same function

FACTORS = ("a", "b", "x")


def random_tree(source: random.Random, depth: int) -> Expression:
    """A tree by the constructors that derivations use too; numbers are exact in binary."""
    if depth == 0:
        return Symbol(source.choice(FACTORS))
    parts = [random_tree(source, source.randrange(depth)) for _ in range(source.randint(1, 3))]
    number = Number(source.choice([-2, -1, 0.5, 3, -0.25]))
    match source.randrange(7):
        case 0:
            return add(*(source.choice([p, -p]) for p in parts))
        case 1:
            return multiply(number, *parts)
        case 2:
            return multiply(*parts, *(source.choice([p, power(p, -1)]) for p in parts))
        case 3:
            return power(parts[0], source.choice([2, 3, -1, -2]))
        case 4:
            return MatrixVector("W_h", parts[0])
        case 5:
            return RowCall(source.choice([*ROW_FUNCTIONS]), parts[0])
    name = source.choice([*FUNCTIONS])
    return Call(name, tuple(random_tree(source, depth - 1) for _ in range(FUNCTIONS[name].arity)))


def exact(tree: Expression) -> Fraction:
    """The value of a tree at a fixed point in rational numbers; a call or a map is some other number."""
    match tree:
        case Number(value):
            return Fraction(value)
        case Symbol(name):
            return Fraction(2 * FACTORS.index(name) + 3, 7)
        case Sum(terms):
            return sum((exact(t) for t in terms), Fraction(0))
        case Product(factors):
            result = Fraction(1)
            for factor in factors:
                result *= exact(factor)
            return result
        case Power(base, exponent):
            return exact(base) ** exponent
        case Call(name, arguments):
            return opaque(name, *map(exact, arguments))
        case RowCall(name, argument) | MatrixVector(name, argument):
            return opaque(name, exact(argument))
    raise AssertionError(tree)


def opaque(*parts: object) -> Fraction:
    """A number that no other function or argument has."""
    return Fraction(int(sha256(repr(parts).encode()).hexdigest()[:8], 16) + 1, 2**16)


@pytest.mark.parametrize("seed", range(20))
def test_a_printed_tree_is_read_back_as_the_same_function(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(40):
        tree = random_tree(source, 4)
        text = to_text(tree)
        try:
            value = exact(tree)
        except ZeroDivisionError:
            continue
        found = parse(text)
        assert exact(found) == value, text
        assert exact(parse(to_text(found))) == value, text
        assert set(symbols(found)) == set(symbols(tree)), text


@pytest.mark.parametrize("name", CATALOGUE)
def test_printed_equations_of_the_catalogue_are_read_back_equal(name: str) -> None:
    for equation in CATALOGUE[name].equations:
        assert parse(to_text(equation.expression)) == equation.expression
