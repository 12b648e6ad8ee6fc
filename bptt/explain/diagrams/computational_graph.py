"""The computational graph of one step: every forward equation, and beside each arrow what flows back."""

from __future__ import annotations

from bptt.cells.expression import Call, Product, RowCall, Sum, Symbol, symbols
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.differentiate import partial
from bptt.derive.normal_form import EquationStep, NormalForm
from bptt.explain.diagrams.cell_diagram import COPY, PRODUCT, SUM, CellBuilder
from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, Edge, Label, Port
from bptt.explain.formula_tree import Formula, MathName, Raised, beside, total
from bptt.explain.notation import Notation


def computational_graph(form: NormalForm, index: str) -> Diagram:
    """Return the graph of one time step, or of one layer, with the arrows of back-propagation."""
    return _Graph(form, index).diagram()


class _Graph:
    """Makes a box for every step of the normal form."""

    def __init__(self, form: NormalForm, index: str) -> None:
        self.form, self.cell = form, form.cell
        self.notation, self.builder = Notation(form, index), CellBuilder(form, index)
        self.loss = MathName("E", index=index)
        self.differentiated = {s.target.removeprefix(DELTA) for s in adjoint(form.cell).steps}

    def diagram(self) -> Diagram:
        """Return the whole graph."""
        read = dict.fromkeys(name for step in self.form.steps for name in step.names)
        inputs = [name for name in self.cell.inputs if name in read]
        previous = [name for name in self.form.previous if name in read]
        layers = dict.fromkeys(inputs, 0)
        boxes = [Box(x, 0, self.notation.name(x), delta=self.delta(x), kind=BoxKind.LAYER) for x in inputs]
        for step in self.form.steps:
            layers[step.target] = 1 + max((layers.get(name, 0) for name in step.names), default=0)
            boxes.append(self.box(step, layers[step.target]))
        out, top = self.cell.output, 1 + max(layers.values())
        flows = self.notation.name(FROM_LOSS + out)
        boxes.append(Box("E", top, self.loss, kind=BoxKind.LOSS, ports=(Port(out, back=flows),)))
        return Diagram(
            f"{self.cell.name}-graph",
            tuple(boxes),
            entries=tuple(Edge(p, self.notation.name(p), self.delta(p)) for p in previous),
            exits=tuple(
                Edge(s, self.notation.name(s), self.notation.name(FROM_NEXT + s)) for s in self.cell.states
            ),
        )

    def delta(self, name: str) -> Formula | None:
        """Return the symbol of the derivative by a value, None if the loss does not depend on it."""
        return self.notation.name(DELTA + name) if name in self.differentiated else None

    def box(self, step: EquationStep, layer: int) -> Box:
        """Make the box of a step with its ports."""
        sign, kind, labels = self.operation(step)
        # An operation that is written out has its matrices in it.
        factors = {p.matrix: self.notation.name(p.matrix) for p in step.products if sign == SUM}
        ports = tuple(
            Port(p.vector, factors.get(p.matrix), self.back_by_matrix(step, p.matrix)) for p in step.products
        )
        names = [n for n in symbols(step.rest) if n not in self.builder.parameters]
        ports += tuple(Port(name, labels.get(name), self.back(step, name)) for name in names)
        if step.target in self.cell.states:
            kind = BoxKind.STATE
        stubs = self.builder.summands(step.rest)[1] if sign == SUM else ()
        title, delta = self.notation.name(step.target), self.delta(step.target)
        return Box(step.target, layer, title, sign, kind, ports, stubs, delta=delta)

    def operation(self, step: EquationStep) -> tuple[Label | None, BoxKind, dict[str, Label]]:
        """Return the sign of a step, its kind, and the factors of the values that it adds."""
        rest = step.rest
        if isinstance(rest, Call):
            return self.builder.function(rest.function), BoxKind.NONLINEAR, {}
        if isinstance(rest, RowCall):
            return self.builder.row_function(rest.function), BoxKind.VALUE, {}
        factors = rest.factors if isinstance(rest, Product) and not step.products else ()
        if factors and all(isinstance(factor, Symbol) for factor in factors):
            return PRODUCT, BoxKind.VALUE, {}
        terms = rest.terms if isinstance(rest, Sum) else (rest,)
        values = [self.builder.values(term) for term in terms]
        names = [name for found in values for name in found]
        plain = all(len(found) < 2 for found in values) and len({*names}) == len(names)
        linear = plain and all(self.builder.is_linear(term) for term in terms)
        if linear:
            found = {p.source: p.factor for p in self.builder.summands(rest)[0] if p.factor is not None}
            alone = len(step.products) + len(terms) == 1 and not found
            return (COPY if alone and not step.products else SUM), BoxKind.VALUE, found
        return total(self.notation.right_side(step)), BoxKind.VALUE, {}

    def back_by_matrix(self, step: EquationStep, matrix: str) -> Formula | None:
        """Return what flows back through a matrix, Mᵀ δ."""
        delta = self.delta(step.target)
        return beside(Raised(self.notation.name(matrix), "T"), delta) if delta else None

    def back(self, step: EquationStep, name: str) -> Formula | None:
        """Return what flows back from a step to a value that it reads, δ times the derivative."""
        if step.target not in self.differentiated:
            return None
        width = self.form.width(name)
        flow = Symbol(DELTA + step.target) * partial(step, name, width)
        return self.notation.formula(RowCall("sum", flow) if width == "1" != step.width else flow)
