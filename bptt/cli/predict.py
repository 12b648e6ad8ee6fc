"""`bptt predict`: the answers of a trained model, one for each input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import AnswerPrinter
from bptt.cli.commands import make_command, options_of_named_run
from bptt.cli.sources import STDIN, averaged, check_inputs, say_notes, source_of, sources_of
from bptt.cli.spelling import say, spelled
from bptt.errors import InputError, printable

if TYPE_CHECKING:
    from bptt.cli.weights import ComparedAnswers
    from bptt.data.readers.asked import Said
    from bptt.data.readers.document import Document
    from bptt.jobs.answers import Answer, Asking
    from bptt.jobs.commands import PredictOptions
    from bptt.options.choices import Choices

TITLE = "Print an answer for each input."
# The options that name a picture to draw.
_PICTURES = ("attention", "figure")
_ABOUT = (
    "Each line of a text is an input; lines of standard input are answered as they arrive. The columns of a "
    "classifier's answer, separated by tabs, are label, probability, input, and the name of the record if it "
    "has one; --json prints more."
)


def command_for(given: Sequence[str]) -> Any:
    """Return the command for these arguments."""
    from bptt.jobs.commands import predict_options

    return make_command("predict", options_of_named_run(given, predict_options), _predict, TITLE, _ABOUT)


def _predict(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.commands import EXACT, PredictOptions, check_own, leading_runs
    from bptt.jobs.loading import load
    from bptt.jobs.registry import find_drawing, job_of_run

    asked = choices.make(PredictOptions)
    runs, inputs = leading_runs(asked.run, asked.inputs)
    asked = replace(asked, inputs=inputs)
    job = job_of_run(asked.run)
    trained, written = load(runs, asked.device), AnswerPrinter(asked.output, asked.json)
    if job.ask is None:
        cure = "`bptt score` and `bptt sample` ask a language model"
        raise InputError(str(asked.run), "must be a run that gives answers", f"a {job.options.called}", cure)
    check_own(choices, job.options)
    check_inputs(asked)
    picture = next((name for name in _PICTURES if choices.has(name)), "")
    if picture:
        from bptt.report.figure_page import check_picture

        check_picture(choices.get(picture))
    from bptt.nn import weight_format

    asking = job.ask(trained, choices)
    compared = None
    if asked.weights != EXACT:
        from bptt.cli.weights import ComparedAnswers

        compared = ComparedAnswers(job.ask(trained, choices), asked.weights)
    for note in (*averaged(runs), *asking.notes):
        print(printable(spelled(note)), file=sys.stderr)
    if compared is not None and asked.streams:
        say(f"weights {asked.weights}: answers that `stream` are not compared with those of {EXACT}")
    with weight_format(asked.weights):
        _answer_all(asking, choices, asked, written, compared, job.options.called)
    if picture:
        draw = find_drawing(job)
        assert draw is not None
        draw(asking.picture, choices.get(picture))
        print(f"{picture}: {choices.get(picture)}", file=sys.stderr)
    for line in asking.conclude():
        print(printable(spelled(line)), file=sys.stderr)


def _answer_all(
    asking: Asking,
    choices: Choices,
    asked: PredictOptions,
    written: AnswerPrinter,
    compared: ComparedAnswers | None,
    called: str,
) -> None:
    """Answer the inputs in the way that was chosen. Raises InputError if the model has no such way."""
    raw = asking.raw_format() if asked.streams else None
    if raw is not None:
        from bptt.cli.heard import answer_sound

        answer_sound(asking, raw, asked)
    elif asked.microphone:
        raise InputError("microphone", "needs a model that hears sound", f"a {called}")
    elif asked.stream and asked.inputs == (STDIN,):
        from bptt.cli.streamed import answer_stream

        answer_stream(asking.stream(_said(choices)), asked.encoding, written)
    elif asked.stream:
        _answer_over_time(asking, choices, asked, written)
    else:
        _answer(asking, choices, asked, written, compared)
        if compared is not None:
            say(compared.line)


def _answer(
    asking: Asking,
    choices: Choices,
    asked: PredictOptions,
    written: AnswerPrinter,
    compared: ComparedAnswers | None,
) -> None:
    """Read the inputs, or those that have arrived, answer them, and print the answers."""
    said = _said(choices)
    if asking.header is not None:
        written.head(asking.header)

    def is_lines(first: Document) -> bool:
        return not asking.needs_all and asking.reads_lines(first, said)

    sources = (sources_of(each, is_lines, asked.encoding) for each in asked.inputs)
    for source in chain.from_iterable(sources):
        examples = asking.read(source, said)
        say_notes(source, examples)
        answers: Iterable[Answer] = asking.answer(examples)
        if compared is not None:
            answers = kept = list(answers)
            compared.compare(examples, kept)
        for row, answer in zip(examples.rows, answers, strict=True):
            written.write(row, answer, asking)
        written.flush()
    written.close()


def _answer_over_time(
    asking: Asking, choices: Choices, asked: PredictOptions, written: AnswerPrinter
) -> None:
    """Print the answers to parts of each input at once. Raises InputError if an input has one answer."""
    if not asking.follows_inputs:
        came = ", ".join(map(repr, asked.inputs))
        raise InputError("stream", "reads standard input", came, "Give - as the input")
    for given in asked.inputs:
        source = source_of(given, asked.encoding)
        examples = asking.read(source, _said(choices))
        say_notes(source, examples)
        for row, answer in asking.over_time(examples):
            written.write(row, answer, asking)
            written.flush()


def _said(choices: Choices) -> Said:
    from bptt.jobs.commands import ReadingOptions

    return choices.make(ReadingOptions).said()
