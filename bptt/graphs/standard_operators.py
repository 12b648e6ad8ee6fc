"""The standard operator of ONNX that computes a cell: found from its equations, whatever their names.

Gates of LSTM, GRU and RNN share one activation, which is σ, tanh or ReLU here. Coupled gates become plain
ones by weights of the other sign, since 1 − σ(a) = σ(−a): programs that read the attribute `input_forget`
disagree about which gate it derives from the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import Call, Expression, MatrixVector, Symbol
from bptt.cells.language import PREVIOUS
from bptt.graphs.canonical_form import (
    Factors,
    NotCanonicalError,
    Polynomial,
    polynomial,
    state_polynomials,
)

_ACTIVATIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}

# The constant 1, as the name of a vector that a bias is made of.
ONE = "1"


@dataclass(frozen=True)
class GateTerm:
    """A part of a gate's argument: `coefficient` times a parameter.

    `place` is W for a matrix that the input meets, R for one that the output of the step before meets, P for
    a vector that the cell state meets, b for a bias, and d for one that the reset gate of a GRU multiplies.
    """

    place: str
    parameter: str
    coefficient: float


Gate = tuple[GateTerm, ...]


@dataclass(frozen=True)
class StandardOperator:
    """An operator with its gates in the order of its rows, and its activations.

    `states` are the cell's states in the order of the operator, the output first. `peepholes` numbers the
    gates in the order of the operator's peephole weights.
    """

    kind: str
    gates: tuple[Gate, ...]
    activations: tuple[str, ...]
    states: tuple[str, ...]
    peepholes: tuple[int, ...] = ()
    linear_before_reset: int | None = None


@cached_by_cell
def standard_operator(cell: Cell) -> StandardOperator | None:
    """Return the operator that computes a cell, None if there is none."""
    if cell.output not in cell.states or len(cell.inputs) != 1:
        return None
    try:
        new = state_polynomials(cell)
        if len(cell.states) == 1:
            reader = _Reader(cell)
            return _rnn(reader, new[cell.output]) or _gru(reader, new[cell.output])
        return _lstm(_Reader(cell), new) if len(cell.states) == 2 else None
    except NotCanonicalError:
        return None


@dataclass(frozen=True)
class _Reader:
    """Reads the arguments of a cell's gates."""

    cell: Cell

    @property
    def previous(self) -> Symbol:
        """The output of the step before."""
        return Symbol(self.cell.output + PREVIOUS)

    def gate(self, argument: Expression, peephole: str = "") -> Gate | None:
        """Return the gate of an argument, None if it is not linear; it may see the value `peephole`."""
        found = [self._term(f, c, peephole) for f, c in polynomial(argument).items()]
        terms = [term for term in found if term is not None]
        return tuple(terms) if len(terms) == len(found) else None

    def candidate(self, argument: Expression) -> Iterator[tuple[Gate, Call, int]]:
        """Yield each reading of a GRU's candidate: its gate, the reset gate, `linear_before_reset`."""
        items = polynomial(argument).items()
        factors = {factor for each, _ in items for factor in each}
        vectors = [polynomial(each.vector) for each in factors if isinstance(each, MatrixVector)]
        factors |= {factor for vector in vectors for each in vector for factor in each}
        for reset in filter(None, (_call(factor, "sigmoid") for factor in factors)):
            for after in (0, 1):
                found = [self._candidate_term(f, c, reset, after) for f, c in items]
                terms = [term for term in found if term is not None]
                if len(terms) == len(found):
                    yield tuple(terms), reset, after

    def _term(self, factors: Factors, coefficient: float, peephole: str = "") -> GateTerm | None:
        vectors = self.cell.vectors
        match factors:
            case ():
                return GateTerm("b", ONE, coefficient)
            case (MatrixVector(matrix, Symbol(name)),) if name == self.cell.inputs[0]:
                return GateTerm("W", matrix, coefficient)
            case (MatrixVector(matrix, vector),) if vector == self.previous:
                return GateTerm("R", matrix, coefficient)
            case (Symbol(name),) if name in vectors:
                return GateTerm("b", name, coefficient)
            case (Symbol(a), Symbol(b)) if peephole in (a, b) and (b if a == peephole else a) in vectors:
                return GateTerm("P", b if a == peephole else a, coefficient)
        return None

    def _candidate_term(
        self, factors: Factors, coefficient: float, reset: Expression, after: int
    ) -> GateTerm | None:
        match factors:
            case (MatrixVector(matrix, vector),) if not after:
                if polynomial(vector) == polynomial(self.previous * reset):
                    return GateTerm("R", matrix, coefficient)
            case (a, b) if after and reset in (a, b):
                inner = self._term((b if a == reset else a,), coefficient)
                if inner is not None and inner.place in ("R", "b"):
                    return GateTerm({"b": "d"}.get(inner.place, inner.place), inner.parameter, coefficient)
        term = self._term(factors, coefficient)
        return None if term is None or term.place == "R" else term


