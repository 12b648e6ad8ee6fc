"""A feed-forward network as numbered nodes: its inputs first, then layer by layer, up to the outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.cells.dense import DENSE
from bptt.cells.expression import ZERO, Call, Expression, Product, Symbol
from bptt.cells.functions import get_function
from bptt.derive.adjoint import DELTA
from bptt.derive.arithmetic import FLOATS
from bptt.derive.evaluate import Vector, value
from bptt.derive.network import Loss
from bptt.derive.network_pass import NetworkPass
from bptt.derive.normal_form import normal_form
from bptt.explain.figures import TIMES, figure, without_brackets
from bptt.explain.formula_tree import MINUS, Digits, Fenced, Formula, MathName, Row, Term
from bptt.explain.notation import Notation

# Below this, six decimals have fewer than four significant digits.
_SMALL = 1e-3


def has_nodes(before: NetworkPass) -> bool:
    """Return whether a pass can be written node by node.

    That is one example of the squared error, and layers y = f(W x + b) alone.
    """
    network = before.network
    plain = network.loss is Loss.SQUARED and not (network.output_layer or network.embedding)
    return plain and len(before.example.inputs) == 1 and all(map(is_plain, network.layers))


def is_plain(cell: Cell) -> bool:
    """Return whether the equations of a cell are a net input and a function of it."""
    steps = normal_form(cell).steps
    if cell.states or len(steps) != 2 or len(cell.matrices) != 1:
        return False
    net, output = steps
    bias = net.rest == ZERO or (isinstance(net.rest, Symbol) and net.rest.name in cell.vectors)
    called = isinstance(output.rest, Call) and output.rest.arguments == (Symbol(net.target),)
    return bias and called and [p.vector for p in net.products] == [cell.inputs[0]]


@dataclass(frozen=True)
class Node:
    """A node by its number from 1; layer 0 is the input, `unit` counts from 0 within the layer."""

    number: int
    layer: int
    unit: int


@dataclass(frozen=True)
class NodeNetwork:
    """The nodes of a pass, their symbols, and their numbers. δ has the sign of the pass."""

    before: NetworkPass

    @property
    def last(self) -> int:
        """The number of the last layer."""
        return len(self.before.layers)

    def layer(self, layer: int) -> tuple[Node, ...]:
        """Return the nodes of a layer; 0 is the input."""
        widths = [len(self.activations(each)) for each in range(self.last + 1)]
        first = sum(widths[:layer]) + 1
        return tuple(Node(first + unit, layer, unit) for unit in range(widths[layer]))

    def computed(self) -> Iterator[Node]:
        """Yield all nodes but the inputs, in order."""
        for layer in range(1, self.last + 1):
            yield from self.layer(layer)

    def above(self, node: Node) -> tuple[Node, ...]:
        """Return the nodes that read a node."""
        return self.layer(node.layer + 1)

    # Numbers.

    def activations(self, layer: int) -> Vector:
        """Return the activations of a layer."""
        if layer == 0:
            return self.before.example.inputs[0]
        one = self.before.layers[layer - 1]
        return one.values[0][one.cell.output]

    def activation(self, node: Node) -> float:
        """Return the activation of a node."""
        return float(self.activations(node.layer)[node.unit])

    def net(self, node: Node) -> float:
        """Return the net input of a node."""
        one = self.before.layers[node.layer - 1]
        return float(one.values[0][normal_form(one.cell).steps[0].target][node.unit])

    def delta(self, node: Node) -> float:
        """Return δ of a node's net input."""
        one = self.before.layers[node.layer - 1]
        return float(one.deltas[0][DELTA + normal_form(one.cell).steps[0].target][node.unit])

    def target(self, node: Node) -> float:
        """Return the target of an output node."""
        return float(self.before.example.targets[0][node.unit])

    def weight(self, node: Node, source: Node) -> float:
        """Return the weight that leads from `source` to `node`."""
        (matrix,) = self.before.layers[node.layer - 1].point.matrices.values()
        return float(matrix[node.unit][source.unit])

    def bias(self, node: Node) -> float | None:
        """Return the bias of a node; None if its layer has none."""
        for vector in self.before.layers[node.layer - 1].point.vectors.values():
            return float(vector[node.unit])
        return None

    def slope(self, node: Node) -> Expression:
        """Return f′ of the node's layer in the names y, the activation, and u, the net input."""
        function = get_function(self.function(node))
        return function.partials[0](Symbol("y"), Symbol("u"))

    def slope_value(self, node: Node) -> float:
        """Return f′ at a node's net input."""
        here = {"y": [self.activation(node)], "u": [self.net(node)]}
        return float(value(self.slope(node), here, FLOATS)[0])

    def function(self, node: Node) -> str:
        """Return the name of the function f of the node's layer."""
        output = normal_form(self.before.layers[node.layer - 1].cell).steps[1]
        match output.rest:
            case Call(function, _):
                return function
        raise TypeError(f"no call: {output}")

    # Symbols.

    def symbol(self, node: Node) -> MathName:
        """Return x for an input, y for an output, a for an inner node, with the node's number."""
        letter = "x" if node.layer == 0 else "y" if node.layer == self.last else "a"
        return MathName(letter, index=str(node.number))


