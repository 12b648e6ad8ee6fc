"""`bptt train`: learn from files; everything goes into one folder, and can be interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
_run = partial(typer.Option, rich_help_panel="Run")
_text = partial(typer.Option, rich_help_panel="Text")
_model = partial(typer.Option, rich_help_panel="Model")
_steps = partial(typer.Option, rich_help_panel="Training")

_FILES = "Text in UTF-8, plain or gzip. Without files: the language reference of Python."
_MODE = "The text as one stream with the states carried on, or each line by itself."

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
}

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _jobs() -> None:
    """Train a model on files; --resume goes on after an interruption as if there had been none."""


@app.command()
def lm(
    output: Annotated[Path, _run("--output", "-o", help="The folder for all that is made.")],
    files: Annotated[list[Path] | None, typer.Argument(help=_FILES)] = None,
    resume: Annotated[
        bool, _run("--resume", help="Go on with the run, exactly: give the same options again.")
    ] = False,
    overwrite: Annotated[bool, _run("--overwrite", help="Give up the run, begin again.")] = False,
    threads: Annotated[int, _run(min=0, help="Threads, 0: as torch chooses.")] = 0,
    seed: Annotated[int, _run(help="Of everything random.")] = TrainingOptions.seed,
    checkpoint_every: Annotated[
        float, _run(help="Seconds between checkpoints.")
    ] = TrainingOptions.checkpoint_every,
    log_every: Annotated[
        int, _run(help="Steps between records in metrics.jsonl.")
    ] = TrainingOptions.log_every,
    level: Annotated[Literal["character", "word", "bpe"], _text(help="What a token is.")] = "character",
    mode: Annotated[Literal["continuous", "sentences"], _text(help=_MODE)] = "continuous",
    held_out: Annotated[float, _text(help="Share of the text, its end, to test on.")] = 0.1,
    min_count: Annotated[
        int | None, _text(help="Rarer tokens are <unk> (usual: 2 for words, else 1).")
    ] = None,
    vocab_size: Annotated[
        int | None, _text(help="Most tokens to know (usual: 2000 for bpe, else all).")
    ] = None,
    lower: Annotated[bool, _text("--lower", help="Lower-case the text.")] = False,
    digits: Annotated[bool, _text(help="Keep digits.")] = True,
    punctuation: Annotated[bool, _text(help="Keep punctuation and symbols.")] = True,
    cell: Annotated[str, _model(help="A name that `bptt cells` lists, or mycell.py:MyCell.")] = "lstm",
    layers: Annotated[int, _model(help="Recurrent layers.")] = 2,
    hidden: Annotated[int, _model(help="Units in a layer.")] = 256,
    projection: Annotated[int, _model(help="Units that a cell with projection hands on.")] = 0,
    embedding: Annotated[
        int | None, _model(help="Width of the embedding (usual: 64, or as --tied needs).")
    ] = None,
    one_hot: Annotated[bool, _model("--one-hot", help="One-hot input, no embedding.")] = False,
    tied: Annotated[bool, _model("--tied", help="The embedding is the output matrix too.")] = False,
    dropout: Annotated[float, _model(help="Share of values dropped between layers.")] = 0.0,
    initial: Annotated[
        Literal["zero", "learned"], _model(help="The states that a text starts from.")
    ] = "zero",
    epochs: Annotated[
        int, _steps(help="Times through the text; a resumed run may have more, unless linear or cosine.")
    ] = TrainingOptions.epochs,
    batch_size: Annotated[int, _steps(help="Streams, or lines, side by side.")] = 32,
    length: Annotated[int, _steps(help="Tokens the gradient goes back (continuous).")] = 50,
    optimiser: Annotated[
        Literal["adam", "adamw", "sgd", "lbfgs"],
        _steps(help="lbfgs: on the whole text, one step an epoch."),
    ] = "adam",
    lr: Annotated[float | None, _steps(help="Learning rate (usual: 0.004; for sgd and lbfgs 1).")] = None,
    schedule: Annotated[
        Literal["constant", "linear", "cosine", "exponential", "plateau"] | None,
        _steps(help="The learning rate over time (usual: cosine; for lbfgs constant)."),
    ] = None,
    decay: Annotated[
        float | None,
        _steps(help="Factor of exponential (usual: 0.9 an epoch) and plateau (0.5 a miss)."),
    ] = None,
    warmup: Annotated[int, _steps(help="Steps until the full learning rate.")] = TrainingOptions.warmup,
    momentum: Annotated[float, _steps(help="Of sgd.")] = TrainingOptions.momentum,
    weight_decay: Annotated[
        float, _steps(help="Pull of the weights to zero.")
    ] = TrainingOptions.weight_decay,
    clip: Annotated[float | None, _steps(help="Largest norm of the gradient, 0: any (usual: 1).")] = None,
    clip_value: Annotated[
        float, _steps(help="Largest element of the gradient, 0: any.")
    ] = TrainingOptions.clip_value,
    patience: Annotated[
        int, _steps(help="Stop after so many evaluations without a new best, 0: never.")
    ] = TrainingOptions.patience,
    evaluate_every: Annotated[
        int, _steps(help="Steps between evaluations, 0: an epoch.")
    ] = TrainingOptions.evaluate_every,
) -> None:
    """A language model: the probability of each character or word, given those before it."""
    from bptt.cli.machine import prepare

    prepare(threads)
    import torch

    from bptt.cells import load
    from bptt.data.levels import VocabularyOptions
    from bptt.data.text import default_corpus, read_corpus
    from bptt.tasks.language_config import DataOptions, LanguageModelConfig, ModelOptions
    from bptt.tasks.language_model import LanguageModelTask
    from bptt.training.opening import check_run

    if one_hot and embedding is not None:
        raise InputError("bptt train lm", "takes --embedding or --one-hot, not both")
    width = 0 if one_hot else embedding
    with _as_typed():
        options = TrainingOptions(
            epochs=epochs,
            optimiser=optimiser,
            learning_rate=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            schedule=schedule,
            decay=decay,
            warmup=warmup,
            clip_norm=clip,
            clip_value=clip_value,
            patience=patience,
            seed=seed,
            evaluate_every=evaluate_every,
            log_every=log_every,
            checkpoint_every=checkpoint_every,
        )
        config = LanguageModelConfig(
            load(cell),
            ModelOptions(hidden, layers, dropout, projection, initial, width, tied),
            DataOptions(mode, batch_size, length, held_out, seed),
            VocabularyOptions(level, min_count, vocab_size, lower, digits, punctuation),
        )
    check_run(output, resume, overwrite)
    torch.manual_seed(seed)
    task = LanguageModelTask(read_corpus(files) if files else default_corpus(), config)
    _train(task, options, output, resume, overwrite)


@contextmanager
def _as_typed() -> Iterator[None]:
    """Let an error name an option as the user typed it."""
    try:
        yield
    except InputError as error:
        if not error.where.isidentifier():
            raise
        option = "--" + _TYPED.get(error.where, error.where).replace("_", "-")
        raise InputError(option, error.rule, error.got, error.cure) from error


def _train(task: Task, options: TrainingOptions, run: Path, resume: bool, overwrite: bool) -> None:
    """Say what was found, train, say what came of it."""
    from bptt.cli.progress import reporter
    from bptt.training.loop import train

    watcher = reporter()
    for line in task.describe():
        watcher.on_message(line)
    outcome = train(task, options, run, watcher, resume=resume, overwrite=overwrite)
    _print_outcome(outcome, task.unit.removesuffix("s"))
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)


def _print_outcome(outcome: Outcome, unit: str) -> None:
    from bptt.cli.progress import duration

    print(f"{outcome.run}: {outcome.status} at step {outcome.step}, epoch {outcome.epoch}")
    if outcome.best_step:
        loss = f"{outcome.best_loss:.4f} nats per {unit}"
        print(f"best held-out loss {loss} at step {outcome.best_step}, {duration(outcome.seconds)} in all")
    if outcome.status == "interrupted":
        print("Everything is saved: the same command with --resume goes on from here.")
