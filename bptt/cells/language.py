"""The language of cells: one equation a line, read by a parser that evaluates nothing.

    i = sigmoid(W_i @ x + R_i @ h_prev + b_i)      a gate: `@` is a linear map
    c = f * c_prev + i * g                         everything else is element by element
    m = mean(c)                                    a statement over the row

Python's own grammar is used (`ast.parse`), and of it only names, numbers, + - * / ** @ and calls of
the functions in `bptt.cells.functions`. Text that comes from a stranger's file can do nothing else.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

from bptt.cells.expression import Call, Expression, MatrixVector, Number, Power, RowCall, Symbol, walk
from bptt.cells.functions import ROW_FUNCTIONS, find_function, function_names
from bptt.errors import InputError

PREVIOUS = "_prev"

# A stranger's cell must exhaust neither the stack nor the memory.
LONGEST_EQUATION = 2000
MOST_EQUATIONS = 500
LARGEST_CELL = 20_000  # characters of all equations together
DEEPEST_EQUATION = 100
LARGEST_POWER = 100
# From here on floats have no room for every whole number, nor machines for every larger one.
LARGEST_INTEGER = 2**53


@dataclass(frozen=True)
class Equation:
    """`target = expression`, with the text it was written in."""

    target: str
    expression: Expression
    text: str


def parse_equations(where: str, text: str) -> tuple[Equation, ...]:
    """Read the equations of a cell; blank lines and # comments are allowed.

    Raises InputError for a line that is no equation of the language, and for texts that are too long.
    """
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    if sum(map(bool, lines)) > MOST_EQUATIONS:
        raise InputError(where, f"a cell has at most {MOST_EQUATIONS} equations", sum(map(bool, lines)))
    if sum(map(len, lines)) > LARGEST_CELL:
        rule = f"the equations of a cell have at most {LARGEST_CELL} characters together"
        raise InputError(
            where, rule, sum(map(len, lines)), "Give values that occur often a name of their own"
        )
    return tuple(_equation(f"{where}, line {n}", line) for n, line in enumerate(lines, 1) if line)


def _equation(where: str, line: str) -> Equation:
    match _parse(where, line):
        case [ast.Assign(targets=[ast.Name(id=target)], value=value)]:
            return Equation(target, _bounded(where, value), line)
    raise InputError(where, "an equation is `name = expression`", repr(line))


def _parse(where: str, line: str) -> list[ast.stmt]:
    """Parse a line to its syntax tree, neither too long nor too deep."""
    if len(line) > LONGEST_EQUATION:
        raise InputError(where, f"an equation has at most {LONGEST_EQUATION} characters", len(line))
    try:
        statements = ast.parse(line).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(where, "an equation is `name = expression`", repr(line)) from error
    level: list[ast.AST] = [*statements]
    for _ in range(DEEPEST_EQUATION):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        rule = f"an equation nests at most {DEEPEST_EQUATION} operations"
        raise InputError(where, rule, repr(line), "Give a part of it a name in an equation of its own")
    return statements


def _bounded(where: str, node: ast.expr) -> Expression:
    """Read the expression, its numbers such that every machine can hold them."""
    try:
        expression = _expression(where, node)
        bounded = all(_is_bounded(part) for part in walk(expression))
    except (OverflowError, ZeroDivisionError):
        bounded = False
    if not bounded:
        rule = f"numbers are finite, and powers at most {LARGEST_POWER}"
        raise InputError(where, rule, repr(ast.unparse(node)))
    return expression


def _is_bounded(node: Expression) -> bool:
    match node:
        case Number(value):
            return math.isfinite(value)
        case Power(_, exponent):
            return abs(exponent) <= LARGEST_POWER
    return True


def _expression(where: str, node: ast.expr) -> Expression:
    match node:
        case ast.Name(id=name):
            return Symbol(name)
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as value):
            return Number(value if abs(value) < LARGEST_INTEGER else float(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_expression(where, operand)
        case ast.BinOp(left=ast.Name(id=matrix), op=ast.MatMult(), right=right):
            return MatrixVector(matrix, _expression(where, right))
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as exponent)):
            return _expression(where, left) ** exponent
        case ast.BinOp(
            left=left,
            op=ast.Pow(),
            right=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as exponent)),
        ):
            return _expression(where, left) ** -exponent
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, right=right):
            return _arithmetic(op, _expression(where, left), _expression(where, right))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(where, name, [_expression(where, a) for a in arguments])
    rule = "an expression is made of names, numbers, + - * / @, whole powers and calls of known functions"
    raise InputError(
        where,
        rule,
        repr(ast.unparse(node)),
        "A linear map is written `W_h @ vector`, within a product in brackets: `2 * (W_h @ x)`",
    )


def _arithmetic(op: ast.operator, left: Expression, right: Expression) -> Expression:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case _:
            return left / right


def _call(where: str, name: str, arguments: list[Expression]) -> Expression:
    if name in ROW_FUNCTIONS and len(arguments) == 1:
        return RowCall(name, arguments[0])
    function = find_function(name)
    if function is not None and len(arguments) == function.arity:
        return Call(name, tuple(arguments))
    known = ", ".join([*function_names(), *ROW_FUNCTIONS])
    raise InputError(
        where,
        "unknown function or number of arguments",
        f"{name}() of {len(arguments)}",
        f"Known: {known}",
    )
