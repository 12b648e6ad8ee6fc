"""`bptt sample`: new text, or whatever else the job of a run draws."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.commands import make_command, options_of_named_run
from bptt.cli.spelling import say
from bptt.cli.streams import shown
from bptt.errors import InputError
from bptt.jobs.answers import Answer

if TYPE_CHECKING:
    from bptt.options.choices import Choices

TITLE = "Draw samples from a trained model: text, or whatever it has learned."


def command_for(given: Sequence[str]) -> Any:
    """Return the command for these arguments."""
    from bptt.jobs.commands import sample_options

    return make_command("sample", options_of_named_run(given, sample_options), _sample, TITLE)


def _sample(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.commands import EXACT, SampleOptions, check_own
    from bptt.jobs.loading import load
    from bptt.jobs.registry import job_of_run

    asked = choices.make(SampleOptions)
    job = job_of_run(asked.run)
    if job.sample is None:
        rule = "must be a run of a job that draws samples"
        raise InputError(str(asked.run), rule, f"a {job.options.called}", "Ask it by `bptt predict`")
    check_own(choices, job.options)
    from bptt.nn import weight_format

    trained = load(asked.run, asked.device)
    with weight_format(asked.weights):
        for piece in job.sample(trained, replace(choices, say=say)):
            if isinstance(piece, Answer):
                print_json(piece)
                continue
            sys.stdout.write(shown(piece))
            sys.stdout.flush()
    if asked.weights != EXACT:
        from bptt.cli.weights import say_held_out

        say_held_out(job, trained, asked.run, asked.weights)
