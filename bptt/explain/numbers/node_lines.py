"""The equations of a node with its numbers: net input, activation, error, δ, and the update of a weight."""

from __future__ import annotations

from bptt.cells.functions import get_function
from bptt.explain.document import EquationLine
from bptt.explain.figures import TIMES
from bptt.explain.formula_tree import (
    EQUALS,
    MINUS,
    PLUS,
    Digits,
    Fenced,
    Formula,
    FunctionName,
    MathName,
    Operator,
    Raised,
    Row,
    Term,
    beside,
    total,
)
from bptt.explain.numbers.nodes import (
    Node,
    NodeNetwork,
    SlopeNotation,
    decimals,
    delta_symbol,
    factor,
    given,
    net_symbol,
    product,
    target_symbol,
    weight_symbol,
)

ERROR, RATE, HALF = MathName("E"), MathName("η"), Digits("½")
ARROW = Operator("←")


def net_line(nodes: NodeNetwork, node: Node) -> EquationLine:
    """Write the net input of a node: the weighted sum of the layer below, and its bias."""
    sources, bias = nodes.layer(node.layer - 1), nodes.bias(node)
    symbols = [Term(False, beside(weight_symbol(node, s), nodes.symbol(s))) for s in sources]
    numbers = [product(given(nodes.weight(node, s)), shown(nodes, s)) for s in sources]
    if bias is not None:
        symbols.append(Term(False, weight_symbol(node, None)))
        numbers.append(product(given(bias)))
    return _line(net_symbol(node), symbols, numbers, nodes.net(node))


def activation_line(nodes: NodeNetwork, node: Node) -> EquationLine:
    """Write the activation of a node: f of its net input."""
    row = get_function(nodes.function(node))
    function = FunctionName(row.symbol or row.name, row.latex)
    symbols = [Term(False, Row((function, Fenced(net_symbol(node)))))]
    numbers = [Term(False, Row((function, Fenced(decimals(nodes.net(node))))))]
    return _line(nodes.symbol(node), symbols, numbers, nodes.activation(node))


def error_line(nodes: NodeNetwork) -> EquationLine:
    """Write E = ½ Σ (t − y)² over the outputs."""
    outputs = nodes.layer(nodes.last)
    symbols = [Term(False, Raised(_error(nodes, node, -1, False), "2")) for node in outputs]
    numbers = [Term(False, Raised(_error(nodes, node, -1, True), "2")) for node in outputs]
    return _line(ERROR, [_halved(symbols)], [_halved(numbers)], nodes.before.error)


def _halved(squares: list[Term]) -> Term:
    inner = squares[0].body if len(squares) == 1 else Fenced(total(tuple(squares)), "[", "]")
    return Term(False, beside(HALF, inner))


def delta_line(nodes: NodeNetwork, node: Node) -> EquationLine:
    """Write δ of a node: f′ times the error of an output, or times the weighted δ of the nodes above."""
    symbols = [Term(False, beside(*slope(nodes, node, False), _error_above(nodes, node, False)))]
    numbers = [product(*slope(nodes, node, True), _error_above(nodes, node, True))]
    return _line(delta_symbol(node), symbols, numbers, nodes.delta(node))


def slope(nodes: NodeNetwork, node: Node, numbers: bool) -> tuple[Formula, ...]:
    """Write f′ of a node as factors, in symbols or in numbers."""
    return SlopeNotation(nodes, node, numbers).slope(nodes.slope(node))


def _error_above(nodes: NodeNetwork, node: Node, numbers: bool) -> Formula:
    """Write the derivative by the activation, with the sign of δ: t − y, or Σ w δ over the nodes above."""
    if node.layer == nodes.last:
        return _error(nodes, node, nodes.before.sign, numbers)
    above = nodes.above(node)
    if numbers:
        terms = [product(given(nodes.weight(k, node)), decimals(nodes.delta(k))) for k in above]
    else:
        terms = [Term(False, beside(weight_symbol(k, node), delta_symbol(k))) for k in above]
    return Fenced(total(tuple(terms)))


def _error(nodes: NodeNetwork, node: Node, sign: int, numbers: bool) -> Formula:
    """Write (t − y), or (y − t) for a positive sign."""
    pair: tuple[Formula, Formula] = (target_symbol(node), nodes.symbol(node))
    if numbers:
        pair = (given(nodes.target(node)), factor(decimals(nodes.activation(node))))
    first, second = pair if sign < 0 else pair[::-1]
    return Fenced(Row((first, MINUS, second)))


def update_rule(weight: MathName, delta: Formula, source: Formula | None, minus: bool) -> Formula:
    """Write w ← w + η δ a, or with − if δ is the derivative itself; a bias has no a."""
    step = beside(RATE, delta, *([] if source is None else [source]))
    return Row((weight, ARROW, weight, PLUS if minus else MINUS, step))


def update_numbers(
    nodes: NodeNetwork, after: NodeNetwork, node: Node, source: Node | None, rate: float
) -> Formula:
    """Write the update of a weight, or of a bias (`source` None), in numbers."""
    before = nodes.bias(node) if source is None else nodes.weight(node, source)
    moved = after.bias(node) if source is None else after.weight(node, source)
    factors = [given(rate), factor(decimals(nodes.delta(node)))]
    if source is not None:
        factors.append(factor(shown(nodes, source)))
    step = tuple(part for each in factors for part in (TIMES, each))[1:]
    sign = PLUS if nodes.before.sign < 0 else MINUS
    return Row((given(before or 0.0), sign, *step, EQUALS, decimals(moved or 0.0)))


def shown(nodes: NodeNetwork, node: Node) -> Formula:
    """Write an activation: an input as it was given."""
    value = nodes.activation(node)
    return given(value) if node.layer == 0 else decimals(value)


def _line(left: Formula, symbols: list[Term], numbers: list[Term], value: float) -> EquationLine:
    found = (Term(False, decimals(value)),)
    rows = (found,) if tuple(numbers) == found else (tuple(numbers), found)
    return EquationLine(left, tuple(symbols), "", rows)
