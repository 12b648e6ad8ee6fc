"""The cases to measure: sections, cells, shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptt.errors import InputError
from bptt.training.options import Optimiser

# (T, B, I, H)
Shape = tuple[int, int, int, int]

# The kinds of cases that belong to each.
SECTIONS = {
    "layers": ("layers", "ragged"),
    "streaming": ("streaming",),
    "training": ("training", "loss"),
}
CELLS = ("lstm", "gru-torch", "elman-tanh", "lstm-peephole", "lstm-layernorm", "gru")
# Cells that torch.nn has as layers: these read a PackedSequence, and have a module for one step.
TORCH_CELLS = CELLS[:3]
SHAPES: tuple[Shape, ...] = (
    (100, 1, 64, 64),
    (64, 1, 256, 256),
    (64, 16, 128, 128),
    (50, 50, 128, 128),
    (35, 20, 200, 200),
    (64, 32, 256, 256),
    (500, 32, 32, 128),
    (100, 64, 512, 512),
)
RAGGED_SHAPES: tuple[Shape, ...] = ((64, 32, 256, 256), (500, 32, 32, 128))
STREAMING_SHAPE: Shape = (1, 1, 256, 256)
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
# The model whose output layer is measured by itself: the one with the larger vocabulary.
OUTPUT_MODEL = "word model"


@dataclass(frozen=True)
class Case:
    """One comparison. `kind` is layers, ragged, streaming, training or loss; `name` a cell or a model."""

    kind: str
    name: str
    shape: Shape
    training: bool

    @property
    def title(self) -> str:
        """One line for a person who waits."""
        mode = "forward + backward" if self.training else "forward"
        return f"{self.name} {self.shape} {mode if self.kind == 'layers' else self.kind}"


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


def layer_cases(cells: Sequence[str], dense: Sequence[Shape], ragged: Sequence[Shape]) -> Iterator[Case]:
    """Return layers forward, then forward and backward; then batches of sequences of unequal lengths."""
    for training in (False, True):
        yield from (Case("layers", cell, shape, training) for cell in cells for shape in dense)
    yield from (Case("ragged", cell, shape, True) for cell in _of_torch(cells) for shape in ragged)


def streaming_cases(cells: Sequence[str]) -> Iterator[Case]:
    """Return single steps."""
    return (Case("streaming", cell, STREAMING_SHAPE, False) for cell in _of_torch(cells))


def training_cases() -> Iterator[Case]:
    """Return whole updates, and an output layer with its loss by itself."""
    yield from (Case("training", name, model.shape, True) for name, model in MODELS.items())
    yield Case("loss", OUTPUT_MODEL, MODELS[OUTPUT_MODEL].shape, True)


def _of_torch(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if cell in TORCH_CELLS]