def net_symbol(node: Node) -> MathName:
    """Return the symbol of a node's net input."""
    return MathName("net", index=str(node.number))


def delta_symbol(node: Node) -> MathName:
    """Return δ with the node's number."""
    return MathName(DELTA, index=str(node.number))


def target_symbol(node: Node) -> MathName:
    """Return the symbol of the target of an output node."""
    return MathName("t", index=str(node.number))


def weight_symbol(node: Node, source: Node | None) -> MathName:
    """Return w_ji, which leads from node i to node j; w_jb is the bias of node j."""
    if source is None:
        return MathName("w", index=f"{node.number}b")
    comma = "," if max(node.number, source.number) > 9 else ""
    return MathName("w", index=f"{node.number}{comma}{source.number}")


def decimals(number: float) -> Formula:
    """Write a computed number with six decimals, a small one with four significant digits."""
    if 0 < abs(number) < _SMALL:
        return figure(number)
    digits = Digits(f"{abs(number):.6f}")
    return Row((MINUS, digits)) if number < 0 else digits


def given(number: float) -> Formula:
    """Write a number as it was given, with up to six significant digits."""
    digits = Digits(f"{abs(number):.6g}")
    return Row((MINUS, digits)) if number < 0 else digits


def factor(number: Formula) -> Formula:
    """Write a number as a factor: in brackets if it is negative."""
    return Fenced(number) if isinstance(number, Row) and number.parts[0] == MINUS else number


def product(*numbers: Formula) -> Term:
    """Write a product of numbers as a term of a sum."""
    parts = [part for number in numbers for part in (TIMES, factor(number))]
    return without_brackets(Term(False, Row(tuple(parts[1:])) if len(numbers) > 1 else parts[1]))


class SlopeNotation(Notation):
    """The notation of f′ at one node: in symbols, or with `numbers` in their place."""

    def __init__(self, nodes: NodeNetwork, node: Node, numbers: bool) -> None:
        super().__init__(normal_form(DENSE), "")
        self.scalars = {*self.scalars, "y", "u"}
        self.numbers = numbers
        values = {"y": nodes.activation(node), "u": nodes.net(node)}
        symbols = {"y": nodes.symbol(node), "u": net_symbol(node)}
        self.shown = {n: factor(decimals(v)) for n, v in values.items()} if numbers else symbols

    def name(self, name: str) -> Formula:
        """Return the symbol or the number of the activation or the net input."""
        return self.shown[name]

    def slope(self, expression: Expression) -> tuple[Formula, ...]:
        """Write f′ as the factors of a product."""
        factors = expression.factors if isinstance(expression, Product) else (expression,)
        return tuple(map(self.factor, factors))