def _call(expression: Expression, function: str = "") -> Call | None:
    """Return a call of an activation that the operators have, or of `function`; None for anything else."""
    match expression:
        case Call(name, _) if name == function or (not function and name in _ACTIVATIONS):
            return expression
    return None


def _negated(gate: Gate | None) -> Gate | None:
    if gate is None:
        return None
    return tuple(GateTerm(term.place, term.parameter, -term.coefficient) for term in gate)


def _rnn(reader: _Reader, new: Polynomial) -> StandardOperator | None:
    """Match h = f(W x + R h_prev + b)."""
    match list(new.items()):
        case [((Call(function, (argument,)),), 1.0)] if function in _ACTIVATIONS:
            gate = reader.gate(argument)
            if gate is not None:
                return StandardOperator("RNN", (gate,), (_ACTIVATIONS[function],), reader.cell.states)
    return None


def _gru(reader: _Reader, new: Polynomial) -> StandardOperator | None:
    """Match h = z ⊙ h_prev + (1 − z) ⊙ n, also with 1 − z in the place of z."""
    calls = {factor for factors in new for factor in factors if isinstance(factor, Call)}
    for update, candidate in permutations(calls, 2):
        if update.function != "sigmoid" or _call(candidate) is None:
            continue
        z, n, h = update, candidate, reader.previous
        gate = reader.gate(z.arguments[0])
        if new == polynomial(z * h + (1 - z) * n):
            pass
        elif new == polynomial(z * n + (1 - z) * h):
            gate = _negated(gate)
        else:
            continue
        for inner, reset, after in reader.candidate(n.arguments[0]):
            first = reader.gate(reset.arguments[0])
            if gate is not None and first is not None:
                functions = ("Sigmoid", _ACTIVATIONS[n.function])
                states = reader.cell.states
                return StandardOperator("GRU", (gate, first, inner), functions, states, (), after)
    return None


def _lstm(reader: _Reader, new: dict[str, Polynomial]) -> StandardOperator | None:
    """Match c = f ⊙ c_prev + i ⊙ g and h = o ⊙ tanh(c), also with coupled f and i."""
    hidden = reader.cell.output
    (memory,) = (state for state in reader.cell.states if state != hidden)
    match list(new[hidden].items()):
        case [((Call() as one, Call() as two), 1.0)]:
            for output, squashed in ((one, two), (two, one)):
                if squashed.arguments == (Symbol(memory),) and _call(squashed) and _call(output):
                    return _lstm_gates(reader, memory, new[memory], output, squashed.function)
    return None


def _lstm_gates(
    reader: _Reader, memory: str, new: Polynomial, output: Call, squashing: str
) -> StandardOperator | None:
    before = Symbol(memory + PREVIOUS)
    last = reader.gate(output.arguments[0], memory)
    calls = {factor for factors in new for factor in factors if isinstance(factor, Call)}
    for f, i, g in permutations(calls, 3):
        if f.function == i.function == output.function and new == polynomial(f * before + i * g):
            gates = [reader.gate(gate.arguments[0], before.name) for gate in (f, i)]
            return _lstm_operator(reader, memory, last, gates, g, output.function, squashing)
    for f, g in permutations(calls, 2):
        if not f.function == output.function == "sigmoid":
            continue
        gate = reader.gate(f.arguments[0], before.name)
        if new == polynomial(f * before + (1 - f) * g):
            return _lstm_operator(reader, memory, last, [gate, _negated(gate)], g, "sigmoid", squashing)
        if new == polynomial((1 - f) * before + f * g):
            return _lstm_operator(reader, memory, last, [_negated(gate), gate], g, "sigmoid", squashing)
    return None


def _lstm_operator(
    reader: _Reader,
    memory: str,
    output: Gate | None,
    forget_and_input: list[Gate | None],
    candidate: Call,
    gate_function: str,
    squashing: str,
) -> StandardOperator | None:
    forget, first = forget_and_input
    inner = reader.gate(candidate.arguments[0]) if _call(candidate) else None
    if output is None or forget is None or first is None or inner is None:
        return None
    functions = tuple(_ACTIVATIONS[name] for name in (gate_function, candidate.function, squashing))
    gates = (first, output, forget, inner)
    seen = any(term.place == "P" for gate in gates for term in gate)
    return StandardOperator("LSTM", gates, functions, (reader.cell.output, memory), (0, 1, 2) if seen else ())
