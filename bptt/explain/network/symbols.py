"""The symbols of a network: those of each layer with its number, and those of the output layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, rename
from bptt.derive.adjoint import DELTA, FROM_LOSS, adjoint
from bptt.derive.network import Loss, Network
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.errors import InputError
from bptt.explain.formula_tree import Formula, MathName, derivative
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation

# Names of the output layer, the loss and the input, which a single layer without a number must not have.
_OUTER = frozenset("o z V b y E M e w".split())


class LayerNotation(Notation):
    """The formulas of one layer; `layer` is its number, a superscript of all its symbols.

    `from_above` is the derivative of the loss by the output of the layer, apart from later time steps.
    """

    def __init__(self, cell: Cell, index: str, layer: str, from_above: Formula) -> None:
        self.layer = layer
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
        return {name: replace(symbol, layer=self.layer) for name, symbol in super()._legend().items()}

    def loss_by(self, losses: str, value: str) -> Formula:
        """Return what comes from above, or the δ of a state that the next step hands back."""
        if not losses.startswith(">"):
            return self.from_above
        symbol = self.names[value]
        later = self.at(0) if value in self.form.previous else self.at(1)
        return replace(symbol, mark=DELTA, index=f"{symbol.index}←{later}")


class PoolingName(str, Enum):
    """How one vector is made of those of all steps."""

    LAST = "last"
    MEAN = "mean"
    MAX = "max"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Pooled:
    """Pooling over steps after the first `after` layers; the layers behind it read one vector."""

    name: PoolingName
    after: int


class NetworkNotation:
    """The symbols of a network, from the input x up to the output o and the target y.

    Layers have a number if there are several, or if a name of one is that of the output layer, too. With
    `pooled` there is one output for a sequence. Raises InputError for a layer with several inputs.
    """

    def __init__(self, network: Network, pooled: Pooled | None = None) -> None:
        self.network = network
        self.pooled = pooled
        self.time = TIME if network.is_recurrent or network.embedding else ""
        self.loss_time = "" if pooled else self.time
        for cell in network.layers:
            if len(cell.inputs) != 1:
                raise InputError(
                    f"cell {cell.name!r}", "needs one input in a network", ", ".join(cell.inputs)
                )
        self.layers = self._layers()

    def _layers(self) -> tuple[LayerNotation, ...]:
        cells = self.network.layers
        numbered = len(cells) > 1 or bool(_OUTER & {*cells[0].values, *cells[0].matrices, *cells[0].vectors})
        layers: list[LayerNotation] = []
        for k, cell in reversed(list(enumerate(cells, 1))):
            number = str(k) if numbered else ""
            above = layers[-1].marked(DELTA, layers[-1].cell.inputs[0]) if layers else MathName("")
            index = self.time if self.pooled is None or k <= self.pooled.after else ""
            layer = LayerNotation(cell, index, number, above)
            if not layers or (self.pooled is not None and k == self.pooled.after):
                layer.from_above = derivative(MathName("E", index=self.loss_time), layer.output)
            layers.append(layer)
        return tuple(reversed(layers))

    @property
    def is_pooled_last(self) -> bool:
        """Whether the output layer, or the loss, reads a pooled vector itself."""
        return self.pooled is not None and self.pooled.after == len(self.layers)

    @property
    def hidden(self) -> MathName:
        """The symbol of what the output layer reads: the output of the last layer, or the pooled vector s."""
        return MathName("s") if self.is_pooled_last else self.top.output

    @property
    def hidden_error(self) -> Formula:
        """The symbol of the derivative of the loss by that."""
        if self.is_pooled_last:
            return derivative(MathName("E"), self.hidden)
        return self.top.from_above

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
        return MathName("e", index=self.time)

    @property
    def function(self) -> tuple[str, str]:
        """The function g of the output layer, with its LaTeX command; none for the squared error."""
        match self.network.loss:
            case Loss.SOFTMAX:
                return "softmax", ""
            case Loss.LOGISTIC:
                return "σ", r"\sigma "
        return "", ""
