"""`bptt train classify`: labels for texts, DNA, series or rows of a table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from bptt.cli.examples import (
    DataArguments,
    EncoderArguments,
    HeaderOption,
    TokenArguments,
    VectorArguments,
    said_form,
)
from bptt.cli.folds import cross_validate
from bptt.cli.training import (
    ASKED,
    FirstArguments,
    RunArguments,
    StepArguments,
    as_typed,
    of_data,
    of_model,
    of_steps,
    origin_of,
    train_task,
    training_options,
    with_enough_updates,
)
from bptt.errors import InputError

_DATA = (
    "TSV, CSV, JSON lines, Parquet, fastText, a folder of classes, FASTA, FASTQ, UCI sequences, "
    ".ts, UCR, a long CSV, .npz, or a table of numbers."
)


def classify(
    *,
    data: Annotated[Path, typer.Argument(help=_DATA)],
    run: RunArguments,
    examples: DataArguments,
    tokens: TokenArguments,
    input: Annotated[str | None, of_data(help="Input format. Default: detected from the file.")] = None,
    text_column: Annotated[str | None, of_data(help="Name of the column that holds the text.")] = None,
    label_column: Annotated[str | None, of_data(help="Name of the column that holds the label.")] = None,
    header: HeaderOption = None,
    both_strands: Annotated[
        bool, of_data("--both-strands", help="Read each DNA sequence on both strands.")
    ] = False,
    encoder: EncoderArguments,
    first: FirstArguments,
    embedding: Annotated[int, of_model(help="Size of the token embedding (0: one-hot).")] = 64,
    token_dropout: Annotated[float, of_model(help="Share of tokens replaced by <unk> in training.")] = 0.1,
    vectors: VectorArguments,
    ngrams: Annotated[
        bool | None,
        of_model(
            "--ngrams/--no-ngrams",
            help="Answer together with a logistic regression on n-grams. Default: for texts and DNA.",
        ),
    ] = None,
    windows: Annotated[
        bool, of_model("--windows", help="Read DNA of one length at once, by feed-forward layers.")
    ] = False,
    pooling: Annotated[
        Literal["last", "mean", "max", "attention"], of_model(help="Reduction of the steps to one vector.")
    ] = "max",
    loss: Annotated[
        Literal["cross-entropy", "squared"], of_model(help="Loss; squared is that of the probabilities.")
    ] = "cross-entropy",
    folds: Annotated[
        int,
        of_data(
            min=0,
            help="Cross-validate: train N models, each on all folds but one, and score the answers on these.",
        ),
    ] = 0,
    smoothing: Annotated[
        float | None,
        of_model(help="Label smoothing. Default: 0.1 for texts and DNA with cross-entropy, else 0."),
    ] = None,
    balance: Annotated[
        bool,
        of_steps(
            "--balance",
            help="Weigh each label by the inverse of its frequency, and choose decision thresholds by the "
            "macro F1 of the held-out examples.",
        ),
    ] = False,
    select: Annotated[
        Literal["accuracy", "f1", "loss"] | None,
        of_steps(help="Held-out metric that chooses the epoch. Default: accuracy; f1 with --balance."),
    ] = None,
    steps: StepArguments,
) -> None:
    """Train a classifier of texts, DNA, series or rows of numbers.

    One of several labels for each example: many to one, or one to one for a row of numbers.
    """
    from bptt.cli.machine import prepare

    prepare(run.threads)
    import torch

    from bptt.cells import load
    from bptt.data.readers.detect import detect
    from bptt.data.readers.forms import read_examples
    from bptt.data.readers.grid import Columns
    from bptt.jobs.classify.config import (
        HAS_NGRAMS,
        ClassifierConfig,
        in_windows,
        usual_dropout,
        usual_smoothing,
    )
    from bptt.jobs.classify.options import HeadOptions, SourceOptions
    from bptt.jobs.classify.task import ClassifyTask, TrainedClassifier
    from bptt.models.options import TokenOptions
    from bptt.training.opening import check_run

    columns = Columns(text_column, label_column, header=header)
    form = said_form(data, detect, columns) if input is None else input
    with as_typed():
        options = training_options(run, steps)
        source = SourceOptions(form, text_column, label_column, both_strands=both_strands, header=header)
        config = ClassifierConfig(
            load(encoder.cell),
            source,
            encoder.options(first, usual_dropout(source.kind)),
            HeadOptions(
                pooling,
                loss,
                ngrams=source.kind in HAS_NGRAMS if ngrams is None else ngrams,
                smoothing=usual_smoothing(source.kind, loss) if smoothing is None else smoothing,
                balance=balance,
                # With folds what is held out is there to be scored, and may choose nothing.
                thresholds=balance and not folds,
                select=select or ("f1" if balance else "accuracy"),
            ),
            TokenOptions(embedding, token_dropout, vectors.freeze, vector_words=vectors.kept),
            tokens.options(),
            examples.options(run.seed),
        )
    if folds and examples.dev is not None:
        raise InputError("--folds", "holds out each part of DATA in turn", "--dev", "Leave one out")
    check_run(run.output, run.resume, run.overwrite)
    origin = origin_of(run, TrainedClassifier)
    learned = read_examples(data, form, columns)
    known = replace(columns, features=learned.columns, learned=learned.found)
    dev = None if examples.dev is None else read_examples(examples.dev, form, known)
    if windows:
        with as_typed():
            config = in_windows(config, len(learned.inputs[0]))
    if folds:
        enough = partial(with_enough_updates, options, steps)
        return cross_validate(learned, folds, config, vectors.vectors, enough, run)
    torch.manual_seed(run.seed)
    task = ClassifyTask(learned, dev, config, origin, vectors.vectors)
    train_task(task, with_enough_updates(options, steps, task), run, ASKED)
