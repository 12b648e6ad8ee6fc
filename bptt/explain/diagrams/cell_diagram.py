"""The diagram of a cell: gates, products, sums; states from left to right, the input from below."""

from __future__ import annotations

from dataclasses import replace

from bptt.cells.expression import (
    ZERO,
    Call,
    Expression,
    MatrixVector,
    Power,
    Product,
    RowCall,
    Sum,
    Symbol,
    multiply,
    rename,
    split_sign,
    symbols,
    to_text,
    walk,
)
from bptt.cells.functions import get_function
from bptt.derive.normal_form import NormalForm
from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, Edge, Port, label_width
from bptt.explain.diagrams.regions import Region, regions
from bptt.explain.formula_tree import (
    INVISIBLE_PRODUCT,
    MINUS,
    Formula,
    FunctionName,
    MathName,
    Row,
)
from bptt.explain.notation import Notation

# The place of the one value that an operation reads, as in 1 − ·, and the longest operation in one box.
HOLE, LONGEST = "·", 26
# Operations as names: a sign between two parts would have spaces around it.
PRODUCT, SUM, COPY = FunctionName("⊙", r"\odot "), FunctionName("+", "+"), FunctionName("=", "=")
TOTAL, MINUS_SIGN = FunctionName("Σ", r"\Sigma "), FunctionName("−", "-")


class CellNotation(Notation):
    """The formulas of a cell, and operations with a hole for what they read."""

    def name(self, name: str) -> Formula:
        """Return the symbol of a name, or the hole."""
        return MathName(HOLE) if name == HOLE else super().name(name)


def cell_diagram(form: NormalForm, index: str) -> Diagram:
    """Return the diagram of a whole cell; a region of a large cell is one box."""
    cell = form.cell
    builder = CellBuilder(form, index)
    parts = regions(cell)
    results = {region.result: region for region in parts}
    hidden = {target for region in parts for target in region.targets}
    for equation in cell.equations:
        if equation.target in results:
            builder.region(results[equation.target])
        elif equation.target not in hidden:
            builder.value(equation.expression, equation.target)
    return builder.diagram(f"{cell.name}-cell", cell.output)


def region_diagram(form: NormalForm, index: str, region: Region) -> Diagram:
    """Return the diagram of a region, whose result leaves at the top."""
    builder = CellBuilder(form, index)
    for equation in region.equations:
        builder.value(equation.expression, equation.target)
    return builder.diagram(f"{form.cell.name}-{region.result}", region.result)


