"""The symbols of a network: those of each layer with its number, and those of the output layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, rename
from bptt.derive.adjoint import DELTA, FROM_LOSS, adjoint
from bptt.derive.network import Network
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.errors import InputError
from bptt.explain.formula_tree import MINUS, Fenced, Formula, FunctionName, MathName, Row, derivative
from bptt.explain.legend import TIME
from bptt.explain.losses import FUNCTIONS
from bptt.explain.notation import Notation

# Names of the output layer, the loss and the input, which a single layer without a number must not have.
_OUTER = frozenset("o z V b y E M e w".split())


class LayerNotation(Notation):
    """The formulas of one layer; `layer` is its number, a superscript of all its symbols.

    `from_above` is the derivative of the loss by the output of the layer, apart from later time steps. Of a
    layer that reads in `both` directions, it is the one from the first step to the last, with an arrow behind
    its number; the input is that of the other direction, too.
    """

    def __init__(self, cell: Cell, index: str, layer: str, from_above: Formula, both: bool = False) -> None:
        self.layer, self.both = layer, both
        self.from_above = from_above
        super().__init__(normal_form(cell), index)

    @property
    def cell(self) -> Cell:
        """The cell of the layer."""
        return self.form.cell

    @property
    def input(self) -> MathName:
        """The symbol of what the layer reads."""
        return self.names[self.cell.inputs[0]]

    @property
    def output(self) -> MathName:
        """The symbol of what the layer hands on."""
        return self.names[self.cell.output]

    @property
    def backward(self) -> tuple[EquationStep, ...]:
        """The backward equations; the loss reads the output of the layer alone."""
        unread = {FROM_LOSS + state: ZERO for state in self.cell.states if state != self.cell.output}
        steps = adjoint(self.cell).steps
        return tuple(replace(step, rest=rename(step.rest, dict(unread))) for step in steps)

    def _legend(self) -> Mapping[str, MathName]:
        number = f"{self.layer}→" if self.both else self.layer
        named = {name: replace(symbol, layer=number) for name, symbol in super()._legend().items()}
        own = {name: replace(named[name], layer=self.layer) for name in self.form.cell.inputs}
        return {**named, **own}

    @property
    def joined(self) -> MathName:
        """The symbol of the output of both directions, one above the other; of one direction, its output."""
        return replace(self.output, layer=self.layer)

    @property
    def outputs(self) -> tuple[MathName, ...]:
        """The symbols of the output in each direction."""
        return (self.output, self.reversed(self.output)) if self.both else (self.output,)

    def reversed(self, symbol: MathName) -> MathName:
        """Return a symbol of the direction from the first step to the last in the other direction."""
        return replace(symbol, layer=f"{self.layer}←")

    def final(self, *symbols: MathName) -> tuple[MathName, ...]:
        """Return values at the last step of each direction: at step T, and at step 1 for the other one."""
        forwards = tuple(replace(symbol, index="T") for symbol in symbols)
        backwards = tuple(replace(self.reversed(symbol), index="1") for symbol in symbols)
        return (*forwards, *backwards) if self.both else forwards

    @property
    def input_error(self) -> MathName:
        """The symbol of the δ of the input; of both directions, the sum of what they hand down."""
        return replace(self.input, mark=DELTA)

    def marked(self, mark: str, name: str) -> MathName:
        """Return the symbol of a name with a mark; each direction has a δ of the input of its own."""
        found = super().marked(mark, name)
        is_input = self.both and mark == DELTA and name == self.cell.inputs[0]
        return replace(found, layer=f"{self.layer}→") if is_input else found

    def loss_by(self, losses: str, value: str) -> Formula:
        """Return what comes from above, or the δ of a state that the next step hands back."""
        if not losses.startswith(">"):
            return self.from_above
        symbol = self.names[value]
        later = self.at(0) if value in self.form.previous else self.at(1)
        return replace(symbol, mark=DELTA, index=f"{symbol.index}←{later}")


class StepPooling(str, Enum):
    """How one vector is made of those of all steps."""

    LAST = "last"
    MEAN = "mean"
    MAX = "max"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Pooled:
    """Pooling over steps after the first `after` layers; the layers behind it read one vector."""

    name: StepPooling
    after: int


class Below(str, Enum):
    """The lower part of the first layer's input, below the row of an embedding."""

    LAST_OUTPUT = "last output"
    CHARACTERS = "characters"


@dataclass(frozen=True)
class Around:
    """The parts of a model around its layers.

    The first layers, as many as `both`, read in both directions. With `pooled` there is one output for a
    sequence. `below` is read under the row of the embedding. The input may be `one_hot`. With `attends` the
    output layer reads the result of an attention. `tied` says that the matrix of the output layer is the
    embedding, `starts` that the first states are made from what the network is given. The layers of an
    encoder, whose outputs and states a decoder reads, are marked by `source`.
    `answers` names the function of the output layer where no loss of `Loss` does, None if it gives scores.
    """

    pooled: Pooled | None = None
    both: int = 0
    below: Below | None = None
    one_hot: bool = False
    attends: bool = False
    tied: bool = False
    starts: bool = False
    source: str = ""
    answers: str | None = ""


