"""What every `bptt train JOB` has: the options of the run and of the loop, and how it ends."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from bptt.errors import InputError
from bptt.training.options import LEAST_UPDATES, TrainingOptions, usual_epochs

if TYPE_CHECKING:
    from bptt.jobs.task import Task
    from bptt.runs.origin import Origin
    from bptt.training.report import Outcome

Model = TypeVar("Model")

# Beyond any network that was trained; without a bound a mistyped number is made layer by layer.
MOST_LAYERS = 1000

# One panel of the help for each group of options.
of_run = partial(typer.Option, rich_help_panel="Run")
of_data = partial(typer.Option, rich_help_panel="Data")
of_model = partial(typer.Option, rich_help_panel="Model")
of_steps = partial(typer.Option, rich_help_panel="Training")

# What the run of a job on examples answers.
ASKED = ("bptt predict {run} FILE", "bptt evaluate {run} FILE", "bptt inspect {run} --data FILE")

# The options whose name in the package is another one.
TYPED = {
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
    "frozen": "freeze",
    "form": "input",
}


@dataclass(frozen=True)
class RunArguments:
    """Where everything goes, and how a run begins."""

    output: Annotated[Path, of_run("--output", "-o", help="Run folder to write.")]
    resume: Annotated[
        bool,
        of_run(
            "--resume", help="Continue the run in the folder, exactly; options left out are those of the run."
        ),
    ] = False
    overwrite: Annotated[
        bool, of_run("--overwrite", help="Delete the run in the folder and begin again.")
    ] = False
    init_from: Annotated[
        Path | None,
        of_run(help="Run folder whose weights, vocabulary and model options the new run begins with."),
    ] = None
    keep_vocabulary: Annotated[
        bool,
        of_run(
            "--keep-vocabulary", help="With --init-from: add no tokens of the new data to the vocabulary."
        ),
    ] = False
    threads: Annotated[int, of_run(min=0, help="CPU threads (0: torch's choice).")] = 0
    seed: Annotated[int, of_run(help="Seed of the weights, the split and the order of the data.")] = (
        TrainingOptions.seed
    )
    checkpoint_every: Annotated[float, of_run(help="Seconds between checkpoints.")] = (
        TrainingOptions.checkpoint_every
    )
    log_every: Annotated[int, of_run(help="Steps between records in metrics.jsonl.")] = (
        TrainingOptions.log_every
    )
    watch: Annotated[
        int, of_run(min=0, help="Steps between measurements of the gradient through time (0: never).")
    ] = 0
    tensorboard: Annotated[
        bool, of_run("--tensorboard", help="Also write scalars for TensorBoard into the run folder.")
    ] = False


@dataclass(frozen=True)
class FirstArguments:
    """The values that a recurrent stack begins with."""

    recurrent_init: Annotated[
        Literal["default", "orthogonal", "identity"],
        of_model(help="Initial recurrent matrices; default draws uniformly from ±1/√H."),
    ] = "default"
    recurrent_scale: Annotated[float, of_model(help="Factor of orthogonal and identity matrices.")] = 1.0
    forget_bias: Annotated[
        float | None, of_model(help="Initial bias of forget gates. Default: drawn like any other bias.")
    ] = None


@dataclass(frozen=True)
class StepArguments:
    """How the weights are learned."""

    epochs: Annotated[
        int | None,
        of_steps(
            help="Passes over the data. A resumed run may add some; linear and cosine begin anew over these. "
            f"Default: {TrainingOptions.epochs}, for few labelled examples as many as make {LEAST_UPDATES} "
            "updates."
        ),
    ] = None
    optimiser: Annotated[
        Literal["adam", "adamw", "sgd", "lbfgs"],
        of_steps(help="Optimiser; lbfgs takes one step an epoch, on all the data."),
    ] = "adam"
    lr: Annotated[float | None, of_steps(help="Learning rate. Default: 0.004; 1 for sgd and lbfgs.")] = None
    schedule: Annotated[
        Literal["constant", "linear", "cosine", "exponential", "plateau"] | None,
        of_steps(help="Schedule of the learning rate. Default: cosine; constant for lbfgs."),
    ] = None
    decay: Annotated[
        float | None,
        of_steps(help="Factor of exponential (default: 0.9 an epoch) and plateau (0.5 without improvement)."),
    ] = None
    warmup: Annotated[int, of_steps(help="Steps of linear warm-up to the full learning rate.")] = (
        TrainingOptions.warmup
    )
    momentum: Annotated[float, of_steps(help="Momentum of sgd.")] = TrainingOptions.momentum
    weight_decay: Annotated[float, of_steps(help="Weight decay.")] = TrainingOptions.weight_decay
    clip: Annotated[
        float | None, of_steps(help="Largest norm of the gradient (0: no limit). Default: 1.")
    ] = None
    clip_value: Annotated[float, of_steps(help="Largest magnitude of a gradient entry (0: no limit).")] = (
        TrainingOptions.clip_value
    )
    patience: Annotated[int, of_steps(help="Stop after N evaluations without improvement (0: never).")] = (
        TrainingOptions.patience
    )
    evaluate_every: Annotated[int, of_steps(help="Steps between evaluations (0: one an epoch).")] = (
        TrainingOptions.evaluate_every
    )


def training_options(run: RunArguments, steps: StepArguments) -> TrainingOptions:
    """The choices of the loop. Raises InputError."""
    if run.watch and steps.optimiser == "lbfgs":
        cure = "Watch with another optimiser"
        raise InputError("watch", "looks at updates on single batches", "lbfgs", cure)
    return TrainingOptions(
        epochs=TrainingOptions.epochs if steps.epochs is None else steps.epochs,
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


def origin_of(run: RunArguments, kind: type[Model]) -> Origin[Model] | None:
    """The model that a run begins with, if any. Raises InputError if it is of another job."""
    from bptt.jobs.loading import load
    from bptt.runs.origin import Origin

    if run.init_from is None:
        if run.keep_vocabulary:
            raise InputError(
                "--keep-vocabulary", "is of a run that another one begins from", cure="Give --init-from"
            )
        return None
    if run.init_from.resolve() == run.output.resolve() and not run.resume:
        raise InputError("--init-from", "must be another folder than --output", str(run.output))
    trained = load(run.init_from)
    if not isinstance(trained, kind):
        rule, cure = "must be a run of the same job to begin from", "Name such a run"
        raise InputError(str(run.init_from), rule, type(trained).__name__, cure)
    return Origin(run.init_from.resolve().name, trained, not run.keep_vocabulary)


def with_enough_updates(options: TrainingOptions, steps: StepArguments, task: Task) -> TrainingOptions:
    """Return the options, with more epochs if the usual ones are too few updates and none were asked for."""
    if steps.epochs is not None:
        return options
    return replace(options, epochs=usual_epochs(task.steps(0)))


@contextmanager
def as_typed() -> Iterator[None]:
    """Let an error name an option as the user typed it."""
    try:
        yield
    except InputError as error:
        if not error.where.isidentifier():
            raise
        option = "--" + TYPED.get(error.where, error.where).replace("_", "-")
        raise InputError(option, error.rule, error.got, error.cure) from error


def train_task(task: Task, options: TrainingOptions, run: RunArguments, then: Sequence[str]) -> None:
    """Say what was found, train, say what came of it; `then` are commands that ask the trained run."""
    from bptt.cli.progress import reporter
    from bptt.training.loop import train
    from bptt.training.watching import Watching

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
    for line in (*watching.lines, *(task.conclude(run.output) if outcome.best_step else ())):
        print(line)
    _print_next(run.output, then if outcome.best_step or not task.holds_out else ())
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)


def _print_next(run: Path, commands: Sequence[str]) -> None:
    folder = shlex.quote(str(run))
    for number, command in enumerate(commands):
        print(f"{'next: ' if number == 0 else '      '}{command.format(run=folder)}")


def _print_outcome(outcome: Outcome, unit: str) -> None:
    from bptt.cli.progress import duration, shown_metric

    print(f"{outcome.run}: {outcome.status} at step {outcome.step}, epoch {outcome.epoch}")
    if outcome.best_step:
        best = shown_metric(outcome.criterion, outcome.best_value, unit)
        print(f"best held-out {best} at step {outcome.best_step}, {duration(outcome.seconds)} in all")
    if outcome.status == "interrupted":
        print("Everything is saved: the same command with --resume goes on from here.")
