"""What every `bptt train JOB` has: the options of the run and of the loop, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bptt.errors import InputError
from bptt.training.options import TrainingOptions

if TYPE_CHECKING:
    from bptt.tasks.task import Task
    from bptt.training.report import Outcome

# One panel of the help for each group of options.
of_run = partial(typer.Option, rich_help_panel="Run")
of_data = partial(typer.Option, rich_help_panel="Data")
of_model = partial(typer.Option, rich_help_panel="Model")
of_steps = partial(typer.Option, rich_help_panel="Training")

# The options whose name in the package is another one.
_TYPED = {
    "hidden_size": "hidden",
    "num_layers": "layers",
    "embedding_size": "embedding",
    "proj_size": "projection",
    "sequence_length": "length",
    "learning_rate": "lr",
    "clip_norm": "clip",
    "max_size": "vocab-size",
    "input_dropout": "input-dropout",
    "width": "beam",
    "character_hidden_size": "character-hidden",
}


@dataclass(frozen=True)
class RunArguments:
    """Where everything goes, and how a run begins."""

    output: Annotated[Path, of_run("--output", "-o", help="The folder for all that is made.")]
    resume: Annotated[
        bool, of_run("--resume", help="Go on with the run, exactly: give the same options again.")
    ] = False
    overwrite: Annotated[bool, of_run("--overwrite", help="Give up the run, begin again.")] = False
    threads: Annotated[int, of_run(min=0, help="Threads, 0: as torch chooses.")] = 0
    seed: Annotated[int, of_run(help="Of everything random.")] = TrainingOptions.seed
    checkpoint_every: Annotated[float, of_run(help="Seconds between checkpoints.")] = (
        TrainingOptions.checkpoint_every
    )
    log_every: Annotated[int, of_run(help="Steps between records in metrics.jsonl.")] = (
        TrainingOptions.log_every
    )
    watch: Annotated[
        int, of_run(min=0, help="Steps between looks at the gradient through time, 0: never.")
    ] = 0
    tensorboard: Annotated[
        bool, of_run("--tensorboard", help="Write scalars for TensorBoard into the run too.")
    ] = False


@dataclass(frozen=True)
class FirstArguments:
    """The values that a recurrent stack begins with."""

    recurrent_init: Annotated[
        Literal["default", "orthogonal", "identity"],
        of_model(help="What recurrent matrices begin as (default: uniform within ±1/√H)."),
    ] = "default"
    recurrent_scale: Annotated[float, of_model(help="Factor of orthogonal and identity.")] = 1.0
    forget_bias: Annotated[
        float | None, of_model(help="What the bias of a forget gate begins as (none: as any other).")
    ] = None


@dataclass(frozen=True)
class StepArguments:
    """How the weights are learned."""

    epochs: Annotated[
        int,
        of_steps(help="Times through the data; a resumed run may have more, unless linear or cosine."),
    ] = TrainingOptions.epochs
    optimiser: Annotated[
        Literal["adam", "adamw", "sgd", "lbfgs"],
        of_steps(help="lbfgs: on all the data, one step an epoch."),
    ] = "adam"
    lr: Annotated[float | None, of_steps(help="Learning rate (usual: 0.004; for sgd and lbfgs 1).")] = None
    schedule: Annotated[
        Literal["constant", "linear", "cosine", "exponential", "plateau"] | None,
        of_steps(help="The learning rate over time (usual: cosine; for lbfgs constant)."),
    ] = None
    decay: Annotated[
        float | None,
        of_steps(help="Factor of exponential (usual: 0.9 an epoch) and plateau (0.5 a miss)."),
    ] = None
    warmup: Annotated[int, of_steps(help="Steps until the full learning rate.")] = TrainingOptions.warmup
    momentum: Annotated[float, of_steps(help="Of sgd.")] = TrainingOptions.momentum
    weight_decay: Annotated[float, of_steps(help="Pull of the weights to zero.")] = (
        TrainingOptions.weight_decay
    )
    clip: Annotated[float | None, of_steps(help="Largest norm of the gradient, 0: any (usual: 1).")] = None
    clip_value: Annotated[float, of_steps(help="Largest element of the gradient, 0: any.")] = (
        TrainingOptions.clip_value
    )
    patience: Annotated[
        int, of_steps(help="Stop after so many evaluations without a new best, 0: never.")
    ] = TrainingOptions.patience
    evaluate_every: Annotated[int, of_steps(help="Steps between evaluations, 0: an epoch.")] = (
        TrainingOptions.evaluate_every
    )


def training_options(run: RunArguments, steps: StepArguments) -> TrainingOptions:
    """The choices of the loop. Raises InputError."""
    if run.watch and steps.optimiser == "lbfgs":
        cure = "Watch with another optimiser"
        raise InputError("watch", "looks at updates on single batches", "lbfgs", cure)
    return TrainingOptions(
        epochs=steps.epochs,
        optimiser=steps.optimiser,
        learning_rate=steps.lr,
        momentum=steps.momentum,
        weight_decay=steps.weight_decay,
        schedule=steps.schedule,
        decay=steps.decay,
        warmup=steps.warmup,
        clip_norm=steps.clip,
        clip_value=steps.clip_value,
        patience=steps.patience,
        seed=run.seed,
        evaluate_every=steps.evaluate_every,
        log_every=run.log_every,
        checkpoint_every=run.checkpoint_every,
    )


@contextmanager
def as_typed() -> Iterator[None]:
    """Let an error name an option as the user typed it."""
    try:
        yield
    except InputError as error:
        if not error.where.isidentifier():
            raise
        option = "--" + _TYPED.get(error.where, error.where).replace("_", "-")
        raise InputError(option, error.rule, error.got, error.cure) from error


def train_task(task: Task, options: TrainingOptions, run: RunArguments) -> None:
    """Say what was found, train, say what came of it."""
    from bptt.cli.progress import reporter
    from bptt.cli.watching import Watching
    from bptt.training.loop import train

    shown, watching = reporter(), Watching(task.model, run.watch)
    if run.tensorboard:
        from bptt.training.tensorboard import TensorBoardReporter

        shown = TensorBoardReporter(shown, run.output / "tensorboard")
    for line in task.describe():
        shown.on_message(line)
    outcome = train(
        task, options, run.output, shown, observer=watching, resume=run.resume, overwrite=run.overwrite
    )
    _print_outcome(outcome, task.unit.removesuffix("s"))
    for line in watching.lines:
        print(line)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)


def _print_outcome(outcome: Outcome, unit: str) -> None:
    from bptt.cli.progress import duration, shown_metric

    print(f"{outcome.run}: {outcome.status} at step {outcome.step}, epoch {outcome.epoch}")
    if outcome.best_step:
        best = shown_metric(outcome.criterion, outcome.best_value, unit)
        print(f"best held-out {best} at step {outcome.best_step}, {duration(outcome.seconds)} in all")
    if outcome.status == "interrupted":
        print("Everything is saved: the same command with --resume goes on from here.")
