"""`bptt predict`: the answers of a trained model, one for each input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptt.cli.examples import source_of
from bptt.cli.tags import print_tags
from bptt.cli.translations import SearchArguments, WritingArguments, check_unused, print_translations
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.forms import Source
    from bptt.tasks.classify.task import TrainedClassifier


def predict(
    *,
    run: Annotated[Path, typer.Argument(help="Run folder written by `bptt train`.")],
    input: Annotated[
        str,
        typer.Argument(help="A file or folder as learned from, a text, or - for standard input."),
    ],
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Of all labels, not of the answer alone; of each tag found."),
    ] = False,
    n_best: Annotated[
        int | None,
        typer.Option(help="So many answers, with their scores (translate, tag with a CRF)."),
    ] = None,
    search: SearchArguments,
    writing: WritingArguments,
) -> None:
    """Print an answer for each input; each line of a text is one."""
    from bptt.cli.machine import prepare

    prepare()
    from bptt.tasks.classify.task import TrainedClassifier
    from bptt.tasks.loading import load
    from bptt.tasks.tag.task import TrainedTagger
    from bptt.tasks.translate.translator import TrainedTranslator

    trained, source = load(run), source_of(input)
    if isinstance(trained, TrainedTranslator):
        if probabilities:
            cure = "--n-best gives the scores of texts"
            raise InputError("--probabilities", "are of labels and tags", "a translator", cure)
        return print_translations(trained, source, n_best, search, writing)
    check_unused(run, search, writing)
    if isinstance(trained, TrainedClassifier):
        if n_best is not None:
            rule = "is for translations and for tags of a CRF"
            raise InputError("--n-best", rule, "a classifier", "Take --probabilities")
        _classify(trained, source, probabilities)
    elif isinstance(trained, TrainedTagger):
        print_tags(trained, source, probabilities, n_best)
    else:
        cure = "`bptt score` and `bptt sample` ask a language model"
        raise InputError(str(run), "must be a run that gives answers", "a language model", cure)


def _classify(trained: TrainedClassifier, source: Source, probabilities: bool) -> None:
    examples = trained.read(source, labelled=False)
    if probabilities:
        print("\t".join(trained.labels))
    for row, found in zip(examples.rows, trained.predict(examples.inputs), strict=True):
        if probabilities:
            print("\t".join(f"{p:.6f}" for p in found.probabilities))
        else:
            shown = row.input if isinstance(row.input, str) else row.name or row.place
            print(f"{found.label}\t{max(found.probabilities):.6f}\t{shown}")
