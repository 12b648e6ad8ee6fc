"""`bptt sample`: new text from a trained language model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bptt.cli.commands import make_command
from bptt.cli.streams import shown
from bptt.jobs.language.commands import SAMPLE, SampleOptions
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions

if TYPE_CHECKING:
    from bptt.options.choices import Choices


def command() -> Any:
    """Return the command."""
    return make_command("sample", SAMPLE, _sample, "Sample text from a language model, token by token.")


def _sample(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    asked, options = choices.make(SampleOptions), choices.make(SamplingOptions)
    lines = choices.make(LineOptions)
    prepare()
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.sampling import read_prompt, sample, sample_many

    trained = load_language_model(asked.run, asked.device)
    begun = read_prompt(trained, asked.prompt)
    if begun.unknown:
        known = f"{begun.unknown} of its {len(begun.tokens)} {trained.vocabulary.unit} are <unk>"
        print(f"prompt: {known}, the model does not know them", file=sys.stderr)
    if asked.number == 1:
        pieces = sample(trained, begun, options, lines=lines)
        print(shown(begun.text), end="")
        for piece in pieces:
            print(shown(piece), end="", flush=True)
        print()
        return
    for index, text in enumerate(sample_many(trained, begun, options, asked.number, lines), 1):
        print(f"--- {index}\n{shown(begun.text + text)}")
