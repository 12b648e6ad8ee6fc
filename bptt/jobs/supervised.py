"""What the jobs on examples share: the batches, their order, and predictions for many inputs."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bptt.data.batches import ByLength
from bptt.data.examples import Examples
from bptt.data.split import split_indices
from bptt.jobs.options import ExampleOptions
from bptt.jobs.task import Step, Task
from bptt.models.codecs.codec import Padded, pad
from bptt.models.encoded import Encoded as Encoded
from bptt.models.encoded import EncodedInputs, InMemory
from bptt.runs.placement import device_of

# What to do where memory does not suffice.
SMALLER = "Make it smaller: fewer units, a smaller batch, or `max_length`"


class Supervised(Task):
    """A job on examples, of similar length in a batch."""

    def __init__(self, inputs: Sequence[Encoded] | EncodedInputs, options: ExampleOptions) -> None:
        self._inputs = inputs if isinstance(inputs, EncodedInputs) else InMemory(inputs)
        self._order = ByLength(self._inputs.lengths, options.batch_size, options.seed)

    def steps(self, epoch: int) -> int:
        """The number of batches in `epoch`."""
        return self._order.steps

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...]) -> Step:
        """The loss on one batch."""
        self._inputs.expect(self._order.following(epoch, index))
        loss, units = self.loss(self._order.rows(epoch, index).tolist())
        return Step(loss, units, ())

    @property
    def device(self) -> torch.device:
        """Return the device of the model, where every batch goes."""
        return device_of(self.model)

    def batch(self, inputs: Sequence[Encoded]) -> Padded:
        """Return encoded inputs as a batch on the device of the model."""
        return pad(inputs).to(self.device)

    @abstractmethod
    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """The mean loss of the training examples of these numbers, in nats, and over how many units."""


def fingerprint(*parts: Examples[Any, Any]) -> str:
    """What is equal for equal examples, learned and held out."""
    digest = hashlib.sha256()
    for part in parts:
        for key, row in zip(part.keys, part.rows, strict=True):
            digest.update(repr((key, row.target)).encode("utf-8", "backslashreplace"))
        digest.update(b"\n")
    return digest.hexdigest()


def hold_out(
    keys: Sequence[Hashable], labels: Sequence[str] | None, options: ExampleOptions
) -> tuple[list[int], list[int]]:
    """The numbers of the examples to learn from and of those held out, as `split_indices` finds them; of a
    share of 0 all are learned.
    """
    if not options.held_out:
        return list(range(len(keys))), []
    return split_indices(keys, labels, options.held_out, options.seed)


def in_batches(encoded: Sequence[Encoded] | EncodedInputs, size: int) -> Iterator[tuple[list[int], Padded]]:
    """All inputs, the shortest first, `size` at a time: their numbers, and their tensors."""
    inputs = encoded if isinstance(encoded, EncodedInputs) else InMemory(encoded)
    lengths = inputs.lengths.tolist()
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batches = [order[first : first + size] for first in range(0, len(order), size)]
    for number, rows in enumerate(batches):
        inputs.expect(batches[number:])
        yield rows, pad(inputs.take(rows))
