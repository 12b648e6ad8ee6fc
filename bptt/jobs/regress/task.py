"""Regression: numbers for a text, a sequence of DNA, a series, or a row of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bptt.data.examples import Example, Examples, mapped
from bptt.data.readers.measured import Measured
from bptt.data.stored_columns import ArrayRows
from bptt.errors import InputError
from bptt.jobs.group import WHOLE, Group
from bptt.jobs.regress.config import TASK, RegressorConfig
from bptt.jobs.regress.metrics import scores
from bptt.jobs.regress.network import Regressor, flat
from bptt.jobs.regress.options import OPTIONS
from bptt.jobs.regress.trained import TrainedRegressor as TrainedRegressor
from bptt.jobs.regress.trained import build, weight_rows
from bptt.jobs.regress.trained import load_regressor as load_regressor
from bptt.jobs.supervised import SMALLER, Supervised, fingerprint, hold_out
from bptt.models.codecs.text import TextCodec
from bptt.models.encoded import encode_inputs
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import codec_of, continued_codec, new_codec
from bptt.runs.config import to_sections
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, refuse_vectors, take_weights
from bptt.runs.run_folder import write_bytes, write_config

# Printed if even the largest error of so few held-out targets is too small for the interval.
_FEW = "intervals are too narrow: {count} held-out targets are too few for {share:.0%} of them"


class RegressTask(Supervised):
    """A training of a regressor.

    The held-out examples are `held_out`, or, if that is None, a share of `examples`, in which equal inputs
    are on the same side of the split; they choose the epoch and the width of intervals. Initial weights are
    drawn from torch's generator: seed it before. `vectors` is a file of pretrained word vectors for the
    embedding of texts.

    Raises InputError if a target is constant, only some examples have targets at every step, or an input
    cannot be encoded; MachineError if the model does not fit into memory.
    """

    title = OPTIONS.called
    unit = "examples"
    measure = ""
    model: Regressor

    def __init__(
        self,
        examples: Measured,
        held_out: Measured | None,
        config: RegressorConfig,
        origin: Origin[TrainedRegressor] | None = None,
        vectors: Path | None = None,
    ) -> None:
        every = check_targets(examples)
        source = replace(config.source, features=examples.columns, learned=examples.found, every_step=every)
        self.config = config = replace(config, source=source)
        self._notes = examples.notes
        if held_out is None:
            learned, held = hold_out(examples, None, config.data)
            examples, held_out = examples.take(learned), examples.take(held)
        self._learned, self._held_out = examples, held_out
        # The codec of numbers learns only mean and standard deviation.
        seen = examples.inputs if config.head.standardise or not examples.columns else ()
        options = CodecOptions(len(examples.columns), config.vocabulary, config.tokens)
        refuse_vectors(origin, vectors)
        self._codec = (
            continued_codec(codec_of(origin), source.kind, seen, options)
            if origin
            else new_codec(source.kind, seen, options, vectors)
        )
        if isinstance(self._codec, TextCodec):
            self.config = config = replace(config, tokens=self._codec.options)
        limit = config.data.max_length
        inputs = encode_inputs(self._codec, examples.rows, limit, fits_memory=True)
        # Encoded once now, so that a held-out input that cannot be read is refused before training starts.
        for row in held_out.rows:
            self._codec.encode_example(row)
        self._targets = _as_tensors(examples)
        with within_memory("the model", SMALLER):
            self.model = build(self._codec, config)
        self._taken = self._take(origin) if origin else []
        # Also with initial weights of another run: the new data have their own mean.
        self.model.output.fit(self._all_targets)
        super().__init__(inputs, config.data)

    def _take(self, origin: Origin[TrainedRegressor]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (
            weight_rows(each.model, each.codec, each.config.source.targets) for each in (self.trained, there)
        )
        return take_weights(self.model, here, there.model, other, origin.name)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean loss of the training examples with these indices, and their number."""
        with within_memory("a batch", SMALLER):
            return self.model.output.loss(*self._answers(rows)), len(rows)

    @property
    def is_squared(self) -> bool:
        """Whether the loss is the squared one."""
        return self.config.head.loss == "squared"

    def residuals(self, epoch: int, index: int, group: Group = WHOLE) -> tuple[Tensor, int]:
        """Return numbers whose squares add up to the loss of a step, and its number of examples."""
        rows = self.rows(epoch, index, group)
        if not rows:
            return torch.zeros(0), 0
        with within_memory("a batch", SMALLER):
            return self.model.output.residuals(*self._answers(rows)), len(rows)

    def _answers(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the numbers (..., M, Q) of the network for these examples, and their targets (..., M)."""
        batch = self.batch(self.take(rows))
        found, wanted = self.model(batch), [self._targets[row] for row in rows]
        if not self.config.source.every_step:
            return found, torch.stack(wanted)
        lengths = batch.lengths.tolist()
        targets = torch.cat([each[:length] for each, length in zip(wanted, lengths, strict=True)])
        return flat(found, batch.lengths), targets

    @property
    def _all_targets(self) -> Tensor:
        """The targets of all training examples, or of all their steps, (N, M) float64."""
        if isinstance(self._targets, Tensor):
            return self._targets
        return torch.cat([each.reshape(-1, each.shape[-1]) for each in self._targets])

    @property
    def fingerprint(self) -> str:
        """A hash of all examples."""
        return fingerprint(*map(_as_bytes, (self._learned, self._held_out)))

    @property
    def holds_out(self) -> bool:
        """Whether there are examples to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of the held-out examples, and calibrate the width of intervals on them."""
        values, targets, loss = self.shared(self.trained).judge(self._held_out)
        # Stored as a buffer of the model, so that the calibration is saved with the weights of its epoch.
        self.model.output.calibrate(values, targets)
        found = scores(values, targets, self.model.output, self.config.source.targets, loss)
        return found.metrics

    def conclude(self, run: Path) -> list[str]:
        """Compare the best weights with a constant prediction."""
        if not self.holds_out:
            return []
        best = load_regressor(run)
        found, output = best.evaluate(self._held_out), best.model.output
        values = found.metrics
        r2 = f"R² {values['r2']:.4f}, " if "r2" in values else ""
        lines = [
            f"held-out {r2}mean absolute error {values['mae']:.4g}; "
            f"always answering the median {values['baseline_mae']:.4g}"
        ]
        share, count = output.options.interval, int(output.calibrated)
        few = [_FEW.format(count=count, share=share)] if (count + 1) * (1 - share) < 1 else []
        return [*lines, *found.notes, *few]

    def save(self, folder: Path) -> None:
        """Write config.json, and the files of the codec."""
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the examples, the targets, and the size of the model."""
        source, output = self.config.source, self.model.output
        least, most = map(int, self._inputs.lengths.aminmax())
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        whole = self._all_targets
        targets = [
            f"target {name}: {_range(whole[:, k])}, median {output.median[k]:.4g}"
            for k, name in enumerate(source.targets)
        ]
        return [
            *self._taken,
            *self._notes,
            *([] if not source.features else [_shown_columns(source.features)]),
            f"learned: {len(self._learned):,} examples"
            + (", a target at every step" * bool(source.every_step)),
            *targets,
            f"held out: {len(self._held_out):,} examples",
            f"inputs: {least:,} to {most:,} {self._codec.unit} each",
            *self._codec.describe(),
            f"model: {weights:,} weights",
        ]

    @cached_property
    def trained(self) -> TrainedRegressor:
        """The regressor with its current weights."""
        return TrainedRegressor(self.model, self._codec, self.config)


def check_targets(examples: Measured) -> bool:
    """Return whether each step has targets. Raises InputError if only some examples have such, or none do."""
    targets = examples.targets
    every = targets[0].ndim == 2
    for place, target in zip(examples.places, targets, strict=True):
        if (target.ndim == 2) != every or target.shape[-1] != targets[0].shape[-1]:
            rule = f"must have targets as the first example has, of shape {targets[0].shape}"
            raise InputError(place, rule, f"shape {target.shape}")
    return every


def _as_bytes(examples: Measured) -> Examples[Any, bytes]:
    """Return the examples with targets as bytes, as the `repr` of a large array is abbreviated."""

    def as_bytes(row: Example[Any, Any], place: str) -> Example[Any, bytes]:
        assert row.target is not None
        return Example(row.input, row.target.tobytes(), place)

    return Examples(mapped(examples.rows, examples.places, as_bytes))


def _as_tensors(examples: Measured) -> list[Tensor] | Tensor:
    """Return the targets of examples, (M,) or (T, M) float64 each; those of a large file, which are in an
    array, as one tensor (N, M), as a tensor for each takes many times the memory.
    """
    targets = examples.targets
    if isinstance(targets, ArrayRows):
        return torch.from_numpy(targets.values)
    return [torch.from_numpy(target) for target in targets]


def _range(values: Tensor) -> str:
    known = values[~values.isnan()]
    return f"{known.min():.4g} to {known.max():.4g}"


def _shown_columns(names: Sequence[str], most: int = 8) -> str:
    more = f", and {len(names) - most} others" if len(names) > most else ""
    return f"columns: numbers {', '.join(names[:most])}{more}"
