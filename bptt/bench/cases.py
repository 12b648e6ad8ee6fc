"""The cases to measure: sections, cells, shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptt.errors import InputError
from bptt.training.options import Optimiser

# (T, B, I, H)
Shape = tuple[int, int, int, int]

# The parts of a page, each measured by itself.
SECTIONS = ("forward", "layers", "small", "streaming", "training", "vocabularies")
# The section of each kind of case; layers forward are one of their own.
_SECTION_OF = {
    "layers": "layers",
    "ragged": "layers",
    "rows": "small",
    "call": "small",
    "streaming": "streaming",
    "training": "training",
    "loss": "training",
    "vocabulary": "vocabularies",
}
CELLS = ("lstm", "gru-torch", "elman-tanh", "lstm-peephole", "lstm-layernorm", "gru")
# Cells that torch.nn has as layers: these read a PackedSequence, and have a module for one step.
TORCH_CELLS = CELLS[:3]
SHAPES: tuple[Shape, ...] = (
    (64, 16, 128, 128),
    (50, 50, 128, 128),
    (35, 20, 200, 200),
    (64, 32, 256, 256),
    (500, 32, 32, 128),
    (100, 64, 512, 512),
)
RAGGED_SHAPES: tuple[Shape, ...] = ((64, 32, 256, 256), (500, 32, 32, 128))
# Few rows at a time: one row for every cell, up to eight for those of torch.
ROWS = (1, 2, 4, 8)
ROW_SHAPES: tuple[tuple[int, int, int], ...] = ((100, 64, 64), (64, 256, 256))
# So little work that a call costs what it costs for any.
CALL_SHAPE: Shape = (1, 1, 64, 64)
STREAMING_SHAPES: tuple[Shape, ...] = ((1, 1, 256, 256), (1, 1, 512, 512))
QUICK_SHAPES: tuple[Shape, ...] = ((64, 16, 128, 128),)
# T·B·H of a shape may not exceed this: a peer keeps some thirty such arrays of float32, 4 GiB.
_MOST_VALUES = 2**25


@dataclass(frozen=True)
class Model:
    """A language model: V tokens, embedding and `layers` LSTMs, as `shape` (T, B, D, H)."""

    vocabulary: int
    layers: int
    shape: Shape
    optimiser: Optimiser


MODELS = {
    "character model": Model(65, 2, (64, 32, 64, 256), "adam"),
    "word model": Model(10_000, 2, (35, 20, 200, 200), "sgd"),
}
# Models whose output layers are compared, by the number of words.
VOCABULARIES = {f"{size:,}": Model(size, 1, (35, 20, 256, 256), "adam") for size in (10_000, 50_000, 200_000)}
QUICK_VOCABULARIES = tuple(VOCABULARIES)[:1]
# The model whose output layer is measured by itself: the one with the larger vocabulary.
OUTPUT_MODEL = "word model"


@dataclass(frozen=True)
class Case:
    """One comparison.

    `kind` is layers, ragged, rows, call, streaming, training, loss or vocabulary; `name` a cell or a model.
    """

    kind: str
    name: str
    shape: Shape
    training: bool

    @property
    def title(self) -> str:
        """One line for a person who waits."""
        mode = "forward + backward" if self.training else "forward"
        return f"{self.name} {self.shape} {mode if self.is_layer else self.kind}"

    @property
    def is_layer(self) -> bool:
        """Whether it is one layer over a batch of sequences of one length."""
        return self.kind in ("layers", "rows", "call")

    @property
    def section(self) -> str:
        """The part of `SECTIONS` that it belongs to."""
        return "forward" if self.kind == "layers" and not self.training else _SECTION_OF[self.kind]


def parse_shape(text: str) -> Shape:
    """Return the shape that a user typed as T,B,I,H. Raises InputError if it is not four numbers from 1."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError("shapes", "a shape is four positive whole numbers T,B,I,H", repr(text))
    steps, batch, inputs, hidden = map(int, parts)
    if steps * batch * max(inputs, hidden) > _MOST_VALUES:
        rule = f"T·B·I and T·B·H are at most {_MOST_VALUES:,}, for what all peers need in memory"
        raise InputError("shapes", rule, repr(text))
    return steps, batch, inputs, hidden


def check_cells(names: Sequence[str]) -> tuple[str, ...]:
    """Return those cells, once each. Raises InputError for one that no peer has."""
    for name in names:
        if name not in CELLS:
            raise InputError("cells", f"is one of {', '.join(CELLS)}", repr(name))
    return tuple(dict.fromkeys(names))


def layer_cases(cells: Sequence[str], dense: Sequence[Shape], training: bool) -> Iterator[Case]:
    """Return layers forward, or forward and backward."""
    return (Case("layers", cell, shape, training) for cell in cells for shape in dense)


def ragged_cases(cells: Sequence[str], shapes: Sequence[Shape]) -> Iterator[Case]:
    """Return batches of sequences of unequal lengths, forward and backward."""
    return (Case("ragged", cell, shape, True) for cell in _of_torch(cells) for shape in shapes)


def small_cases(cells: Sequence[str]) -> Iterator[Case]:
    """Return layers over few rows, then calls with next to no work, forward, then forward and backward."""
    torch_cells = _of_torch(cells)
    for training in (False, True):
        for cell in cells:
            rows = ROWS if cell in torch_cells else ROWS[:1]
            shapes = [(steps, batch, i, h) for steps, i, h in ROW_SHAPES for batch in rows]
            yield from (Case("rows", cell, shape, training) for shape in shapes)
        yield from (Case("call", cell, CALL_SHAPE, training) for cell in torch_cells)


def streaming_cases(cells: Sequence[str]) -> Iterator[Case]:
    """Return single steps."""
    return (Case("streaming", cell, shape, False) for cell in _of_torch(cells) for shape in STREAMING_SHAPES)


def training_cases() -> Iterator[Case]:
    """Return whole updates, and an output layer with its loss by itself."""
    yield from (Case("training", name, model.shape, True) for name, model in MODELS.items())
    yield Case("loss", OUTPUT_MODEL, MODELS[OUTPUT_MODEL].shape, True)


def vocabulary_cases(names: Sequence[str]) -> Iterator[Case]:
    """Return whole updates of word models with all output layers, for vocabularies by their size."""
    return (Case("vocabulary", name, VOCABULARIES[name].shape, True) for name in names)


def _of_torch(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if cell in TORCH_CELLS]
