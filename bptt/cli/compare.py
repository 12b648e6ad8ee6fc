"""`bptt compare`: cells and remedies side by side, on the same data in the same order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bptt.cli.training import Level, as_typed, of_data, of_model, of_run, of_steps
from bptt.comparison.options import MOST_SEEDS, CompareOptions
from bptt.models.options import MOST_LAYERS

_WHAT = "Problem of memory, adding or copy; or a file: text, labelled examples, tagged words."
_REMEDIES = (
    "Remedies, separated by commas: clip, orthogonal, identity, forget-bias, relu, lstm, gru, length "
    "(gradients go back 4 times as far). Each cell is also trained with each that suits it, relu+identity "
    "with both."
)


def compare(
    what: Annotated[str, typer.Argument(help=_WHAT)],
    output: Annotated[Path, of_run("--output", "-o", help="Run folder to write.")],
    cells: Annotated[
        str,
        of_model(help="Cells, separated by commas: rnn, names listed by `bptt cells`, or mycell.py:MyCell."),
    ] = CompareOptions.cells,
    remedies: Annotated[str, of_model(help=_REMEDIES)] = CompareOptions.remedies,
    hidden: Annotated[
        int, of_model(help="Hidden units of a layer of the first cell.")
    ] = CompareOptions.hidden_size,
    layers: Annotated[int, of_model(max=MOST_LAYERS, help="Number of recurrent layers.")] = (
        CompareOptions.num_layers
    ),
    equal: Annotated[
        Literal["weights", "size"],
        of_model(help="Give the other cells as many recurrent weights, or as many units, as the first."),
    ] = CompareOptions.equal,
    lag: Annotated[
        int | None,
        of_data(help="Steps of adding (default: 100), or between letters and recall of copy (default: 30)."),
    ] = None,
    symbols: Annotated[int, of_data(help="Letters to copy.")] = CompareOptions.symbols,
    examples: Annotated[int, of_data(help="Number of examples of a problem.")] = (CompareOptions.examples),
    task: Annotated[
        Literal["lm", "classify", "tag"] | None,
        of_data(help="Job to run on a file. Default: detected from the file."),
    ] = None,
    level: Annotated[Level, of_data(help="Unit of the text (lm).")] = CompareOptions.level,
    length: Annotated[int, of_data(help="Length of truncated back-propagation in tokens (lm).")] = (
        CompareOptions.sequence_length
    ),
    batch_size: Annotated[
        int, of_steps(help="Examples or streams in a mini-batch.")
    ] = CompareOptions.batch_size,
    epochs: Annotated[
        int | None, of_steps(help="Passes over the data. Default: 20 for a problem, else 10.")
    ] = None,
    lr: Annotated[float | None, of_steps(help="Learning rate. Default: 0.004.")] = None,
    clip: Annotated[float, of_steps(help="Largest norm of the gradient (0: no limit).")] = (
        CompareOptions.clip_norm
    ),
    seeds: Annotated[
        int, of_run(min=1, max=MOST_SEEDS, help="Runs of each cell, from different initial weights.")
    ] = CompareOptions.seeds,
    seed: Annotated[
        int, of_run(help="Seed of the data and of the first initial weights.")
    ] = CompareOptions.seed,
    threads: Annotated[int, of_run(min=0, help="CPU threads (0: torch's choice).")] = 0,
) -> None:
    """Train cells, and remedies, side by side on the same data.

    Reports how well each learns, how far back its gradient reaches, and what it costs. The same command
    goes on after an interruption.
    """
    from bptt.cli.machine import prepare

    prepare(threads)
    from bptt.comparison.comparing import PICTURE, plan_comparison, run_comparison
    from bptt.report.comparison_record import conclusions, table
    from bptt.training.interrupt import Interrupted
    from bptt.training.progress import reporter

    with as_typed():
        options = CompareOptions(
            cells, remedies, hidden, layers, equal, lag, symbols, examples, task, level, length, batch_size,
            epochs, lr, clip, seeds, seed,
        )  # fmt: skip
        plan = plan_comparison(what, output, options, reporter())
    try:
        comparison = run_comparison(plan, reporter)
    except Interrupted as stop:
        print("Everything is saved: the same command goes on from here.")
        raise typer.Exit(128 + stop.signal) from None
    for row in table(comparison):
        print("\t".join(row))
    print()
    for sentence in conclusions(comparison):
        print(sentence)
    print(f"picture: {output / PICTURE}")
