"""`bptt train classify --folds`: cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bptt.cli.scores import print_scores
from bptt.cli.training import RunArguments

if TYPE_CHECKING:
    from torch import Tensor

    from bptt.jobs.classify.config import ClassifierConfig
    from bptt.jobs.classify.task import ClassifyTask, Labelled
    from bptt.training.options import TrainingOptions


def cross_validate(
    examples: Labelled,
    folds: int,
    config: ClassifierConfig,
    vectors: Path | None,
    options_for: Callable[[ClassifyTask], TrainingOptions],
    run: RunArguments,
) -> None:
    """Print how well each example is answered by a model that has not seen it, nor an equal input."""
    import torch

    from bptt.cli.progress import reporter
    from bptt.data.split import fold_numbers
    from bptt.jobs.classify.metrics import scores_of_folds
    from bptt.jobs.classify.task import ClassifyTask
    from bptt.training.folds import train_folds

    answers: list[tuple[tuple[str, ...], Tensor, Sequence[str]]] = []

    def make(learned: list[int], held_out: list[int]) -> ClassifyTask:
        torch.manual_seed(run.seed)
        task = ClassifyTask(examples.take(learned), examples.take(held_out), config, vectors=vectors)
        for line in () if answers else task.describe():
            shown.on_message(line)
        return task

    shown, numbers = reporter(), fold_numbers(examples.keys, examples.targets, folds, run.seed)
    for fold in train_folds(
        numbers, make, options_for, run.output, shown, resume=run.resume, overwrite=run.overwrite
    ):
        if fold.outcome.signal is not None:
            print("Everything is saved: the same command with --resume goes on from here.")
            raise typer.Exit(128 + fold.outcome.signal)
        held_out = examples.take(fold.rows)
        found = fold.task.trained.log_probabilities(held_out.inputs, held_out.places)
        answers.append((fold.task.labels, found, held_out.targets))
        shown.on_message(f"fold {len(answers)} of {folds}: {fold.outcome.run}")
    print_scores(scores_of_folds(answers))
