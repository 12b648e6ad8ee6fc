"""The output of a network and its loss at each step, with their numbers, and their δ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bptt.derive.adjoint import DELTA
from bptt.derive.network import Loss
from bptt.derive.network_pass import OUTPUT, B, NetworkPass, V
from bptt.explain.document import EquationLine
from bptt.explain.figures import TIMES, as_factor, as_term, figure
from bptt.explain.formula_tree import (
    MINUS,
    Digits,
    Fenced,
    Formula,
    FunctionName,
    MathName,
    Raised,
    Row,
    Term,
    beside,
    derivative,
    total,
)
from bptt.explain.losses import FUNCTIONS
from bptt.explain.numbers.step_notation import StepNotation, step_index
from bptt.explain.numbers.written_numbers import term, written

_LN = FunctionName("ln", r"\ln")
_ONE, _HALF = Digits("1"), Digits("½")


@dataclass(frozen=True)
class OutputAtStep:
    """The output at one step, from 1."""

    before: NetworkPass
    step: int

    @property
    def index(self) -> str:
        """The index of the step."""
        return step_index(self.before, self.step)

    @property
    def state(self) -> MathName:
        """The symbol of the last layer's output."""
        return StepNotation(self.before, len(self.before.layers), self.step).output

    @property
    def net(self) -> MathName:
        """The symbol of the net input of the output; the state itself without an output layer."""
        return MathName("z", index=self.index) if self.before.network.output_layer else self.state

    @property
    def output(self) -> MathName:
        """The symbol of the output."""
        return MathName("o", index=self.index)

    @property
    def target(self) -> MathName:
        """The symbol of the target."""
        return MathName("y", index=self.index)

    def forward(self) -> Iterator[EquationLine]:
        """Yield net input, output and loss."""
        k, found, network = self.step - 1, self.before.output, self.before.network
        if network.output_layer:
            own = self.before.parameters[OUTPUT]
            state = self.before.layers[-1].values[k][network.layers[-1].output]
            bias = (Term(False, MathName(B)),) if network.bias else ()
            numbers = (term(own[B]),) if network.bias else ()
            yield EquationLine(
                self.net,
                (Term(False, beside(MathName(V), self.state)), *bias),
                "",
                (
                    (Term(False, beside(written(own[V]), written(state))), *numbers),
                    (term(found.nets[k]),),
                ),
            )
        yield self._activation(found.nets[k], found.outputs[k])
        yield EquationLine(
            MathName("E", index=self.index),
            self._loss(),
            "",
            (self._loss_numbers(), (as_term(found.losses[k]),)),
        )

    def backward(self, minus: bool) -> Iterator[EquationLine]:
        """Yield δ of the net input, and the part of it that goes to the last layer."""
        k, found, network = self.step - 1, self.before.output, self.before.network
        pair = [(self.output, found.outputs[k]), (self.target, self.before.example.targets[k])]
        (first, a), (second, b) = reversed(pair) if minus else pair
        by_state = derivative(MathName("E", index=self.index), self.state)
        to_state: Formula = Row((MINUS, by_state)) if minus else by_state
        layered = network.output_layer
        yield EquationLine(
            replace(self.net, mark=DELTA) if layered else to_state,
            (Term(False, first), Term(True, second)),
            "",
            ((term(a), Term(True, written(b))), (term(found.deltas[k]),)),
        )
        if layered:
            delta = replace(self.net, mark=DELTA)
            matrix = Raised(written(self.before.parameters[OUTPUT][V]), "T")
            yield EquationLine(
                to_state,
                (Term(False, beside(Raised(MathName(V), "T"), delta)),),
                "",
                (
                    (Term(False, beside(matrix, written(found.deltas[k]))),),
                    (term(self.before.layers[-1].from_above[k]),),
                ),
            )

    def _activation(self, net: list[float], output: list[float]) -> EquationLine:
        function = FUNCTIONS[self.before.network.loss or Loss.SQUARED]
        if function is None:
            return EquationLine(self.output, (Term(False, self.net),), "", ((term(output),),))
        right = Term(False, Row((function, Fenced(self.net))))
        numbers = (Term(False, Row((function, Fenced(written(net))))),)
        return EquationLine(self.output, (right,), "", (numbers, (term(output),)))

    def _loss(self) -> tuple[Term, ...]:
        logs = beside(Raised(self.target, "T"), Row((_LN, Fenced(self.output))))
        match self.before.network.loss:
            case Loss.SOFTMAX:
                return (Term(True, logs),)
            case Loss.LOGISTIC:
                other = Fenced(Row((_ONE, MINUS, self.target)))
                rest = Row((_LN, Fenced(Row((_ONE, MINUS, self.output)))))
                return (Term(True, logs), Term(True, beside(Raised(other, "T"), rest)))
        error = Fenced(Row((self.output, MINUS, self.target)), "‖", "‖")
        return (Term(False, beside(_HALF, Raised(error, "2"))),)

    def _loss_numbers(self) -> tuple[Term, ...]:
        k = self.step - 1
        outputs, targets = self.before.output.outputs[k], self.before.example.targets[k]
        pairs = list(zip(outputs, targets, strict=True))
        match self.before.network.loss:
            case Loss.SOFTMAX:
                return tuple(Term(True, Row((_LN, Fenced(as_factor(o))))) for o, t in pairs if t)
            case Loss.LOGISTIC:
                return tuple(
                    Term(True, Row((_LN, Fenced(as_factor(o) if t else Row((_ONE, MINUS, as_factor(o)))))))
                    for o, t in pairs
                )
        squares = (Term(False, Raised(Fenced(Row((figure(o), MINUS, as_factor(t)))), "2")) for o, t in pairs)
        return (Term(False, Row((_HALF, TIMES, Fenced(total(tuple(squares)))))),)
