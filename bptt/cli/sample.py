"""`bptt sample`: new text from a trained language model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bptt.cli.streams import shown


def sample(
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train lm`.")],
    prompt: Annotated[str, typer.Option(help="Text to continue.")] = "",
    length: Annotated[int, typer.Option(help="Largest number of tokens.")] = 500,
    temperature: Annotated[
        float,
        typer.Option(
            help="Temperature of the softmax; below 1 unlikely tokens become rarer (0: always the likeliest)."
        ),
    ] = 1.0,
    top_k: Annotated[int, typer.Option(help="Draw from the k likeliest tokens (0: from all).")] = 0,
    top_p: Annotated[
        float, typer.Option(help="Draw from the likeliest tokens whose probabilities sum to this.")
    ] = 1.0,
    no_unk: Annotated[bool, typer.Option("--no-unk", help="Never draw <unk>.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop at the end of a line.")] = False,
    seed: Annotated[int, typer.Option(help="Seed; the same seed draws the same text.")] = 0,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=100_000, help="Number of samples.")] = 1,
) -> None:
    """Sample text from a language model, token by token."""
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.sampling import SamplingOptions, read_prompt, sample, sample_many

    options = SamplingOptions(length, temperature, top_k, top_p, no_unk, stop, seed)
    trained = load_language_model(run)
    begun = read_prompt(trained, prompt)
    if begun.unknown:
        known = f"{begun.unknown} of its {len(begun.tokens)} {trained.vocabulary.unit} are <unk>"
        print(f"prompt: {known}, the model does not know them", file=sys.stderr)
    if number == 1:
        print(shown(begun.text), end="")
        for piece in sample(trained, begun, options):
            print(shown(piece), end="", flush=True)
        print()
        return
    for index, text in enumerate(sample_many(trained, begun, options, number), 1):
        print(f"--- {index}\n{shown(begun.text + text)}")
