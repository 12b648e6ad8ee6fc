"""`bptt predict`: the answers of a trained model, one for each input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from bptt.cli.answers import AnswerArguments, Answers, ReadingArguments, one_line
from bptt.cli.sources import say_notes, sources_of
from bptt.cli.tags import write_tags
from bptt.cli.translations import SearchArguments, TranslationAnswers, WritingArguments, check_unused
from bptt.errors import InputError, printable

if TYPE_CHECKING:
    from bptt.data.examples import Examples
    from bptt.data.readers.asked import Said
    from bptt.data.readers.document import Document
    from bptt.data.readers.forms import Source
    from bptt.jobs.classify.task import Labelled, TrainedClassifier


class Asked(Protocol):
    """A trained model that reads what it is to answer."""

    def read_asked(self, source: Source, said: Said) -> Examples[Any, Any]:
        """The inputs of a source, none left out."""

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Whether what begins with this line is lines, an input each."""


def predict(
    *,
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train`.")],
    input: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A file or folder as learned from, a text, or - for standard input."
        ),
    ],
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities", help="Print the probability of every label, or of every predicted tag."
        ),
    ] = False,
    n_best: Annotated[
        int | None,
        typer.Option(help="Number of answers to each input, with their scores (translate, tag with a CRF)."),
    ] = None,
    reading: ReadingArguments,
    answers: AnswerArguments,
    search: SearchArguments,
    writing: WritingArguments,
) -> None:
    """Print an answer for each input.

    Of a text that is typed each line is an input; standard input is answered line by line, as it arrives.
    The columns of a classifier's answer, separated by tabs, are label, probability, input, and the name of
    the record if it has one; --json says more.
    """
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.classify.task import TrainedClassifier
    from bptt.jobs.loading import load
    from bptt.jobs.tag.task import TrainedTagger
    from bptt.jobs.translate.translator import TrainedTranslator

    trained, written = load(run), Answers(answers)
    if isinstance(trained, TrainedTranslator):
        if probabilities:
            cure = "--n-best gives the scores of texts"
            raise InputError("--probabilities", "are of labels and tags", "a translator", cure)
        translations = TranslationAnswers(trained, written, n_best, search, writing)
        _answer(trained, input, reading.said(), translations.answer, written, translations.needs_all)
        translations.finish()
        return
    check_unused(run, search, writing)
    if isinstance(trained, TrainedClassifier):
        if n_best is not None:
            rule = "is for translations and for tags of a CRF"
            raise InputError("--n-best", rule, "a classifier", "Take --probabilities")
        if probabilities and not written.as_json:
            written.write("\t".join(map(one_line, trained.labels)))
        for note in trained.notes:
            print(printable(note), file=sys.stderr)
        _answer(trained, input, reading.said(), partial(_classify, trained, written, probabilities), written)
    elif isinstance(trained, TrainedTagger):
        tags = partial(write_tags, trained, written, probabilities, n_best)
        _answer(trained, input, reading.said(), tags, written)
    else:
        cure = "`bptt score` and `bptt sample` ask a language model"
        raise InputError(str(run), "must be a run that gives answers", "a language model", cure)


def _answer(
    trained: Asked,
    input: str,
    said: Said,
    answer: Callable[[Any], None],
    written: Answers,
    needs_all: bool = False,
) -> None:
    """Read what there is, or what has arrived, answer it, and hand the answers on."""
    for source in sources_of(input, lambda first: not needs_all and trained.reads_lines(first, said)):
        examples = trained.read_asked(source, said)
        say_notes(source, examples)
        answer(examples)
        written.flush()
    written.close()


def _classify(trained: TrainedClassifier, written: Answers, probabilities: bool, examples: Labelled) -> None:
    is_text = trained.config.source.kind == "text"
    answers = trained.predict(examples.inputs, examples.places)
    for row, found in zip(examples.rows, answers, strict=True):
        written.next_row()
        if written.as_json:
            given = {} if row.target is None else {"given": row.target}
            scores = dict(zip(trained.labels, found.probabilities, strict=True))
            written.record(row, {**given, "label": found.label, "probabilities": scores})
        elif probabilities:
            written.write("\t".join(f"{p:.6f}" for p in found.probabilities))
        else:
            shown = [row.input, *([row.name] if row.name else [])] if is_text else [row.name or row.place]
            written.write("\t".join(map(one_line, [found.label, f"{found.probability:.6f}", *shown])))
