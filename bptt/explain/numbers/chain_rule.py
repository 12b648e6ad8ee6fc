"""The chain ∂E/∂y · ∂y/∂net · ∂net/∂w at each node, factor by factor: outputs first, then inner nodes."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.explain.document import EquationLine, Part, Sentence, aligned, listing, say
from bptt.explain.formula_tree import (
    MINUS,
    Fenced,
    Formula,
    Row,
    Term,
    beside,
    derivative,
)
from bptt.explain.numbers.node_lines import ERROR, shown, slope
from bptt.explain.numbers.nodes import (
    Node,
    NodeNetwork,
    decimals,
    delta_symbol,
    factor,
    given,
    net_symbol,
    product,
    target_symbol,
    weight_symbol,
)


def chain_parts(nodes: NodeNetwork) -> Iterator[Part]:
    """Yield for each node, from the outputs down, the chain for the first weight that leads to it."""
    yield say(
        "A weight acts on {} through the net input of its node alone. At each node the chain is written out"
        " for the first weight; for the others only the last factor changes.",
        ERROR,
    )
    for layer in range(nodes.last, 0, -1):
        for node in nodes.layer(layer):
            yield _about(nodes, node)
            yield from aligned(_output(nodes, node) if layer == nodes.last else _inner(nodes, node))


def _about(nodes: NodeNetwork, node: Node) -> Sentence:
    if node.layer == nodes.last:
        return say("Node {} is an output, with the target {}:", str(node.number), target_symbol(node))
    above = listing(say("{}", str(k.number)) for k in nodes.above(node))
    return say(
        "Node {} acts on {} through the nodes that it feeds, Downstream({}) = {{}}:",
        str(node.number),
        ERROR,
        str(node.number),
        above,
    )


def _output(nodes: NodeNetwork, node: Node) -> Iterator[EquationLine]:
    """Yield the chain of an output node, then its factors."""
    y, net = nodes.symbol(node), net_symbol(node)
    by_y = nodes.activation(node) - nodes.target(node)
    yield _gradient(
        nodes, node, [(derivative(ERROR, y), by_y), (derivative(y, net), nodes.slope_value(node))]
    )
    error = Row((target_symbol(node), MINUS, y))
    numbers = Row((given(nodes.target(node)), MINUS, factor(decimals(nodes.activation(node)))))
    yield _line(derivative(ERROR, y), [Term(True, Fenced(error))], [Term(True, Fenced(numbers))], by_y)
    yield _slope_line(nodes, node)
    yield _source_line(nodes, node)
    yield _delta_line(nodes, node)


def _inner(nodes: NodeNetwork, node: Node) -> Iterator[EquationLine]:
    """Yield the chain of an inner node, with the sum over the nodes that it feeds."""
    a, net = nodes.symbol(node), net_symbol(node)
    above = nodes.above(node)
    by_a = sum(nodes.weight(k, node) * _by_net(nodes, k) for k in above)
    yield _gradient(
        nodes, node, [(derivative(ERROR, a), by_a), (derivative(a, net), nodes.slope_value(node))]
    )
    chains = [
        Term(False, beside(derivative(ERROR, net_symbol(k)), derivative(net_symbol(k), a))) for k in above
    ]
    numbers = [product(decimals(_by_net(nodes, k)), given(nodes.weight(k, node))) for k in above]
    yield _line(derivative(ERROR, a), chains, numbers, by_a)
    for k in above:
        weight = [Term(False, weight_symbol(k, node))]
        yield EquationLine(
            derivative(net_symbol(k), a), tuple(weight), "", ((Term(False, given(nodes.weight(k, node))),),)
        )
    yield _slope_line(nodes, node)
    yield _source_line(nodes, node)
    yield _delta_line(nodes, node)


def _gradient(nodes: NodeNetwork, node: Node, chain: list[tuple[Formula, float]]) -> EquationLine:
    """Write ∂E/∂w of the first weight as a product of three factors."""
    source = nodes.layer(node.layer - 1)[0]
    weight, x = weight_symbol(node, source), nodes.activation(source)
    last = derivative(net_symbol(node), weight)
    symbols = [Term(False, beside(*(formula for formula, _ in chain), last))]
    numbers = [product(*(decimals(value) for _, value in chain), shown(nodes, source))]
    found = x
    for _, value in chain:
        found *= value
    return _line(derivative(ERROR, weight), symbols, numbers, found)


def _slope_line(nodes: NodeNetwork, node: Node) -> EquationLine:
    symbols = [Term(False, beside(*slope(nodes, node, numbers=False)))]
    numbers = [product(*slope(nodes, node, numbers=True))]
    return _line(derivative(nodes.symbol(node), net_symbol(node)), symbols, numbers, nodes.slope_value(node))


def _source_line(nodes: NodeNetwork, node: Node) -> EquationLine:
    source = nodes.layer(node.layer - 1)[0]
    left = derivative(net_symbol(node), weight_symbol(node, source))
    value = Term(False, shown(nodes, source))
    return EquationLine(left, (Term(False, nodes.symbol(source)),), "", ((value,),))


def _delta_line(nodes: NodeNetwork, node: Node) -> EquationLine:
    """Write δ as the derivative by the net input, with its sign."""
    minus = nodes.before.sign < 0
    right = (Term(minus, derivative(ERROR, net_symbol(node))),)
    return EquationLine(delta_symbol(node), right, "", ((Term(False, decimals(nodes.delta(node))),),))


def _by_net(nodes: NodeNetwork, node: Node) -> float:
    """Return ∂E/∂net, whichever sign δ has."""
    return nodes.before.sign * nodes.delta(node)


def _line(left: Formula, symbols: list[Term], numbers: list[Term], value: float) -> EquationLine:
    return EquationLine(left, tuple(symbols), "", (tuple(numbers), (Term(False, decimals(value)),)))
