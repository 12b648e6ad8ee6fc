"""Series, (T, D) numbers each, and rows of tables, (D,), which are series of one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bptt.data.examples import Array
from bptt.errors import InputError
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.given import as_numbers
from bptt.models.inputs import SeriesInput


class NumberCodec(Codec[Array]):
    """D numbers a step, of which the network takes the mean and deviation of `training` out."""

    def __init__(self, size: int, training: Sequence[Array] = (), unit: str = "steps") -> None:
        self._size, self._training, self.unit = size, training, unit

    def part(self) -> SeriesInput:
        """Return a part that takes numbers as they are, but for mean and deviation."""
        part = SeriesInput(self._size)
        if self._training:
            part.fit(self.encode(each)[0] for each in self._training)
        return part

    def check(self, input: object, place: str) -> Array:
        """Return a series or a row."""
        found: Array = as_numbers(input, place, self._size).detach().cpu().numpy()
        return found

    def encode(self, input: Array) -> tuple[Tensor, ...]:
        """Return the numbers (T, D); NaN where one is missing. Raises InputError for another D."""
        if input.shape[-1] != self._size:
            came = f"{input.shape[-1]}"
            raise InputError("input", f"must have {self._size} numbers a step as learned from", came)
        return (torch.from_numpy(input).reshape(-1, self._size),)

    def files(self) -> Mapping[str, bytes]:
        """Return no files: the weights hold mean and deviation."""
        return {}
