"""`bptt average`: weights of several runs, or of several checkpoints, averaged into a new run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptt.cli.commands import make_command
from bptt.training.average_options import AVERAGE, AverageOptions

if TYPE_CHECKING:
    from bptt.options.choices import Choices

_ABOUT = (
    "Runs must have the same job, options, labels and vocabulary, and may differ in how they were trained: "
    "from one start with --init-from, or over more epochs. Trainings from different initial weights average "
    "badly. The new run answers as any other; evaluate it beside those that it comes from."
)


def command() -> Any:
    """Return the command."""
    title = "Average the weights of runs, or of the checkpoints of one, into a new run."
    return make_command("average", AVERAGE, _average, title, _ABOUT)


def _average(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    prepare()
    from bptt.runs.run_folder import read_config
    from bptt.training.averaging import AVERAGED, average

    asked = choices.make(AverageOptions)
    folder = average(*asked.runs, output=asked.output, last=asked.last)
    print(f"{folder}: the mean of {', '.join(read_config(folder)['training'][AVERAGED])}")
