"""The parts between an encoder and a decoder: first states, attention; forward, backward, gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bptt.derive.adjoint import DELTA
from bptt.explain.document import EquationLine, Equations, Part, say
from bptt.explain.formula_tree import (
    HADAMARD,
    Fenced,
    Formula,
    MathName,
    Raised,
    Row,
    SumOver,
    Term,
    beside,
    derivative,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.symbols import Below, LayerNotation, NetworkNotation
from bptt.explain.network.writing import (
    ONE,
    ZERO,
    added,
    by,
    call,
    exp,
    line,
    minus,
    plus,
    stacked,
    transposed,
)

_KEY, _STEP, _CONTEXT = MathName("k", index="s"), MathName("s"), MathName("c", index="t")
_SCORE, _WEIGHT, _UNITS = (MathName(name, index="ts") for name in "aαu")
_OF_CONTEXT, _OF_OUTPUT = MathName("C", ("c",)), MathName("C", ("h",))
_A, _B, _Q = MathName("A"), MathName("U"), MathName("q")
_NET_ERROR, _UNITS_ERROR = MathName("m", index="t", mark=DELTA), MathName("p", index="ts", mark=DELTA)
_SCORE_ERROR, _CONTEXT_ERROR = replace(_SCORE, mark=DELTA), replace(_CONTEXT, mark=DELTA)
_EACH = SumOver("t"), SumOver("s")


@dataclass(frozen=True)
class FirstStates:
    """The states in which a layer of a decoder starts, a function of `read`: last states, or a vector."""

    layer: LayerNotation
    read: tuple[MathName, ...]

    @property
    def joined(self) -> MathName:
        """The symbol of all states of the layer at step 0, one above the other."""
        return MathName("d", layer=self.layer.layer)

    @property
    def matrix(self) -> MathName:
        """The matrix that makes them."""
        return MathName("B", layer=self.layer.layer)

    @property
    def bias(self) -> MathName:
        """The vector that is added."""
        return MathName("β", layer=self.layer.layer)

    def states(self, index: str, mark: str = "") -> Formula:
        """Write all states of the layer one above the other."""
        names = (self.layer.names[state] for state in self.layer.cell.states)
        return stacked(*(replace(name, index=index, mark=mark) for name in names))


def first_states(starts: Sequence[FirstStates]) -> Iterator[Part]:
    """Yield the equations of the states at step 0."""
    if not starts:
        return
    yield say("The states of the decoder at step 0, one above the other, are a function of what it is given:")
    lines: list[EquationLine] = []
    for start in starts:
        net = added(beside(start.matrix, stacked(*start.read)), start.bias)
        lines += [line(start.joined, call("tanh", net)), line(start.states("0"), start.joined)]
    yield Equations(tuple(lines))


def first_states_backward(starts: Sequence[FirstStates]) -> Iterator[Part]:
    """Yield the δ of the states at step 0, and what goes back to the encoder."""
    if not starts:
        return
    yield say("At step 0, through the first states of the decoder:")
    lines: list[EquationLine] = []
    for start in starts:
        error, slope = replace(start.joined, mark=DELTA), Fenced(added(ONE, minus(Raised(start.joined, "2"))))
        lines += [
            line(error, start.states("0←1", DELTA)),
            line(replace(start.bias, mark=GRADIENT), Row((error, HADAMARD, slope))),
        ]
    yield Equations(tuple(lines))
    back = [_to_encoder(read, starts) for read in dict.fromkeys(start.read for start in starts)]
    if any(each is not None for each in back):
        yield say("The last states of the encoder begin with it:")
        yield Equations(tuple(each for each in back if each is not None))


def _to_encoder(read: tuple[MathName, ...], starts: Sequence[FirstStates]) -> EquationLine | None:
    """Write the δ of last states of an encoder; None for a vector, which nothing is behind."""
    if not read[0].index:
        return None
    later = {"S": "S←S+1", "1": "1←0"}
    error = stacked(*(replace(name, mark=DELTA, index=later[name.index]) for name in read))
    parts = (
        beside(transposed(start.matrix), replace(start.bias, mark=GRADIENT))
        for start in starts
        if start.read == read
    )
    return line(error, *parts)


def first_states_gradients(starts: Sequence[FirstStates]) -> Iterator[Part]:
    """Yield the gradients of the matrices; those of the vectors are among the backward equations."""
    if starts:
        yield say("The first states of the decoder:")
        yield Equations(
            tuple(
                line(
                    replace(start.matrix, mark=GRADIENT),
                    beside(replace(start.bias, mark=GRADIENT), transposed(stacked(*start.read))),
                )
                for start in starts
            )
        )


@dataclass(frozen=True)
class AttentionNotation:
    """An attention of a decoder to the outputs of an encoder, with a score by name."""

    score: str
    decoder: NetworkNotation
    source: NetworkNotation

    @property
    def query(self) -> MathName:
        """The symbol of the output of the decoder's last layer."""
        return self.decoder.top.output

    def forward(self) -> Iterator[Part]:
        """Yield the equations from the outputs of the encoder to what the output layer reads."""
        scores: dict[str, Formula] = {
            "dot": beside(transposed(self.query), _KEY),
            "general": beside(transposed(self.query), _A, _KEY),
            "additive": beside(transposed(_Q), _UNITS),
        }
        yield say(
            "An attention weighs the outputs {} of all steps {} of the encoder by their scores for the output"
            " {} of the decoder. The output layer reads {}:",
            _KEY,
            _STEP,
            self.query,
            self.decoder.hidden,
        )
        units = line(_UNITS, call("tanh", added(beside(_B, _KEY), beside(_A, self.query))))
        total = beside(SumOver("r"), exp(MathName("a", index="tr")))
        combined = added(beside(_OF_CONTEXT, _CONTEXT), beside(_OF_OUTPUT, self.query))
        yield Equations(
            (
                line(_KEY, replace(self.source.hidden, index="s")),
                *([units] if self.score == "additive" else []),
                line(_SCORE, scores[self.score]),
                line(_WEIGHT, by(exp(_SCORE), total)),
                line(_CONTEXT, beside(SumOver("s"), _WEIGHT, _KEY)),
                line(self.decoder.hidden, call("tanh", combined)),
            )
        )

    def backward(self) -> Iterator[Part]:
        """Yield the way back: to the output of the decoder, and to every output of the encoder."""
        hidden, feeds = self.decoder.hidden, self.decoder.around.below is Below.LAST_OUTPUT
        error: Formula = self.decoder.hidden_error
        yield say(
            "Through the attention: an output of the encoder has a part in the weighted mean, and in its own"
            " score; the output of the decoder has a part in all scores."
        )
        lines: list[EquationLine] = []
        if feeds:
            lines.append(line(replace(hidden, mark=DELTA), error, replace(hidden, mark=DELTA, index="t←t+1")))
            error = replace(hidden, mark=DELTA)
        slope = Fenced(added(ONE, minus(Raised(hidden, "2"))))
        apart = transposed(Fenced(added(_KEY, minus(_CONTEXT))))
        lines += [
            line(_NET_ERROR, Row((error, HADAMARD, slope))),
            line(_CONTEXT_ERROR, beside(transposed(_OF_CONTEXT), _NET_ERROR)),
            line(_SCORE_ERROR, beside(_WEIGHT, apart, _CONTEXT_ERROR)),
        ]
        if self.score == "additive":
            steep = Fenced(added(ONE, minus(Raised(_UNITS, "2"))))
            lines.append(line(_UNITS_ERROR, beside(_SCORE_ERROR, Row((_Q, HADAMARD, steep)))))
        to_query, to_key = self._parts()
        own = beside(transposed(_OF_OUTPUT), _NET_ERROR)
        lines.append(line(self.decoder.top.from_above, own, beside(SumOver("s"), to_query)))
        to_encoder = derivative(MathName("E"), replace(self.source.hidden, index="s"))
        both = Fenced(added(beside(_WEIGHT, _CONTEXT_ERROR), to_key))
        lines.append(line(to_encoder, beside(SumOver("t"), both)))
        yield Equations(tuple(lines))
        yield say(
            "{} is the {} of the sum inside the tanh of {}.", _NET_ERROR, MathName("", mark=DELTA), hidden
        )
        if self.score == "additive":
            yield say("{} is that of the sum inside the tanh of {}.", _UNITS_ERROR, _UNITS)

    def _parts(self) -> tuple[Formula, Formula]:
        """Return what a score hands to the output of the decoder, and to that of the encoder."""
        if self.score == "additive":
            return beside(transposed(_A), _UNITS_ERROR), beside(transposed(_B), _UNITS_ERROR)
        if self.score == "dot":
            return beside(_SCORE_ERROR, _KEY), beside(_SCORE_ERROR, self.query)
        return beside(_SCORE_ERROR, _A, _KEY), beside(_SCORE_ERROR, transposed(_A), self.query)

    def gradients(self) -> Iterator[Part]:
        """Yield the gradients of the parameters of the attention."""
        yield say("The attention:")
        lines = [
            line(replace(_OF_CONTEXT, mark=GRADIENT), *_over_steps(_NET_ERROR, transposed(_CONTEXT))),
            line(replace(_OF_OUTPUT, mark=GRADIENT), *_over_steps(_NET_ERROR, transposed(self.query))),
        ]
        match self.score:
            case "additive":
                lines += [
                    line(replace(_Q, mark=GRADIENT), beside(*_EACH, _SCORE_ERROR, _UNITS)),
                    line(replace(_A, mark=GRADIENT), beside(*_EACH, _UNITS_ERROR, transposed(self.query))),
                    line(replace(_B, mark=GRADIENT), beside(*_EACH, _UNITS_ERROR, transposed(_KEY))),
                ]
            case "general":
                outer = beside(*_EACH, _SCORE_ERROR, self.query, transposed(_KEY))
                lines.append(line(replace(_A, mark=GRADIENT), outer))
        yield Equations(tuple(lines))


def _over_steps(*factors: Formula) -> tuple[Term, ...]:
    return (plus(beside(SumOver("t"), *factors)),)


def without_attention(source: NetworkNotation) -> Iterator[Part]:
    """Yield that a decoder without attention reads no output of the encoder but its last states."""
    yield say("No output of the encoder is read but its last states, so that from above comes nothing:")
    yield Equations((line(source.hidden_error, ZERO),))
