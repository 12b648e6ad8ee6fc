"""The adding problem (Hochreiter & Schmidhuber 1997) as a task: one number for a series, squared error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells.load import Cells
from bptt.data.examples import Array, Examples
from bptt.jobs.classify.network import Classifier
from bptt.jobs.classify.options import HeadOptions
from bptt.jobs.options import ExampleOptions
from bptt.jobs.supervised import SMALLER, Supervised, in_batches
from bptt.models.codecs.codec import Padded
from bptt.models.inputs import SeriesInput
from bptt.models.options import EncoderOptions
from bptt.runs.config import to_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.memory import within_memory
from bptt.runs.run_folder import write_config

TASK = "adding"

Sums = Examples[Array, float]


@dataclass(frozen=True)
class AddingConfig:
    """All options of a network for the adding problem."""

    cell: Cells
    model: EncoderOptions = field(default_factory=EncoderOptions)
    data: ExampleOptions = field(default_factory=ExampleOptions)


class AddingTask(Supervised):
    """A training on series with one target y each, by a classifier's network with one output ŷ.

    ŷ is read off the last step; the loss is the mean of (ŷ - y)². Initial weights are drawn from torch's
    generator: seed it before.
    """

    title = "regression network"
    unit = "examples"
    model: Classifier

    def __init__(self, examples: Sums, held_out: Sums, config: AddingConfig) -> None:
        self.config = config
        part = SeriesInput(len(examples.columns))
        with within_memory("the model", SMALLER):
            self.model = Classifier(part, 1, config.cell, config.model, HeadOptions("last"))
        self._encoded, self._targets = _encode(examples)
        self._held_out = _encode(held_out)
        super().__init__(self._encoded, config.data)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean squared error on the training series with these indices, and their number."""
        with within_memory("a batch", SMALLER):
            found = self.answers(self.batch([self._encoded[row] for row in rows]))
            return functional.mse_loss(found, self._targets[rows].to(self.device)), len(rows)

    def answers(self, inputs: Padded) -> Tensor:
        """Return the outputs of the network for a batch of series, (B,)."""
        answers: Tensor = self.model(inputs)[:, 0]
        return answers

    def evaluate(self) -> dict[str, float]:
        """Return the mean squared error on the held-out series."""
        encoded, targets = self._held_out
        total = 0.0
        with evaluating(self.model), within_memory("a batch", SMALLER):
            for rows, batch in in_batches(encoded, self.config.data.batch_size):
                found = self.answers(batch.to(self.device)).cpu()
                total += (found - targets[rows]).square().sum().item()
        return {"loss": total / len(targets)}

    def save(self, folder: Path) -> None:
        """Write config.json."""
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the series and the size of the model."""
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        return [
            f"learned: {len(self._targets):,} series of {len(self._encoded[0][0])} steps",
            f"held out: {len(self._held_out[1]):,} series",
            f"model: {weights:,} weights",
        ]


def _encode(examples: Sums) -> tuple[list[tuple[Tensor, ...]], Tensor]:
    """Return the tensor (T, 2) of each series, and all targets (N,)."""
    return [(torch.from_numpy(each),) for each in examples.inputs], torch.tensor(examples.targets)
