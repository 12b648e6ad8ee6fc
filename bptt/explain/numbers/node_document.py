"""A feed-forward network worked through node by node: both passes, the chain at each node, the update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.explain.document import (
    Derivation,
    EquationLine,
    Part,
    Section,
    Sentence,
    Stage,
    Table,
    aligned,
    listing,
    say,
)
from bptt.explain.formula_tree import EQUALS, Formula, MathName, Row
from bptt.explain.numbers.chain_rule import chain_parts
from bptt.explain.numbers.facts import facts, title
from bptt.explain.numbers.node_lines import (
    ERROR,
    activation_line,
    delta_line,
    error_line,
    net_line,
    update_numbers,
    update_rule,
)
from bptt.explain.numbers.nodes import (
    Node,
    NodeNetwork,
    decimals,
    delta_symbol,
    given,
    target_symbol,
    weight_symbol,
)
from bptt.explain.numbers.worked import Worked


def node_document(worked: Worked) -> Derivation:
    """Return the document of a feed-forward network with numbered nodes: see `has_nodes`."""
    nodes = NodeNetwork(worked.updated.before)
    sections = (
        Section(Stage.SHAPES, "The nodes and their weights", tuple(_given(nodes))),
        Section(Stage.NORMAL, "Forward", tuple(_forward(nodes))),
        Section(Stage.ADJOINT, "Backward", tuple(_backward(nodes))),
        Section(Stage.JACOBIAN, "The chain rule at each node", tuple(chain_parts(nodes))),
        Section(Stage.GRADIENTS, "The update of each weight", tuple(_update(nodes, worked))),
    )
    numbered = tuple(replace(section, number=k) for k, section in enumerate(sections, 1))
    return Derivation(title(worked), tuple(facts(worked)), numbered)


def _given(nodes: NodeNetwork) -> Iterator[Part]:
    inputs, outputs = nodes.layer(0), nodes.layer(nodes.last)
    hidden = tuple(node for node in nodes.computed() if node.layer < nodes.last)
    named = (
        say(
            "Nodes {} are the inputs, {} the inner nodes, {} the outputs.",
            *map(_span, (inputs, hidden, outputs)),
        )
        if hidden
        else say("Nodes {} are the inputs, {} the outputs.", _span(inputs), _span(outputs))
    )
    weight = say("The weight {} leads from node i to node j.", MathName("w", index="ji"))
    has_bias = any(nodes.bias(node) is not None for node in outputs)
    bias = (
        say("{} is the bias of node j.", MathName("w", index="jb"))
        if has_bias
        else say("There are no biases.")
    )
    yield say("{} {} {}", named, weight, bias)
    values = [(nodes.symbol(node), nodes.activation(node)) for node in inputs]
    wanted = [(target_symbol(node), nodes.target(node)) for node in outputs]
    yield say("Inputs: {}. Targets: {}.", _listed(values), _listed(wanted))
    for layer in range(1, nodes.last + 1):
        yield _weights(nodes, layer)


def _span(nodes: tuple[Node, ...]) -> str:
    first, last = nodes[0].number, nodes[-1].number
    return str(first) if first == last else f"{first}–{last}"


def _listed(values: list[tuple[MathName, float]]) -> Sentence:
    return listing(say("{}", Row((symbol, EQUALS, given(value)))) for symbol, value in values)


def _weights(nodes: NodeNetwork, layer: int) -> Table:
    """Return the weights of a layer: a row for each node, a column for each node below it."""
    sources, own = nodes.layer(layer - 1), nodes.layer(layer)
    has_bias = nodes.bias(own[0]) is not None
    last = (say("bias"),) if has_bias else ()
    head = (say("to node"), *(say("from {}", str(source.number)) for source in sources), *last)
    rows = []
    for node in own:
        weights = [given(nodes.weight(node, source)) for source in sources]
        bias = nodes.bias(node)
        entries = [*weights, *([] if bias is None else [given(bias)])]
        rows.append((say("{}", str(node.number)), *(say("{}", entry) for entry in entries)))
    return Table(head, tuple(rows), numeric_from=1)


def _forward(nodes: NodeNetwork) -> Iterator[Part]:
    lines: list[EquationLine] = []
    for node in nodes.computed():
        lines += [net_line(nodes, node), activation_line(nodes, node)]
    yield from aligned(lines)
    yield say("The error of this example:")
    yield from aligned([error_line(nodes)])


def _backward(nodes: NodeNetwork) -> Iterator[Part]:
    delta, net = MathName("δ", index="j"), MathName("net", index="j")
    if nodes.before.sign < 0:
        yield say(
            "{} is minus the derivative of {} by {}, as in the textbooks (Mitchell 1997, table 4.2), so that"
            " {} goes downhill.",
            delta,
            ERROR,
            net,
            _rule(minus=True),
        )
    else:
        yield say(
            "{} is the derivative of {} by {}, so that {} goes downhill.",
            delta,
            ERROR,
            net,
            _rule(minus=False),
        )
    yield say(
        "The outputs come first, because each inner node needs the {} of the nodes that it feeds.",
        MathName("δ"),
    )
    for layer in range(nodes.last, 0, -1):
        if layer < nodes.last:
            yield say("Inner nodes:")
        yield from aligned(delta_line(nodes, node) for node in nodes.layer(layer))


def _rule(minus: bool) -> Formula:
    weight, delta, source = MathName("w", index="ji"), MathName("δ", index="j"), MathName("a", index="i")
    return update_rule(weight, delta, source, minus)


def _update(nodes: NodeNetwork, worked: Worked) -> Iterator[Part]:
    after, minus = NodeNetwork(worked.updated.after), nodes.before.sign < 0
    rows = []
    for node in nodes.computed():
        biases = () if nodes.bias(node) is None else (None,)
        for source in (*nodes.layer(node.layer - 1), *biases):
            symbol = None if source is None else nodes.symbol(source)
            rule = update_rule(weight_symbol(node, source), delta_symbol(node), symbol, minus)
            numbers = update_numbers(nodes, after, node, source, worked.updated.rate)
            rows.append((say("{}", rule), say("{}", numbers)))
    yield Table((say("rule"), say("in numbers")), tuple(rows), numeric_from=2)
    yield say(
        "After the update: {}; before it was {}.",
        Row((ERROR, EQUALS, decimals(worked.updated.after.error))),
        decimals(worked.updated.before.error),
    )
