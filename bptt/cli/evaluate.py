"""`bptt evaluate`: how well a trained model does."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptt.cli.answers import ReadingArguments
from bptt.cli.scores import print_metrics, print_scores
from bptt.cli.sources import say_notes
from bptt.cli.tags import print_entities
from bptt.cli.translations import ParallelArgument, SearchArguments, check_unused, print_quality, target_of
from bptt.errors import InputError, printable
from bptt.files import check_folder, make_folder

if TYPE_CHECKING:
    from bptt.data.readers.asked import Said
    from bptt.jobs.classify.task import Labelled, TrainedClassifier
    from bptt.jobs.language.model import Trained
    from bptt.jobs.tag.task import TrainedTagger


def evaluate(
    *,
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train`.")],
    data: Annotated[
        Path | None,
        typer.Argument(help="Labelled data to evaluate on. Default: the held-out text (lm)."),
    ] = None,
    parallel: ParallelArgument = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for a picture: the confusion matrix, agreement by distance, or attention."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Target file: its line n is the target of example n (translate).")
    ] = None,
    reading: ReadingArguments,
    search: SearchArguments,
) -> None:
    """Print the metrics of a trained model on labelled data."""
    if figures is not None:
        check_folder(figures)
    from bptt.cli.machine import prepare

    prepare()
    from bptt.jobs.classify.task import TrainedClassifier
    from bptt.jobs.loading import load
    from bptt.jobs.tag.task import TrainedTagger
    from bptt.jobs.translate.translator import TrainedTranslator

    trained, target = load(run), target_of(parallel, target)
    if isinstance(trained, TrainedTranslator):
        return print_quality(trained, _needed(run, data), target, search, figures, reading.said())
    check_unused(run, search, target)
    if isinstance(trained, TrainedClassifier):
        source = _needed(run, data)
        examples = trained.read(source, labelled=True, said=reading.said())
        say_notes(source, examples)
        for note in trained.notes:
            print(printable(note), file=sys.stderr)
        _classify(trained, examples, figures)
    elif isinstance(trained, TrainedTagger):
        _tag(trained, _needed(run, data), reading.said())
    else:
        _language_model(trained, run, data, figures)


def _needed(run: Path, data: Path | None) -> Path:
    if data is None:
        raise InputError(str(run), "needs examples with their answers", "none", "Name a file as learned from")
    return data


def _language_model(trained: Trained, run: Path, data: Path | None, figures: Path | None) -> None:
    """On minimal pairs, sentence by sentence; on a text as in training, the states carried on."""
    from bptt.cli.pairs import print_pairs, read_pairs
    from bptt.data.readers.corpus import read_plain
    from bptt.jobs.language.evaluation import COUNTED, evaluate_text
    from bptt.runs.run_folder import read_held_out

    if data is not None and (pairs := read_pairs(data)):
        return print_pairs(trained, pairs, figures)
    model, vocabulary, config = trained
    text, notes = read_plain(data) if data else (read_held_out(run), ())
    for note in notes:
        print(printable(note), file=sys.stderr)
    print_metrics(evaluate_text(model, vocabulary, config.data, text))
    print(COUNTED, file=sys.stderr)


def _tag(trained: TrainedTagger, data: Path, said: Said) -> None:
    from bptt.jobs.tag.tag_set import note_rewritten

    examples = trained.read(data, tagged=True, said=said)
    say_notes(
        data, replace(examples, notes=(*examples.notes, *note_rewritten(examples, trained.tags.scheme)))
    )
    scores = trained.evaluate(examples)
    print_metrics(scores.metrics)
    print_entities(scores, trained.tags.scheme)


def _classify(trained: TrainedClassifier, examples: Labelled, figures: Path | None) -> None:
    found = trained.evaluate(examples)
    print_scores(found)
    if figures is not None:
        from bptt.report.confusion import draw_confusion

        make_folder(figures)
        picture = figures / "confusion.png"
        draw_confusion(found.confusion, found.labels, picture)
        print(f"\npicture: {picture}")
