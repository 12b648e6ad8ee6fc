"""Classes as inputs: one step, the number of a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.given import as_text
from bptt.models.inputs import TokenInput
from bptt.models.options import TokenOptions
from bptt.runs.labels import label_files


class ClassCodec(Codec[str]):
    """One of `classes` is a one-hot vector."""

    unit = "classes"

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._numbers = {name: number for number, name in enumerate(classes)}

    def part(self) -> TokenInput:
        """Return a part that makes one-hot vectors."""
        return TokenInput(len(self.classes), TokenOptions(0))

    def check(self, input: object, place: str) -> str:
        """Return the name of a class."""
        return as_text(input, place, "the name of a class (str)")

    def encode(self, input: str) -> tuple[Tensor, ...]:
        """Return the number of a class, (1,) int64. Raises InputError for one that was not learned."""
        if input not in self._numbers:
            raise InputError("class", f"is one of those learned, {', '.join(self.classes)}", repr(input))
        return (torch.tensor([self._numbers[input]]),)

    def files(self) -> Mapping[str, bytes]:
        """Return the file of the classes."""
        return label_files(self.classes)

    def describe(self) -> list[str]:
        """Return a line with the number of classes."""
        return [f"classes: {len(self.classes):,}"]
