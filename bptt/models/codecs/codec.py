"""A codec: inputs of one kind to tensors, by what was learned from the inputs of the training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from bptt.data.examples import Example
from bptt.data.vocabulary_options import NOTHING
from bptt.errors import InputError
from bptt.models.codecs.given import as_list

if TYPE_CHECKING:
    from bptt.models.inputs import InputPart
    from bptt.nn.exposure import StepPictures

X = TypeVar("X")


class Padded(NamedTuple):
    """The inputs of a batch: the tensors that an input part takes, (T, B, ...) with T at least 1, and
    `lengths` (B,) int64, which count the steps of each row.
    """

    tensors: tuple[Tensor, ...]
    lengths: Tensor

    def to(self, device: torch.device) -> Padded:
        """Return the same on another device."""
        return Padded(tuple(tensor.to(device) for tensor in self.tensors), self.lengths.to(device))


class Codec(ABC, Generic[X]):
    """Turns inputs into tensors. `unit` says in the plural what a step is."""

    unit: str

    @abstractmethod
    def part(self) -> InputPart:
        """Return a new input part for the tensors of `encode`."""

    @abstractmethod
    def encode(self, input: X) -> tuple[Tensor, ...]:
        """Return the tensors of one input, (T, ...) each."""

    def steps(self, encoded: tuple[Tensor, ...]) -> Tensor:
        """Return the steps (T, D) of an input as linear models are shown them."""
        return encoded[0].flatten(1)

    def windows(self, input: X, seconds: float) -> Iterator[tuple[float, X]]:
        """Yield the last `seconds` of an input, over and over, as inputs, and the second at which each ends.

        Raises InputError, by default, if inputs of this kind have no time.
        """
        cure = "Leave `stream` out: an input has one answer"
        raise InputError("stream", "needs clips, which have answers over time", "a run on others", cure)

    def check_labels(self, labels: Sequence[str]) -> None:
        """Raise InputError if inputs are not read as these labels need it; by default they are."""

    @property
    def settled(self) -> Mapping[str, Any]:
        """The sections of the configuration that were settled by the training inputs; none by default."""
        return {}

    def length(self, input: X) -> int | None:
        """Return the number of steps of an input if known before encoding; None, the default, if not."""
        return None

    @abstractmethod
    def check(self, input: Any, place: str) -> X:
        """Return an input that came from Python as `encode` takes it. Raises InputError with its `place`."""

    def take(self, inputs: Iterable[Any], name: str = "inputs", what: str = "inputs") -> list[X]:
        """Return the inputs that came from Python, checked. Raises InputError with the place, such as
        inputs[3].
        """
        return [example.input for example in self.take_examples(inputs, (), name, what)]

    def take_examples(
        self, inputs: Iterable[Any], places: Sequence[str], name: str = "inputs", what: str = "inputs"
    ) -> list[Example[X, None]]:
        """Check inputs. An error names their `places`, file:line each, or without them such as inputs[3]."""
        given = as_list(inputs, name, what)
        known = places or [f"{name}[{number}]" for number in range(len(given))]
        return [
            Example(self.check(each, place), None, place) for each, place in zip(given, known, strict=True)
        ]

    def augment(self, input: X, draw: Random) -> tuple[Tensor, ...]:
        """Return the tensors of an input that is changed at random, for training; by default unchanged."""
        return self.encode(input)

    def encode_example(self, example: Example[X, Any], draw: Random | None = None) -> tuple[Tensor, ...]:
        """Return the tensors of its input, changed by `draw` if it is given.

        Raises InputError with the place of the example if it cannot be read.
        """
        try:
            return self.encode(example.input) if draw is None else self.augment(example.input, draw)
        except InputError as error:
            # Of an example that is a folder, the file that is broken.
            where = error.where if error.where.startswith(f"{example.place}/") else example.place
            raise InputError(where, error.rule, error.got, error.cure) from error

    @abstractmethod
    def files(self) -> Mapping[str, bytes]:
        """Return the files of the codec in a run folder, by their names."""

    def rows(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names of the rows of a tensor of the part, by the tensor's name; none by default."""
        return {}

    def show(self, input: X) -> tuple[str, ...]:
        """Return the names of the steps of an input; by default their numbers, from 0 on."""
        return tuple(map(str, range(len(self.encode(input)[0]))))

    def spell(self, input: X) -> tuple[str, ...]:
        """Return each step's part of the text of an input; empty parts if the input is no text."""
        return ("",) * len(self.encode(input)[0])

    def pictures(self, input: X, steps: int) -> StepPictures | None:
        """Return what the first `steps` steps of an input look like; None, the default, if like nothing."""
        return None

    def describe(self) -> list[str]:
        """Return lines for the user on what was learned."""
        return []

    def conclude(self) -> list[str]:
        """Return lines for the user on the inputs that were encoded so far; by default none."""
        return []

    def folded(self, input: X) -> X:
        """Return an input as it is read, the same but for its normalisation."""
        return input

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user on what is read otherwise than it was written."""
        return ()


def pad(encoded: Sequence[tuple[Tensor, ...]]) -> Padded:
    """Combine the tensors of each row of a batch, side by side."""
    lengths = torch.tensor([len(tensors[0]) for tensors in encoded])
    return Padded(tuple(stack(each) for each in zip(*encoded, strict=True)), lengths)


def stack(rows: Sequence[Tensor]) -> Tensor:
    """Combine tensors (T_b, W_b, ...) into one (T, B, W, ...), none of whose sizes is 0.

    The padding is NOTHING in whole numbers, else zero.
    """
    sizes = [max(1, *sizes) for sizes in zip(*(row.shape for row in rows), strict=True)]
    filling = 0 if rows[0].is_floating_point() else NOTHING
    whole = rows[0].new_full((sizes[0], len(rows), *sizes[1:]), filling)
    for b, row in enumerate(rows):
        place: tuple[int | slice, ...] = (slice(len(row)), b, *(slice(size) for size in row.shape[1:]))
        whole[place] = row
    return whole
