"""`bptt train classify`: labels for texts, DNA, series or rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bptt.cli.examples import DataArguments, EncoderArguments, HeaderOption, TokenArguments, said_form
from bptt.cli.training import (
    ASKED,
    FirstArguments,
    RunArguments,
    StepArguments,
    as_typed,
    of_data,
    of_model,
    origin_of,
    train_task,
    training_options,
)

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
    token_dropout: Annotated[float, of_model(help="Share of tokens replaced by <unk> in training.")] = 0.0,
    pooling: Annotated[
        Literal["last", "mean", "max", "attention"], of_model(help="Reduction of the steps to one vector.")
    ] = "max",
    loss: Annotated[
        Literal["cross-entropy", "squared"], of_model(help="Loss; squared is that of the probabilities.")
    ] = "cross-entropy",
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
    from bptt.tasks.classify.config import ClassifierConfig, HeadOptions, SourceOptions
    from bptt.tasks.classify.task import ClassifyTask, TrainedClassifier
    from bptt.tasks.inputs import TokenOptions
    from bptt.training.opening import check_run

    columns = Columns(text_column, label_column, header=header)
    form = said_form(data, detect, columns) if input is None else input
    with as_typed():
        options = training_options(run, steps)
        config = ClassifierConfig(
            load(encoder.cell),
            SourceOptions(form, text_column, label_column, both_strands=both_strands, header=header),
            encoder.options(first),
            HeadOptions(pooling, loss),
            TokenOptions(embedding, token_dropout),
            tokens.options(),
            examples.options(run.seed),
        )
    check_run(run.output, run.resume, run.overwrite)
    origin = origin_of(run, TrainedClassifier)
    learned = read_examples(data, form, columns)
    dev = None if examples.dev is None else read_examples(examples.dev, form, columns)
    torch.manual_seed(run.seed)
    train_task(ClassifyTask(learned, dev, config, origin), options, run, ASKED)
