"""`bptt compare`: cells and remedies side by side, on the same data in the same order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bptt.cli.examples import Level
from bptt.cli.training import MOST_LAYERS, as_typed, of_data, of_model, of_run, of_steps
from bptt.errors import InputError
from bptt.files import MARK, check_output, to_json, write_output
from bptt.training.options import TrainingOptions
from bptt.version import __version__

if TYPE_CHECKING:
    from bptt.compare.subject import Shared, Subject
    from bptt.compare.trial import Result, Trial
    from bptt.jobs.task import Task
    from bptt.training.observer import Seen

_WHAT = "Problem of memory, adding or copy; or a file: text, labelled examples, tagged words."
_REMEDIES = (
    "Remedies, separated by commas: clip, orthogonal, identity, forget-bias, relu, lstm, gru, length "
    "(gradients go back 4 times as far). Each cell is also trained with each that suits it, relu+identity "
    "with both."
)
# What the problems are posed with: at these lags networks without gates fail and gated ones succeed.
_LAGS = {"adding": 100, "copy": 30}
_EXAMPLES = 10_000
_EPOCHS = 20
PICTURE = "comparison.png"


def compare(
    what: Annotated[str, typer.Argument(help=_WHAT)],
    output: Annotated[Path, of_run("--output", "-o", help="Run folder to write.")],
    cells: Annotated[
        str,
        of_model(help="Cells, separated by commas: rnn, names listed by `bptt cells`, or mycell.py:MyCell."),
    ] = "rnn,lstm,gru",
    remedies: Annotated[str, of_model(help=_REMEDIES)] = "",
    hidden: Annotated[int, of_model(help="Hidden units of a layer of the first cell.")] = 128,
    layers: Annotated[int, of_model(max=MOST_LAYERS, help="Number of recurrent layers.")] = 1,
    equal: Annotated[
        Literal["weights", "size"],
        of_model(help="Give the other cells as many recurrent weights, or as many units, as the first."),
    ] = "weights",
    lag: Annotated[
        int | None,
        of_data(help="Steps of adding (default: 100), or between letters and recall of copy (default: 30)."),
    ] = None,
    symbols: Annotated[int, of_data(help="Letters to copy.")] = 2,
    examples: Annotated[int, of_data(help="Number of examples of a problem.")] = _EXAMPLES,
    task: Annotated[
        Literal["lm", "classify", "tag"] | None,
        of_data(help="Job to run on a file. Default: detected from the file."),
    ] = None,
    level: Annotated[Level, of_data(help="Unit of the text (lm).")] = "character",
    length: Annotated[int, of_data(help="Length of truncated back-propagation in tokens (lm).")] = 50,
    batch_size: Annotated[int, of_steps(help="Examples or streams in a mini-batch.")] = 50,
    epochs: Annotated[
        int | None, of_steps(help="Passes over the data. Default: 20 for a problem, else 10.")
    ] = None,
    lr: Annotated[float | None, of_steps(help="Learning rate. Default: 0.004.")] = None,
    clip: Annotated[float, of_steps(help="Largest norm of the gradient (0: no limit).")] = 1.0,
    seeds: Annotated[
        int, of_run(min=1, max=1000, help="Runs of each cell, from different initial weights.")
    ] = 1,
    seed: Annotated[
        int, of_run(help="Seed of the data and of the first initial weights.")
    ] = TrainingOptions.seed,
    threads: Annotated[int, of_run(min=0, help="CPU threads (0: torch's choice).")] = 0,
) -> None:
    """Train cells, and remedies, side by side on the same data.

    Reports how well each learns, how far back its gradient reaches, and what it costs. The same command
    goes on after an interruption.
    """
    from bptt.cli.machine import prepare

    prepare(threads)
    from bptt.compare.folder import digest, hold
    from bptt.compare.subject import Shared
    from bptt.compare.trial import plan_trials
    from bptt.compare.variants import plan_variants
    from bptt.report.comparison import COMPARISON

    with as_typed():
        variants = plan_variants(_listed(cells), _listed(remedies))
        shared = Shared(layers, batch_size, seed)
        subject = _subject(what, shared, lag, symbols, examples, task, level, length)
        usual = _EPOCHS if what in _LAGS else TrainingOptions.epochs
        epochs = usual if epochs is None else epochs
        options = TrainingOptions(epochs=epochs, learning_rate=lr, clip_norm=clip)
        trials = plan_trials(subject, variants, hidden, equal == "weights", output, range(seed, seed + seeds))
    hold(output, f"{subject.title}, {examples} examples" if what in _LAGS else digest(Path(what)))
    for name in (COMPARISON, PICTURE):
        check_output(output / name)
    results = _train(subject, trials, options)
    _show(subject, results, output)


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _subject(
    what: str,
    shared: Shared,
    lag: int | None,
    symbols: int,
    examples: int,
    task: Literal["lm", "classify", "tag"] | None,
    level: Level,
    length: int,
) -> Subject:
    """A problem of this name, else the file of this name."""
    from bptt.compare.files import read_subject, told_job
    from bptt.compare.subject import AddingSubject, CopySubject
    from bptt.runs.memory import within_memory

    if what in _LAGS:
        lag = _LAGS[what] if lag is None else lag
        with within_memory("the examples", "Give a smaller --lag, or fewer --examples"):
            if what == "adding":
                return AddingSubject(lag, examples, shared)
            return CopySubject(lag, symbols, examples, shared)
    if lag is not None:
        raise InputError("lag", "is of adding and copy", what, "Leave it out")
    if not Path(what).exists():
        got = f"{what!r}, neither a file nor a problem"
        raise InputError("bptt compare", "compares on adding, on copy, or on a file", got)
    if task is None:
        task = told_job(Path(what))
        print(f"{what}: taken for what `bptt train {task}` reads (--task says otherwise)", file=sys.stderr)
    return read_subject(Path(what), task, level, length, shared)


def _train(subject: Subject, trials: list[Trial], options: TrainingOptions) -> list[Result]:
    """The trials one after the other. Raises typer.Exit where one is interrupted."""
    from bptt.cli.progress import reporter
    from bptt.cli.watching import Watching
    from bptt.compare.trial import run_trial

    results = []
    for number, trial in enumerate(trials, 1):
        shown = reporter()
        shown.on_message(f"{trial.run.name} ({number} of {len(trials)}): {subject.title}")
        result = run_trial(
            subject, trial, options, shown, _looking(subject.lag), lambda task: Watching(task.model, 0)
        )
        if result.failure:
            shown.on_message(f"{trial.run.name} stopped: {result.failure}")
        if result.signal is not None:
            print("Everything is saved: the same command goes on from here.")
            raise typer.Exit(128 + result.signal)
        results.append(result)
    return results


def _looking(lags: int) -> Callable[[Task], Seen]:
    """What goes back by so many lags through the first batch of a task."""
    from bptt.cli.watching import look_at

    return partial(look_at, lags=lags)


def _show(subject: Subject, results: list[Result], folder: Path) -> None:
    """Write what was found, print it as a table and in sentences, draw it."""
    from bptt.report.comparison import COMPARISON, conclusions, read_comparison, table
    from bptt.report.comparison_figure import draw_comparison

    found = {
        "by": f"{MARK} {__version__}",
        "title": subject.title,
        "lag": subject.lag,
        "baseline": subject.baseline,
        "runs": [result.to_dict() for result in results],
    }
    write_output(folder / COMPARISON, to_json(found, indent=1).encode("utf-8", "backslashreplace"))
    comparison = read_comparison(folder)
    for row in table(comparison):
        print("\t".join(row))
    print()
    for sentence in conclusions(comparison):
        print(sentence)
    picture = folder / PICTURE
    draw_comparison(comparison, picture)
    print(f"picture: {picture}")
