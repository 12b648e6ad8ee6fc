"""A trained regressor: reading inputs, predicting, evaluating, and loading from a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from bptt.data.examples import Example, in_file
from bptt.data.readers.asked import Said, form_asked, is_lines
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.readers.measured import Measured, Numbers, read_measured
from bptt.errors import InputError
from bptt.jobs.regress.config import TASK, RegressorConfig
from bptt.jobs.regress.metrics import NumberScores, scores
from bptt.jobs.regress.network import Regressor
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.models.codecs.codec import Codec, Padded
from bptt.models.codecs.given import as_list
from bptt.models.encoded import answer_inputs
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import find_kind, part_rows, saved_codec
from bptt.notebook import Answers, ShownRow, rows_html
from bptt.runs.config import read_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.origin import Rows
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

_NOTHING_SAID = Said()


@dataclass(frozen=True, eq=False)
class NumberPrediction(ShownRow):
    """The predictions for an input, (M,) or at every step (T, M), with intervals and quantiles.

    The ends of the intervals are None if the run had no held-out examples to calibrate them. Quantiles are
    (M, Q) or (T, M, Q); if none were learned, they are the predictions. `targets` names the M targets.
    """

    values: Numbers
    low: Numbers | None
    high: Numbers | None
    quantiles: Numbers
    targets: tuple[str, ...] = field(default=(), repr=False)

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        if self.values.ndim == 2:
            return {"steps": f"{len(self.values):,}"}
        return self._cells(())

    def _repr_html_(self) -> str:
        """Return the prediction for a notebook, a row for each step if there are several."""
        if self.values.ndim == 1:
            return rows_html([self._cells(())])
        steps = range(len(self.values))
        return rows_html([self._cells((step,)) for step in steps], list(map(str, steps)), "step")

    def _cells(self, step: tuple[int, ...]) -> dict[str, str]:
        """Return the numbers of a step, () for those of an input, with the ends of their intervals."""
        found = {}
        for number, name in enumerate(self.targets):
            found[name] = f"{self.values[(*step, number)]:.4g}"
            if self.low is not None and self.high is not None:
                found[f"{name}, from"] = f"{self.low[(*step, number)]:.4g}"
                found[f"{name}, to"] = f"{self.high[(*step, number)]:.4g}"
        return found


class TrainedRegressor(ShownModel):
    """A regressor with everything needed to read inputs."""

    task: ClassVar[str] = TASK

    def __init__(self, model: Regressor, codec: Codec[Any], config: RegressorConfig) -> None:
        self.model, self.codec, self.config = model, codec, config

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        source = self.config.source
        about = {"input": source.kind, "targets": ", ".join(source.targets)}
        return TrainedFacts(self.model, None if source.is_row else self.config.cell, self.config.model, about)

    def read(self, source: Source, labelled: bool, said: Said = _NOTHING_SAID) -> Measured:
        """Read examples in the format of the training data, or in the one that is detected.

        Raises InputError with file and line if one cannot be read, or the targets are not those that were
        learned.
        """
        known = self.config.source
        columns = said.about(replace(known.columns, labelled=labelled))
        found = form_asked(source, known.form, columns, said)
        targets = (said.target,) if said.target else ()
        examples = read_measured(source, found.form, columns, targets, known.every_step)
        if not found.reason or found.form == known.form:
            return examples
        note = f"read as {found.form}, for {found.reason}; learned from {known.form} (`form` says otherwise)"
        return replace(examples, notes=(note, *examples.notes))

    def read_asked(self, source: Source, said: Said) -> Measured:
        """Read all inputs to be answered. Raises InputError as `read` does."""
        return self.read(source, labelled=False, said=said)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is an input."""
        columns = replace(self.config.source.columns, labelled=False)
        return find_kind(self.config.source.kind).is_text and is_lines(first, columns, said)

    def predict(self, inputs: Iterable[Any], places: Sequence[str] = ()) -> Answers[NumberPrediction]:
        """Return the prediction for each input. Raises the errors of `values`."""
        output, targets = self.model.output, self.config.source.targets
        given = as_list(inputs, "inputs", "inputs")
        answers = Answers[NumberPrediction]((), given)
        for found in self.values(given, places):
            ends = output.interval(found)
            low, high = (None, None) if ends is None else (each.numpy() for each in ends)
            values = found[..., output.options.point].numpy()
            answers.append(NumberPrediction(values, low, high, found.numpy(), targets))
        return answers

    def values(self, inputs: Iterable[Any], places: Sequence[str] = ()) -> list[Tensor]:
        """Return the predictions in the units of the targets: (M, Q), or (T, M, Q), float64.

        Raises InputError if an input cannot be encoded, with its place (file:line; without `places`, for
        example inputs[3]); MachineError if a batch does not fit into memory.
        """
        found, _ = self._answer(self.codec.take_examples(inputs, places))
        return found

    def evaluate(self, examples: Measured) -> NumberScores:
        """Return the scores on examples. Raises InputError if their number of targets is another one."""
        values, targets, loss = self.judge(examples)
        return scores(values, targets, self.model.output, self.config.source.targets, loss)

    def judge(self, examples: Measured) -> tuple[Tensor, Tensor, float]:
        """Return predictions (N, M, Q) and targets (N, M) of examples or their steps, and the mean loss."""
        targets = self.targets(examples)
        if in_file(examples.rows):
            values, raw = self._answer(examples.rows)
        else:
            values, raw = self._answer(self.codec.take_examples(examples.inputs, examples.places))
        if self.config.source.every_step:
            whole, found = torch.cat(values), torch.cat(raw)
            wanted = torch.cat([each[: len(one)] for each, one in zip(targets, values, strict=True)])
        else:
            whole, found, wanted = torch.stack(values), torch.stack(raw), torch.stack(targets)
        device = self.model.output.linear.weight.device
        losses = self.model.output.loss(found.to(device), wanted)
        return whole, wanted, losses.item()

    def targets(self, examples: Measured) -> list[Tensor]:
        """Return the targets of examples, (M,) or (T, M) float64. Raises InputError if shapes do not fit."""
        names, every = self.config.source.targets, bool(self.config.source.every_step)
        found = []
        for place, target in zip(examples.places, examples.targets, strict=True):
            if (target.ndim == 2) != every or target.shape[-1] != len(names):
                rule = f"must have the targets that were learned, {', '.join(names)}"
                got = f"shape {target.shape}"
                raise InputError(place, rule + (" at every step" if every else ""), got)
            found.append(torch.from_numpy(target))
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user about how answers are found."""
        return self.codec.notes

    def _answer(self, inputs: Sequence[Example[Any, Any]]) -> tuple[list[Tensor], list[Tensor]]:
        """Return the predictions for each input in the units of the targets, and standardised."""
        limit = self.config.data.max_length
        encoded = answer_inputs(self.codec, inputs, limit, fits_memory=True)
        output = self.model.output
        device = output.linear.weight.device
        values: list[Tensor] = [torch.empty(0)] * len(inputs)
        raw = list(values)

        def answer(rows: Sequence[int], batch: Padded) -> list[tuple[Tensor, Tensor]]:
            found, lengths = self.model(batch.to(device)), batch.lengths.tolist()
            every = self.config.source.every_step
            each = [found[: lengths[k], k] if every else found[k] for k in range(len(rows))]
            return [(one.cpu(), output.read(one).cpu()) for one in each]

        with evaluating(self.model):
            for rows, found in self.sharing.answered(encoded, self.config.data.batch_size, answer):
                for row, (one, read) in zip(rows, found, strict=True):
                    raw[row], values[row] = one, read
        return values, raw


def build(codec: Codec[Any], config: RegressorConfig) -> Regressor:
    """Build the network for the inputs of a codec."""
    source = config.source
    cell = None if source.is_row else config.cell
    pooling = None if source.every_step else config.head.pooling
    return Regressor(codec.part(), len(source.targets), cell, config.model, config.head, pooling)


def weight_rows(model: Regressor, codec: Codec[Any], targets: tuple[str, ...]) -> Rows:
    """Return the meaning of the rows of parameters (tokens), to transfer weights by name."""
    names = ("mean", "deviation", "median", "margin")
    return part_rows(model, codec) | {f"output.{name}": (targets,) for name in names}


def load_regressor(run: Path) -> TrainedRegressor:
    """Load the regressor of a run folder with its best weights.

    Raises InputError with file and cure if a file is missing or damaged.
    """
    config = read_sections(RegressorConfig, run, TASK)
    source = config.source
    options = CodecOptions(len(source.features), config.vocabulary, config.tokens)
    codec = saved_codec(run, source.kind, options)
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(codec, config))
    read_weights(model, run / WEIGHTS)
    return TrainedRegressor(model.eval(), codec, config)
