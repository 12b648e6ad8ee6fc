"""`bptt evaluate`: how well a trained model does on a text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder that `bptt train` wrote.")],
    file: Annotated[
        Path | None, typer.Argument(help="A text; none: what was held out of the training.")
    ] = None,
) -> None:
    """Predict a text as in training, the states carried on, and print each metric with its value."""
    from bptt.cli.machine import prepare

    prepare()
    from bptt.data.text import read_text
    from bptt.tasks.evaluation import evaluate_text
    from bptt.tasks.language_model import load_language_model
    from bptt.tasks.run_folder import read_held_out

    model, vocabulary, config = load_language_model(run)
    text = read_text(file) if file else read_held_out(run)
    for name, value in evaluate_text(model, vocabulary, config.data, text).items():
        print(f"{name}\t{value:.10g}")
