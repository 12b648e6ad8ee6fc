"""`bptt score`: the log-probability of each line of a text, or of whatever the job of a run scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import one_line, print_json
from bptt.cli.commands import make_command, options_of_named_run
from bptt.cli.sources import STDIN, averaged, source_of
from bptt.cli.spelling import say
from bptt.cli.streams import shown
from bptt.errors import InputError
from bptt.jobs.answers import Answer

if TYPE_CHECKING:
    from bptt.options.choices import Choices

TITLE = "Print the log-probability of every line of a text, or of every file."
_ABOUT = (
    "For a text the columns, separated by tabs, are log P, number of tokens, number of unknown tokens, and "
    "the text; perplexity per token and per word, and bits per character, of all lines go to standard error."
)


def command_for(given: Sequence[str]) -> Any:
    """Return the command for these arguments."""
    from bptt.jobs.commands import score_options

    return make_command("score", options_of_named_run(given, score_options), _score, TITLE, _ABOUT)


def _score(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.commands import EXACT, ScoreOptions, check_own, leading_runs
    from bptt.jobs.loading import load
    from bptt.jobs.registry import job_of_run

    asked = choices.make(ScoreOptions)
    runs, files = leading_runs(asked.run, asked.files)
    if not files:
        raise InputError(
            "files", "must be named behind the runs", "none", "Name one, or - for standard input"
        )
    for each in files:
        if str(each) != STDIN and not each.exists():
            cure = f"Check the name; a text itself is piped in: echo TEXT | bptt score {asked.run} -"
            raise InputError(str(each), "must be a file", "no such file", cure)
    job = job_of_run(asked.run)
    if job.score is None:
        rule = "must be a run of a job that scores files"
        raise InputError(str(asked.run), rule, f"a {job.options.called}", "Ask it by `bptt predict`")
    check_own(choices, job.options)
    trained = load(runs, asked.device)
    for note in averaged(runs):
        say(note)
    sources = [source_of(STDIN, asked.encoding) if str(each) == STDIN else each for each in files]
    from bptt.nn import weight_format

    with weight_format(asked.weights):
        for line in job.score(trained, sources, replace(choices, say=say)):
            if isinstance(line, Answer):
                print_json(line)
            else:
                print(shown(line) if isinstance(line, str) else "\t".join(map(one_line, line)))
    if asked.weights != EXACT:
        say(f"these are with weights in {asked.weights}; in {EXACT}:")
        for _ in job.score(trained, sources, replace(choices, say=say)):
            pass