class CellBuilder:
    """Makes a box for every operation; an expression that occurs twice has one box."""

    def __init__(self, form: NormalForm, index: str) -> None:
        self.form, self.cell = form, form.cell
        self.notation = CellNotation(form, index)
        self.boxes: dict[str, Box] = {}
        self.parameters = {*self.cell.vectors, *self.cell.constants}

    def diagram(self, name: str, output: str) -> Diagram:
        """Return the diagram of all boxes made so far, in layers."""
        read = dict.fromkeys(port.source for box in self.boxes.values() for port in box.ports)
        inputs = [x for x in self.cell.inputs if x in read]
        entries = [p for p in self.form.previous if p in read]
        entries += [n for n in read if n not in self.boxes and n not in inputs and n not in entries]
        layers = dict.fromkeys(inputs, 0)
        for key, box in self.boxes.items():
            layers[key] = 1 + max((layers.get(p.source, 0) for p in box.ports), default=0)
        top = 1 + max(layers.values())
        below = [Box(x, 0, self.notation.name(x), kind=BoxKind.OUTER) for x in inputs]
        inner = [replace(box, layer=layers[key]) for key, box in self.boxes.items()]
        above = Box("output", top, self.notation.name(output), kind=BoxKind.OUTER, ports=(Port(output),))
        states = [s for s in self.cell.states if s in self.boxes]
        return Diagram(
            name,
            (*below, *inner, above),
            entries=tuple(Edge(e, self.notation.name(e)) for e in entries),
            exits=tuple(Edge(s, self.notation.name(s)) for s in states),
            framed=True,
        )

    def region(self, region: Region) -> None:
        """Make one box for a region."""
        last = region.equations[-1].expression
        sign: Formula = MathName("⋯")
        if isinstance(last, Call):
            sign = Row((sign, INVISIBLE_PRODUCT, self.function(last.function)))
        ports = tuple(Port(name) for name in region.reads if name not in self.parameters)
        title = self.notation.name(region.result)
        kind = BoxKind.NONLINEAR if isinstance(last, Call) else BoxKind.VALUE
        self.boxes[region.result] = Box(region.result, 0, title, sign, kind, ports)

    def value(self, expression: Expression, target: str = "") -> str:
        """Return the key of an expression's box, a new one where there is none."""
        if isinstance(expression, Symbol) and not target:
            return expression.name
        key = target or to_text(expression)
        if key not in self.boxes:
            made = self.box(expression, key, self.notation.name(target) if target else None)
            kind = BoxKind.STATE if target in self.cell.states else made.kind
            self.boxes[key] = replace(made, kind=kind)
        return key

    def box(self, expression: Expression, key: str, title: Formula | None) -> Box:
        """Make the box of an expression."""
        single = self.single(expression)
        if single is not None:
            sign, source = single
            return Box(key, 0, title, sign, self.kind(expression), (Port(source),))
        match expression:
            case Call(function, (argument,)):
                ports, stubs = self.summands(argument)
                return Box(key, 0, title, self.function(function), BoxKind.NONLINEAR, ports, stubs)
            case Call(function, arguments):
                ports = tuple(Port(self.value(a)) for a in arguments if self.values(a))
                stubs = tuple(self.notation.formula(a) for a in arguments if not self.values(a))
                sign = self.function(function)
                return Box(key, 0, title, sign, BoxKind.NONLINEAR, ports, stubs, commutes=False)
            case RowCall(function, argument):
                sign = self.row_function(function)
                return Box(key, 0, title, sign, BoxKind.VALUE, (Port(self.value(argument)),))
            case Power(base, exponent):
                sign = self.notation.formula(Power(Symbol(HOLE), exponent))
                return Box(key, 0, title, sign, BoxKind.VALUE, (Port(self.value(base)),))
            case Product(factors):
                ports = tuple(Port(self.value(f)) for f in factors if self.values(f))
                rest = [f for f in factors if not self.values(f)]
                stubs = (self.notation.formula(multiply(*rest)),) if rest else ()
                return Box(key, 0, title, PRODUCT, BoxKind.VALUE, ports, stubs)
            case MatrixVector(matrix, vector):
                return Box(
                    key, 0, title, self.notation.name(matrix), BoxKind.VALUE, (Port(self.value(vector)),)
                )
        ports, stubs = self.summands(expression)
        sign = SUM if len(ports) + len(stubs) > 1 else COPY
        return Box(key, 0, title, sign, BoxKind.VALUE, ports, stubs)

    def single(self, expression: Expression) -> tuple[Formula, str] | None:
        """Return an operation on one value with a hole for it, and the value; None for any other."""
        values = self.values(expression)
        maps = any(isinstance(e, MatrixVector) for e in walk(expression))
        if len(values) != 1 or maps or isinstance(expression, Symbol):
            return None
        match expression:
            case Call(function, (Symbol(),)):
                return self.function(function), values[0]
            case RowCall(function, Symbol()):
                return self.row_function(function), values[0]
        sign = self.notation.formula(rename(expression, {values[0]: Symbol(HOLE)}))
        return (sign, values[0]) if label_width(sign) <= LONGEST else None

    def summands(self, expression: Expression) -> tuple[tuple[Port, ...], tuple[Formula, ...]]:
        """Return the ports and parameters of a sum, or of a single term."""
        ports, stubs = [], []
        for term in expression.terms if isinstance(expression, Sum) else (expression,):
            if term == ZERO:
                continue
            negative, body = split_sign(term)
            if not self.values(body):
                formula = self.notation.formula(body)
                stubs.append(_negative(formula) if negative else formula)
                continue
            factor, rest = self.factor(body)
            if negative:
                factor = MINUS_SIGN if factor is None else _negative(factor)
            ports.append(Port(self.value(rest), factor))
        return tuple(ports), tuple(stubs)

    def factor(self, body: Expression) -> tuple[Formula | None, Expression]:
        """Split a term into a matrix or parameters, and the value that they are multiplied by."""
        if isinstance(body, MatrixVector):
            return self.notation.name(body.matrix), body.vector
        if isinstance(body, Product):
            own = [f for f in body.factors if self.values(f)]
            if len(own) == 1 and isinstance(own[0], Symbol | MatrixVector):
                front = self.notation.formula(multiply(*(f for f in body.factors if f is not own[0])))
                inner, rest = self.factor(own[0])
                return (front if inner is None else Row((front, INVISIBLE_PRODUCT, inner))), rest
        return None, body

    def values(self, expression: Expression) -> tuple[str, ...]:
        """Return the values that an expression reads, parameters and constants not among them."""
        matrices = any(isinstance(e, MatrixVector) for e in walk(expression))
        found = tuple(n for n in symbols(expression) if n not in self.parameters)
        # A matrix that reads parameters alone is still a map with a box of its own.
        return found or (("",) if matrices else ())

    def is_linear(self, term: Expression) -> bool:
        """Return whether a term is a parameter, or a value with parameters as factors."""
        rest = self.factor(split_sign(term)[1])[1]
        return not self.values(term) or isinstance(rest, Symbol)

    def function(self, name: str) -> Formula:
        """Return the symbol of a function."""
        row = get_function(name)
        return FunctionName(row.symbol or row.name, row.latex)

    def row_function(self, name: str) -> Formula:
        """Return the symbol of a statement over a row."""
        return TOTAL if name == "sum" else FunctionName(name)

    def kind(self, expression: Expression) -> BoxKind:
        """Return how an operation on one value is coloured."""
        return BoxKind.NONLINEAR if isinstance(expression, Call) else BoxKind.VALUE


def _negative(formula: Formula) -> Formula:
    return Row((MINUS, formula))
