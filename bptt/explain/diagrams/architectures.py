"""Diagrams of architectures: what is read, what is answered, and the layers in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, Label, Port, Side
from bptt.explain.formula_tree import FunctionName, MathName
from bptt.languages.phrase import Phrase, phrase

STEPS = 3
# Columns by which the two directions of a layer lie beside the middle of their step.
BESIDE = 0.25


@dataclass(frozen=True)
class Architecture:
    """A model, from its inputs to its answers.

    `cells` names the recurrent layers, the lowest first; empty: feed-forward layers alone. `inputs` is 1 or
    STEPS. A model answers at every step, or once (`answers_once`) from the last step of each direction or
    what `pooling` makes of all, or by a `decoder` of such layers. `feed_forward` counts the layers on top,
    `output` names the output layer, `joint` a model of all answers together above it.
    """

    name: str
    cells: tuple[str, ...] = ()
    inputs: int = STEPS
    bidirectional: bool = False
    embedding: bool = False
    answers_once: bool = False
    pooling: str = ""
    feed_forward: int = 0
    output: str = ""
    joint: str = ""
    decoder: tuple[str, ...] = ()
    attention: bool = False
    input_feeding: bool = False


def named(cell: str) -> Mapping[str, Architecture]:
    """Return the architectures that have a name, with this cell in them."""
    one = (cell,)
    found = (
        Architecture("one-to-one", inputs=1, feed_forward=1),
        Architecture("one-to-many", one, inputs=1),
        Architecture("many-to-one", one, answers_once=True),
        Architecture("many-to-many", one),
        Architecture("encoder-decoder", one, decoder=one),
        Architecture("attention", one, decoder=one, attention=True),
        Architecture("bidirectional", one, bidirectional=True),
        Architecture("deep", one * 3),
        Architecture("feed-forward", one, feed_forward=1, output="softmax"),
    )
    return {one.name: one for one in found}


def architecture_diagram(architecture: Architecture) -> Diagram:
    """Return the diagram of an architecture."""
    plan = _Plan(architecture)
    plan.read()
    if architecture.decoder:
        plan.decode()
    else:
        plan.answer()
    return Diagram(architecture.name, tuple(plan.boxes), tuple(plan.sides))


@dataclass
class _Plan:
    """Boxes in rows and columns; `tops` are the keys of what each column hands up."""

    architecture: Architecture
    boxes: list[Box] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    row: int = 0
    tops: dict[float, list[str]] = field(default_factory=dict)

    def add(
        self,
        column: float,
        title: Label,
        ports: tuple[Port, ...],
        kind: BoxKind = BoxKind.LAYER,
        row: int = -1,
    ) -> str:
        """Add a box in the current row, or another, and return its key."""
        row = self.row if row < 0 else row
        key = f"{row}.{column:g}"
        self.boxes.append(Box(key, row, title, kind=kind, ports=ports, column=column))
        return key

    def read(self) -> None:
        """Draw the inputs, the embedding, and the recurrent layers."""
        one = self.architecture
        self.inputs("x", range(one.inputs), 1)
        steps = STEPS if not one.decoder or one.inputs > 1 else 0
        self.recurrent(one.cells, range(steps), one.bidirectional)

    def inputs(self, letter: str, columns: range, first: int) -> None:
        """Draw a row of inputs, at the bottom, and their embedding above."""
        for k, column in enumerate(columns):
            index = str(first + k) if len(columns) > 1 else ""
            key = self.add(column, MathName(letter, index=index), (), BoxKind.OUTER, row=0)
            if self.architecture.embedding:
                key = self.add(column, phrase("embedding"), (Port(key),), BoxKind.VALUE, row=1)
            self.tops[column] = [key]
        self.row = 1 + self.architecture.embedding

    def recurrent(self, names: tuple[str, ...], columns: range, both: bool) -> None:
        """Draw recurrent layers, each of one row, or of two in both directions."""
        for name in names:
            below = {column: self.tops.get(column, []) for column in columns}
            for shift in (-BESIDE, BESIDE) if both else (0.0,):
                keys = []
                for column in columns:
                    ports = tuple(Port(key) for key in below[column])
                    keys.append(self.add(column + shift, MathName(name), ports))
                    self.tops[column] = [*(self.tops[column] if shift > 0 else []), keys[-1]]
                self.sides += (Side(left, right, leftward=shift > 0) for left, right in pairwise(keys))
                self.row += 1

    def feed_forward(self, columns: tuple[float, ...], titles: list[Phrase]) -> None:
        """Draw layers of these titles, one above the other, on each column."""
        for title in titles:
            for column in columns:
                ports = tuple(Port(key) for key in self.tops[column])
                self.tops[column] = [self.add(column, title, ports, BoxKind.NONLINEAR)]
            self.row += 1

    def answer(self) -> None:
        """Draw the answers above the recurrent layers: one at each step, or one of all."""
        one = self.architecture
        columns = tuple(self.tops)
        if one.pooling:
            ports = tuple(Port(key) for keys in self.tops.values() for key in keys)
            self.tops = {1.0: [self.add(1.0, phrase(one.pooling), ports, BoxKind.VALUE)]}
            columns = (1.0,)
            self.row += 1
        elif one.answers_once:
            # The layer that reads backwards ends at the first step.
            first, last = self.tops[columns[0]], self.tops[columns[-1]]
            columns = columns[-1:]
            self.tops = {columns[0]: [last[0], first[1]] if one.bidirectional else last}
        titles = [phrase("feed-forward")] * one.feed_forward + ([phrase(one.output)] if one.output else [])
        self.feed_forward(columns, titles)
        if one.joint:
            ports = tuple(Port(key) for keys in self.tops.values() for key in keys)
            key = self.add(sum(columns) / len(columns), MathName(one.joint), ports, BoxKind.NONLINEAR)
            self.tops = {column: [key] for column in columns}
            self.row += 1
        self.outputs("y", columns)

    def outputs(self, letter: str, columns: tuple[float, ...]) -> None:
        """Draw the answers at the top."""
        for k, column in enumerate(columns, 1):
            index = str(k) if len(columns) > 1 else ""
            ports = tuple(Port(key) for key in self.tops[column])
            self.add(column, MathName(letter, index=index), ports, BoxKind.OUTER)

    def decode(self) -> None:
        """Draw a decoder right of the encoder, which starts from its last states."""
        one = self.architecture
        first = len(self.tops)
        columns = range(first, first + STEPS)
        final = self.final()
        bottom = self.row - len(one.decoder)
        # A decoder with the same number of layers, all in one direction, shares the rows of the encoder.
        beside = not one.bidirectional and len(one.decoder) == len(one.cells) and one.inputs > 1
        if one.bidirectional:
            self.join()
        self.feed_forward(tuple(self.tops), [phrase("feed-forward")] * one.feed_forward)
        memory = [key for keys in self.tops.values() for key in keys]
        above, started = self.row, ""
        if not beside:
            bridge = tuple(Port(key) for key in final)
            started = self.add(first - 0.5, phrase("bridge"), bridge, BoxKind.VALUE)
            bottom = above + 1
        self.tops = {}
        self.inputs("y", columns, 0)
        self.row = bottom
        lowest = len(self.boxes)
        self.recurrent(one.decoder, columns, False)
        for k, box in enumerate(self.boxes[lowest:], lowest):
            if box.column == first and beside:
                self.sides.append(Side(f"{box.layer}.{first - 1:g}", box.key))
            elif box.column == first:
                self.boxes[k] = replace(box, ports=(Port(started), *box.ports))
        self.row = max(self.row, above)
        if one.attention:
            self.attend(memory, columns, self.boxes[lowest : lowest + STEPS])
        self.feed_forward(tuple(columns), [phrase(one.output)] if one.output else [])
        self.outputs("y", tuple(columns))

    def join(self) -> None:
        """Join the two directions of each step in one vector."""
        for k, (column, keys) in enumerate(self.tops.items(), 1):
            ports = tuple(Port(key) for key in keys)
            self.tops[column] = [self.add(column, MathName("h", index=str(k)), ports, BoxKind.STATE)]
        self.row += 1

    def final(self) -> list[str]:
        """Return the boxes of the final states: the last step, and the first of the other direction."""
        columns = list(self.tops)
        last = self.tops[columns[-1]]
        return [last[0], *self.tops[columns[0]][1:]] if len(last) > 1 else last

    def attend(self, memory: list[str], columns: range, lowest: list[Box]) -> None:
        """Draw attention: a weighted mean of what the encoder gives, for each step of the decoder."""
        queries = [self.tops[column][0] for column in columns]
        ports = tuple(Port(key) for key in (*memory, *queries))
        attention = self.add((columns[0] - 1) / 2, phrase("attention"), ports, BoxKind.NONLINEAR)
        self.row += 1
        for k, column in enumerate(columns, 1):
            context = MathName("c", index=str(k))
            state = MathName("s", index=str(k))
            both = (Port(attention, context), Port(self.tops[column][0], state))
            self.tops[column] = [self.add(column, FunctionName("tanh"), both, BoxKind.NONLINEAR)]
        self.row += 1
        if self.architecture.input_feeding:
            for before, box in zip(columns, lowest[1:], strict=False):
                fed = replace(box, ports=(*box.ports, Port(self.tops[before][0])))
                self.boxes[self.boxes.index(box)] = fed