class NetworkNotation:
    """The symbols of a network, from the input x up to the output o and the target y.

    Layers have a number if there are several, or if a name of one is that of the output layer, too.
    Raises InputError for a layer with several inputs.
    """

    def __init__(self, network: Network, around: Around = Around()) -> None:
        self.network = network
        self.around, self.pooled, self.both = around, around.pooled, around.both
        self.time = TIME if network.is_recurrent or network.embedding else ""
        self.loss_time = "" if self.pooled or around.source else self.time
        for cell in network.layers:
            if len(cell.inputs) != 1:
                raise InputError(
                    f"cell {cell.name!r}", "needs one input in a network", ", ".join(cell.inputs)
                )
        self.layers = self._layers()

    def _layers(self) -> tuple[LayerNotation, ...]:
        cells = self.network.layers
        numbered = (
            len(cells) > 1
            or self.both > 0
            or bool(self.around.source or self.around.attends or self.around.starts)
            or bool(_OUTER & {*cells[0].values, *cells[0].matrices, *cells[0].vectors})
        )
        layers: list[LayerNotation] = []
        for k, cell in reversed(list(enumerate(cells, 1))):
            number = f"{self.around.source}{k}" if numbered else ""
            above = layers[-1].input_error if layers else MathName("")
            index = self.time if self.pooled is None or k <= self.pooled.after else ""
            layer = LayerNotation(cell, index, number, above, k <= self.both)
            if layer.both or not layers or (self.pooled is not None and k == self.pooled.after):
                # The next step may read the output, and with it later losses.
                fed = self.around.below is Below.LAST_OUTPUT
                layer.from_above = derivative(
                    MathName("E", index="" if fed else self.loss_time), layer.output
                )
            layers.append(layer)
        return tuple(reversed(layers))

    @property
    def last(self) -> MathName:
        """The symbol of the number of steps."""
        return MathName("S" if self.around.source else "T")

    @property
    def is_pooled_last(self) -> bool:
        """Whether the output layer, or the loss, reads a pooled vector itself."""
        return self.pooled is not None and self.pooled.after == len(self.layers)

    @property
    def is_last_step(self) -> bool:
        """Whether the pooling takes the last step alone."""
        return self.pooled is not None and self.pooled.name is StepPooling.LAST

    @property
    def hidden(self) -> MathName:
        """The symbol of what the output layer reads: the output of the last layer, or the pooled vector s."""
        if self.around.attends:
            return MathName("õ", index=self.loss_time)
        return MathName("s") if self.is_pooled_last else self.top.joined

    @property
    def hidden_error(self) -> Formula:
        """The symbol of the derivative of the loss by that."""
        if self.is_pooled_last or self.around.attends:
            return derivative(MathName("E", index=self.loss_time), self.hidden)
        return self.error_of(self.top)

    def error_of(self, layer: LayerNotation) -> Formula:
        """Return the symbol of the derivative of the loss by the output of a layer, in both directions."""
        return (
            derivative(MathName("E", index=self.loss_time), layer.joined) if layer.both else layer.from_above
        )

    @property
    def top(self) -> LayerNotation:
        """The last layer."""
        return self.layers[-1]

    @property
    def bottom(self) -> LayerNotation:
        """The first layer."""
        return self.layers[0]

    @property
    def has_output(self) -> bool:
        """Whether an output layer follows the last layer."""
        return self.network.output_layer

    def outer(self, name: str, mark: str = "") -> MathName:
        """Return a symbol of the output layer: o, z, y."""
        return MathName(name, index=self.loss_time, mark=mark)

    @property
    def one_hot(self) -> MathName:
        """The symbol of a token as a one-hot vector."""
        return MathName("e", index=self.time, layer=self.around.source)

    @property
    def table(self) -> MathName:
        """The symbol of the embedding matrix."""
        return MathName("M", layer=self.around.source)

    @property
    def row(self) -> MathName:
        """The symbol of a row of the embedding: the input of the first layer, or the upper part of it."""
        return MathName("v", index=self.time) if self.around.below else self.bottom.input

    @property
    def below(self) -> MathName:
        """The symbol of what the first layer reads below that row."""
        if self.around.below is Below.LAST_OUTPUT:
            return replace(self.hidden, index=f"{self.time}−1")
        return MathName("r", index=self.time)

    @property
    def output_error(self) -> Formula:
        """The error in the gradients of the output layer: (o − y) for the losses of `Loss`, else δz."""
        if self.network.loss is None:
            return self.outer("z", DELTA)
        return Fenced(Row((self.outer("o"), MINUS, self.outer("y"))))

    @property
    def function(self) -> FunctionName | None:
        """The function g of the output layer; None for the squared error."""
        if self.network.loss is not None:
            return FUNCTIONS[self.network.loss]
        return FunctionName(self.around.answers) if self.around.answers else None
