"""`bptt inspect`: the training curve, and the gradient through time, of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def inspect(
    run: Annotated[Path, typer.Argument(help="The folder that `bptt train` wrote.")],
    text: Annotated[
        Path | None, typer.Option(help="Look back in this text, not in the held-out part.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for pictures and numbers; else the run's.")
    ] = None,
    lags: Annotated[int, typer.Option(help="How many steps to look back.")] = 100,
    windows: Annotated[int, typer.Option(help="In how many places of the text.")] = 64,
) -> None:
    """Draw how the loss fell, and how far back the gradient reaches; say both in numbers."""
    from bptt.cli.machine import prepare

    prepare()
    import json
    from functools import partial

    from bptt import report
    from bptt.data.text import read_text
    from bptt.probe import gradient_by_lag
    from bptt.tasks.language.model import load_language_model
    from bptt.tasks.language.windows import cut_windows
    from bptt.tasks.run_folder import read_held_out, write_bytes

    trained = load_language_model(run)
    training = report.read_training(run)
    looked_at = cut_windows(trained, read_text(text) if text else read_held_out(run), lags, windows)
    model = trained.model
    found = gradient_by_lag(
        model.recurrent, looked_at.embed(model), partial(looked_at.loss, model), looked_at.lags
    )
    pictures = out or run
    pictures.mkdir(parents=True, exist_ok=True)
    write_bytes(pictures / report.GRADIENT, json.dumps(found.to_dict(), indent=1).encode())
    report.draw_training(training, pictures / "training.png")
    report.draw_gradient(report.read_gradient(run, pictures), pictures / "gradient_by_lag.png")
    print(training.summary)
    for curve in found.curves:
        print(curve.verdict)
    print(f"pictures: {pictures / 'training.png'}, {pictures / 'gradient_by_lag.png'}")
