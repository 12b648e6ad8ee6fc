"""The backward equations of a cell: reverse mode, step by step.

δv stands for ∂E/∂v, E the loss summed over all time steps. Walking the normal form from its end, the δ
of a value is the sum over its readers of δreader ⊙ ∂reader/∂value, and Mᵀ δreader where a matrix M reads
it. A state is read from outside as well: by the loss at this time (`loss_h`) and by the next time
step (`next_h`, the δh_prev found there). The previous states' δ, found last, are handed on to time t-1.

A parameter is shared by all time steps, so its gradient is the sum over time of what each step
contributes (the immediate derivative ∂⁺): δtarget sourceᵀ for a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, Expression, RowCall, Symbol, add, symbols
from bptt.derive.differentiate import partial
from bptt.derive.normal_form import EquationStep, MatrixProduct, NormalForm, normal_form

DELTA, FROM_LOSS, FROM_NEXT = "δ", "loss_", "next_"


@dataclass(frozen=True, slots=True)
class MatrixGradient:
    """∇matrix = Σ over time and batch of Σ over `terms` (δ, source) of δ sourceᵀ."""

    matrix: str
    terms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VectorGradient:
    """∇vector = Σ over time and batch of an element-by-element expression."""

    vector: str
    expression: Expression


@dataclass(frozen=True)
class Adjoint:
    """The backward equations of one time step, in order, and the gradients of the parameters."""

    cell: Cell
    steps: tuple[EquationStep, ...]
    matrices: tuple[MatrixGradient, ...]
    vectors: tuple[VectorGradient, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The forward values that the backward equations and gradients need, sorted."""
        names = {n for s in self.steps for n in s.names}
        names |= {source for g in self.matrices for _, source in g.terms}
        names |= {n for g in self.vectors for n in symbols(g.expression)}
        own = {s.target for s in self.steps}
        outside = {*self.cell.constants, *self.cell.vectors}
        return tuple(sorted(n for n in names - own - outside if not n.startswith((FROM_LOSS, FROM_NEXT))))


@cached_by_cell
def adjoint(cell: Cell) -> Adjoint:
    """Derive back-propagation through one time step of a cell."""
    return _Reverse(normal_form(cell)).run()


class _Reverse:
    """Gathers, for every name, what its readers contribute to its δ."""

    def __init__(self, form: NormalForm) -> None:
        self.form = form
        self.cell = form.cell
        self.cell_values = {step.target for step in form.steps}
        self.steps: list[EquationStep] = []
        self.products: dict[str, list[MatrixProduct]] = {}
        self.terms: dict[str, list[Expression]] = {}
        # By the width of the reader: numbers of rows of one width alone can be added before they are summed.
        self.row_terms: dict[str, dict[str, list[Expression]]] = {}
        self.matrices: dict[str, list[tuple[str, str]]] = {}
        for state in self.cell.states:
            self.terms[state] = [Symbol(FROM_LOSS + state), Symbol(FROM_NEXT + state)]
        if self.cell.output not in self.cell.states:
            self.terms[self.cell.output] = [Symbol(FROM_LOSS + self.cell.output)]

    def run(self) -> Adjoint:
        for step in reversed(self.form.steps):
            if self.close(step.target, step.width):
                self.distribute(step)
        for name in (*self.form.previous, *self.cell.inputs):
            self.close(name, self.form.width(name))
        return Adjoint(
            self.cell,
            tuple(self.steps),
            tuple(MatrixGradient(m, tuple(self.matrices.get(m, ()))) for m in self.cell.matrices),
            tuple(VectorGradient(v, add(*self.terms.get(v, [ZERO]))) for v in self.cell.vectors),
        )

    def close(self, name: str, width: str) -> bool:
        """Write the step for δname, all its readers being known; False if it is a value that no step reads.

        The contributions of vectors to a value over a row are summed over the row.
        """
        terms = list(self.terms.get(name, ()))
        products = tuple(reversed(self.products.get(name, ())))
        rows = [RowCall("sum", add(*parts)) for parts in self.row_terms.get(name, {}).values()]
        if not (terms or products or rows) and name in self.cell_values:
            return False
        if len(rows) == 1 and not terms:
            rest: Expression = rows[0]
        else:
            for k, row in enumerate(rows, 1):
                # No value's name ends in "_rows", so that no δ has this name.
                target = f"{DELTA}{name}{'_rows' * k}"
                self.steps.append(EquationStep(target, "1", (), row))
                terms.append(Symbol(target))
            rest = add(*terms)
        self.steps.append(EquationStep(DELTA + name, width, products, rest))
        return True

    def distribute(self, step: EquationStep) -> None:
        """Add the contribution of δtarget to everything that the step reads."""
        delta = Symbol(DELTA + step.target)
        for product in step.products:
            self.products.setdefault(product.vector, []).append(
                MatrixProduct(product.matrix, delta.name, transposed=True)
            )
            self.matrices.setdefault(product.matrix, []).append((delta.name, product.vector))
        for name in symbols(step.rest):
            if name in self.cell.constants:
                continue
            width = self.form.width(name)
            contribution = delta * partial(step, name, width)
            broadcast = width == "1" and step.width != "1"
            if broadcast:
                self.row_terms.setdefault(name, {}).setdefault(step.width, []).append(contribution)
            else:
                self.terms.setdefault(name, []).append(contribution)
