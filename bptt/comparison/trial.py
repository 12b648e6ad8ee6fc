"""A trial of a comparison: a variant trained from a seed into a folder, looked at before and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bptt.cells.load import names_of
from bptt.comparison.variants import Variant, hidden_for, stack_weights
from bptt.errors import InputError, TrainingError
from bptt.jobs.subject import Subject
from bptt.jobs.task import Task
from bptt.nn.stack import Stack
from bptt.runs.run_folder import CONFIG, WEIGHTS
from bptt.runs.weights import read_weights
from bptt.training.loop import train
from bptt.training.observer import GradientRecord, UpdateObserver
from bptt.training.options import TrainingOptions
from bptt.training.report import Reporter


@dataclass(frozen=True)
class Trial:
    """A variant with `hidden_size` units, trained from `seed` into the folder `run`."""

    variant: Variant
    hidden_size: int
    seed: int
    run: Path


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial: the number of weights, the gradient before and after, with the best weights, and
    where and why training failed, "" if it did not. `signal` is the number of the signal that interrupted it.
    """

    trial: Trial
    weights: int
    clip_norm: float
    start: GradientRecord
    end: GradientRecord | None
    failure: str = ""
    signal: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for comparison.json; the rest is in the records of the run."""
        trial = self.trial
        return {
            "variant": trial.variant.name,
            "run": trial.run.name,
            "seed": trial.seed,
            "cell": names_of(trial.variant.cell),
            "plain": trial.variant.plain,
            "level": trial.variant.level,
            "share": trial.variant.share,
            "hidden_size": trial.hidden_size,
            "weights": self.weights,
            "clip_norm": self.clip_norm,
            "start": asdict(self.start),
            "end": None if self.end is None else asdict(self.end),
            "failure": self.failure,
        }


def _nothing_to_see(task: Task) -> GradientRecord:
    """Return an empty record: no gradient goes back through time in a network without states."""
    return GradientRecord(0, ())


def plan_trials(
    subject: Subject,
    variants: Sequence[Variant],
    hidden_size: int,
    equal_weights: bool,
    folder: Path,
    seeds: Sequence[int],
) -> list[Trial]:
    """Plan each variant from each seed, into folders of its name, which does not change with more seeds.

    The first variant has `hidden_size` units in a layer; the others too, or, with `equal_weights`, as many as
    have no more recurrent weights than the first. Raises InputError if a variant is out of place, or the
    task of the first cannot be made.
    """
    for variant in variants:
        subject.check(variant)
    sizes = [hidden_size] * len(variants)
    if equal_weights:
        sizes = _equal_sizes(subject, variants, hidden_size)
    return [
        Trial(variant, size, seed, folder / _folder(variant.name, seed, seeds[0]))
        for variant, size in zip(variants, sizes, strict=True)
        for seed in seeds
    ]


def _equal_sizes(subject: Subject, variants: Sequence[Variant], hidden_size: int) -> list[int]:
    """Return the hidden size of each variant with no more weights than the first. Raises InputError if none
    is recurrent.
    """
    recurrent = next((variant for variant in variants if variant.is_recurrent), None)
    if recurrent is None:
        raise InputError("cells", "hold one that carries a state, to be compared with", variants[0].name)
    # The last stack: one that reads the characters of a word precedes it.
    modules = subject.task(recurrent, hidden_size).model.modules()
    *_, stack = (module for module in modules if isinstance(module, Stack))
    layers, widths = stack.num_layers, [subject.width(variant, stack.input_size) for variant in variants]
    budget = stack_weights(variants[0].cell, widths[0], hidden_size, layers)
    return [
        hidden_for(variant.cell, width, layers, budget)
        for variant, width in zip(variants, widths, strict=True)
    ]


def _folder(name: str, seed: int, first: int) -> str:
    plain = re.sub(r"[^\w.+-]+", "_", name)
    return plain if seed == first else f"{plain}.seed-{seed}"


def run_trial(
    subject: Subject,
    trial: Trial,
    options: TrainingOptions,
    reporter: Reporter,
    look: Callable[[Task], GradientRecord],
    observer: Callable[[Task], UpdateObserver],
) -> TrialResult:
    """Train, or go on; a trial that is finished is only looked at. `look` goes back through one batch.

    Training that ends in NaN or diverges is a result too. Raises InputError if the folder holds a run that
    was begun with other options or data.
    """
    variant = trial.variant
    torch.manual_seed(trial.seed)
    task = subject.task(variant, trial.hidden_size)
    options = replace(options, seed=trial.seed, clip_norm=options.norm_limit if variant.clipped else 0.0)
    weights = sum(parameter.numel() for parameter in task.model.parameters())
    look = look if variant.is_recurrent else _nothing_to_see
    start, failure, signal = look(task), "", None
    try:
        outcome = train(
            task, options, trial.run, reporter, observer=observer(task), resume=(trial.run / CONFIG).exists()
        )
        signal = outcome.signal
    except TrainingError as error:
        place = error.where.removeprefix(f"{trial.run}: ")
        failure = f"{place}: {error.rule}, got {error.got}"
    end = None
    if (trial.run / WEIGHTS).exists():
        read_weights(task.model, trial.run / WEIGHTS)
        end = look(task)
    return TrialResult(trial, weights, options.norm_limit, start, end, failure, signal)
