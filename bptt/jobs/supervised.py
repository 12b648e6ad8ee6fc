"""The common part of jobs that learn from examples: batches, their order, and batched prediction."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from bptt.data.batches import ByLength
from bptt.data.examples import Examples, key_of
from bptt.data.readers.grid import part_of
from bptt.data.split import part_indices, split_groups, split_indices
from bptt.errors import InputError, counted
from bptt.jobs.group import WHOLE, Group
from bptt.jobs.options import ExampleOptions
from bptt.jobs.task import Step, Task
from bptt.models.codecs.codec import Padded, pad
from bptt.models.encoded import SMALLER as SMALLER
from bptt.models.encoded import Encoded as Encoded
from bptt.models.encoded import EncodedInputs, InMemory
from bptt.models.encoded import in_batches as in_batches
from bptt.runs.placement import device_of
from bptt.runs.spans import spanned


class Supervised(Task):
    """A job that learns from examples, batched by similar length."""

    takes_groups = True
    # Examples, or what a job that replaces `keep_half` has in their place.
    _held_out: Any

    def __init__(self, inputs: Sequence[Encoded] | EncodedInputs, options: ExampleOptions) -> None:
        self._inputs = inputs if isinstance(inputs, EncodedInputs) else InMemory(inputs)
        self._epoch = 0
        self._order = ByLength(self._inputs.lengths, options.batch_size, options.seed)

    def steps(self, epoch: int) -> int:
        """Return the number of batches in `epoch`."""
        return self._order.steps

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...], group: Group = WHOLE) -> Step:
        """Compute the loss on the examples of a group in batch `index` of `epoch`."""
        self._inputs.expect(group.following(self._order.following(epoch, index)))
        self._epoch = epoch
        rows = self.rows(epoch, index, group)
        if not rows:
            return Step(torch.zeros(()), 0, ())
        loss, units = self.loss(rows)
        return Step(loss, units, ())

    def rows(self, epoch: int, index: int, group: Group = WHOLE) -> list[int]:
        """Return the indices of the training examples of a group in batch `index` of `epoch`."""
        found: list[int] = self._order.rows(epoch, index).tolist()
        return found[group.cut(len(found))]

    @spanned("input")
    def take(self, rows: Sequence[int]) -> list[Encoded]:
        """Return the inputs of the training examples with these indices, as the current epoch reads them."""
        return self._inputs.take(rows, self._epoch)

    @property
    def device(self) -> torch.device:
        """The device of the model, to which every batch is moved."""
        return device_of(self.model)

    @spanned("input")
    def batch(self, inputs: Sequence[Encoded]) -> Padded:
        """Return encoded inputs, padded, as a batch on the device of the model."""
        return pad(inputs).to(self.device)

    def keep_half(self, half: int) -> None:
        """Keep one half of the held-out examples; equal inputs, and groups, are in the same half."""
        held: Examples[Any, Any] = self._held_out
        targets = [str(target) for target in held.targets]
        # Each class is halved; targets that hardly repeat, such as translations, are no classes.
        strata = targets if 2 * len(set(targets)) <= len(targets) else None
        self._held_out = held.take(split_indices(held.groups, strata, 0.5, seed=0)[half])

    @abstractmethod
    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean loss of the training examples with these indices, and the number of units."""


def fingerprint(*parts: Examples[Any, Any]) -> str:
    """Return a hash of examples: equal for equal inputs and targets, training and held out."""
    digest = hashlib.sha256()
    for part in parts:
        for row in part.rows:
            digest.update(repr((key_of(row.input), row.target)).encode("utf-8", "backslashreplace"))
        digest.update(b"\n")
    return digest.hexdigest()


def hold_out(
    examples: Examples[Any, Any],
    labels: Sequence[str] | None,
    options: ExampleOptions,
    keys: Sequence[Hashable] | None = None,
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the indices of the training examples and of those held out.

    The part dev of the data is held out, or the groups that are named; the part test is neither learned nor
    held out. Without a part dev, a share of the others is held out: whole groups where examples name theirs,
    as `split_groups` does; else those of equal `keys`, by default equal inputs, stay together, as in
    `split_indices`. If the share is 0, all are training examples.
    """
    if options.groups_held_out and not examples.has_groups:
        rule = "needs examples that name their group, such as a speaker or subject"
        raise InputError("held_out_groups", rule, "none that does", "Leave it out")
    parts = part_indices(examples.parts, examples.groups, options.groups_held_out, examples.places)
    learned, held = parts["train"], parts["dev"]
    if held or not options.held_out:
        return list(learned), held
    share, seed = options.held_out, options.seed
    if examples.has_groups and examples.take(learned).has_groups:
        found: tuple[Any, Any] = split_groups(_chosen(examples.groups, learned), share, seed)
    else:
        strata = None if labels is None else _chosen(labels, learned)
        together = _chosen(examples.keys if keys is None else keys, learned)
        found = split_indices(together, strata, share, seed)
    return _chosen(learned, found[0]), _chosen(learned, found[1])


def _chosen(values: Any, numbers: Sequence[int]) -> Any:
    """Return some of several values, as an array if they are one; of the numbers of all, those chosen."""
    if isinstance(values, range) and len(values) and values[0] == 0:
        return numbers
    if isinstance(numbers, range) and len(numbers) == len(values):
        return values
    return values.take(numbers) if hasattr(values, "take") else [values[i] for i in numbers]


def set_aside(examples: Examples[Any, Any]) -> tuple[str, ...]:
    """Return a line on the examples that only `bptt evaluate` measures; none if no part is called test."""
    count = sum(part_of(part) == "test" for part in examples.parts)
    return (f"test: {counted(count, 'examples')} set aside, which `bptt evaluate` measures",) if count else ()
