"""`bptt next`: the likeliest next tokens at each step of a text, under a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.commands import make_command
from bptt.cli.language import note
from bptt.cli.sources import is_file_name
from bptt.cli.tables import TableColumn, numbers, print_table, token_name
from bptt.errors import InputError
from bptt.jobs.language.commands import NEXT, NextOptions
from bptt.languages.phrase import phrase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bptt.jobs.language.model import Trained
    from bptt.jobs.language.next_tokens import NextTokens
    from bptt.nn.exposure import RankedAnswers
    from bptt.options.choices import Choices

TITLE = "Print the likeliest next tokens at each step of a text."


def command() -> Any:
    """Return the command."""
    about = (
        "The columns, separated by tabs, are the step, the token that it reads, the token that follows in "
        "the text, its probability and rank, and the likeliest tokens with their probabilities. The first "
        "step has read nothing of the text."
    )
    return make_command("next", NEXT, _next, TITLE, about)


def _next(choices: Choices) -> None:
    asked = choices.make(NextOptions)
    if is_file_name(asked.text):
        cure = "`bptt score --tokens` scores the tokens of a file"
        raise InputError(asked.text, "must be a text", "what looks like a file", cure)
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.language.answering import NextAnswer
    from bptt.jobs.language.model import load_language_model
    from bptt.jobs.language.next_tokens import next_tokens

    trained = load_language_model(asked.run, asked.device)
    note(trained.config.data.line_context, asked.lang)
    _note_unknown(trained, asked)
    if asked.json:
        top, last = (trained.vocabulary.size, True) if asked.all else (asked.top, asked.last)
        print_json(NextAnswer(1, asked.text, next_tokens(trained, asked.text, top, last)))
        return
    if asked.all:
        (found,) = next_tokens(trained, asked.text, trained.vocabulary.size, last=True)
        for token, p in zip(found.expected.answers, found.expected.probabilities, strict=True):
            print(f"{p:.6g}\t{token_name(token)}")
        return
    steps = next_tokens(trained, asked.text, asked.top, asked.last)
    print_table(_table(steps), pairs=len(steps[0].expected.answers) - 1, asked=asked.lang)


def _table(steps: Sequence[NextTokens]) -> list[TableColumn]:
    expected = [step.expected for step in steps]
    actual = ["" if step.actual is None else token_name(step.actual) for step in steps]
    ranks = ["" if each.rank is None else str(each.rank) for each in expected]
    return [
        TableColumn(phrase("step"), [str(step.step) for step in steps], number=True),
        TableColumn(phrase("read"), [token_name(step.read) for step in steps]),
        TableColumn(phrase("next"), actual),
        numbers("P", [each.probability for each in expected]),
        TableColumn(phrase("rank"), ranks, number=True),
        *likeliest(expected),
    ]


def _note_unknown(trained: Trained, asked: NextOptions) -> None:
    """Print on standard error how many tokens of the text the model does not know, if there are any."""
    from bptt.jobs.language.prompt import read_prompt

    read = read_prompt(trained, asked.text)
    if read.unknown:
        units = phrase(trained.vocabulary.unit)
        counts = str(read.unknown), str(len(read.tokens)), units
        note(phrase("text: {} of its {} {} are <unk>, the model does not know them", *counts), asked.lang)


def likeliest(expected: Sequence[RankedAnswers | None]) -> list[TableColumn]:
    """Return two columns for each rank: the answer, and its probability; empty where nothing is expected."""
    found = []
    for rank in range(max(len(each.answers) for each in expected if each)):
        answers = [token_name(each.answers[rank]) if each else "" for each in expected]
        found.append(TableColumn(f"{rank + 1}.", answers))
        found.append(
            numbers(f"P {rank + 1}", [each.probabilities[rank] if each else None for each in expected])
        )
    return found
