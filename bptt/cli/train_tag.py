"""`bptt train tag`: a tag for each word of a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bptt.cli.examples import DataArguments, EncoderArguments, HeaderOption, VectorArguments
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
)


def tag(
    *,
    data: Annotated[
        Path,
        typer.Argument(
            help="CoNLL file: word in the first column, tag in the last, blank lines between sentences."
        ),
    ],
    run: RunArguments,
    examples: DataArguments,
    scheme: Annotated[
        Literal["IOB1", "BIO", "BIOES", "BMES", "BMEWO", "BILOU", "none"] | None,
        of_data(help="Tagging scheme of the entities. Default: detected from the tags."),
    ] = None,
    header: HeaderOption = None,
    min_count: Annotated[int, of_data(help="Least number of occurrences; rarer words become <unk>.")] = 1,
    lower: Annotated[bool, of_data(help="Look words up in lower case.")] = True,
    encoder: EncoderArguments,
    first: FirstArguments,
    embedding: Annotated[int, of_model(help="Size of the word embedding (0: one-hot).")] = 100,
    vectors: VectorArguments,
    token_dropout: Annotated[float, of_model(help="Share of words replaced by <unk> in training.")] = 0.2,
    characters: Annotated[bool, of_model(help="Also read the characters of each word.")] = True,
    character_size: Annotated[int, of_model(help="Size of the character embedding.")] = 25,
    character_hidden: Annotated[
        int, of_model(help="Hidden units that read characters, for each direction.")
    ] = 25,
    crf: Annotated[bool, of_model(help="Score whole tag sequences with a conditional random field.")] = True,
    select: Annotated[
        Literal["accuracy", "f1", "loss"] | None,
        of_steps(help="Held-out metric that chooses the epoch. Default: f1 of entities, else accuracy."),
    ] = None,
    steps: StepArguments,
) -> None:
    """Train a tagger of words, such as entities or parts of speech."""
    from bptt.cli.machine import prepare

    prepare(run.threads)
    import torch

    from bptt.cells import load
    from bptt.data.readers.document import read_document
    from bptt.data.readers.tagged import read_conll
    from bptt.jobs.tag.config import TaggerConfig
    from bptt.jobs.tag.options import TagOptions
    from bptt.jobs.tag.task import TagTask, TrainedTagger
    from bptt.models.options import WordOptions
    from bptt.training.opening import check_run

    with as_typed():
        options = training_options(run, steps)
        config = TaggerConfig(
            load(encoder.cell),
            TagOptions(crf, scheme, select=select),
            WordOptions(
                character_size=character_size,
                character_hidden_size=character_hidden,
                embedding_size=embedding,
                token_dropout=token_dropout,
                frozen=vectors.freeze,
                min_count=min_count,
                lowercase=lower,
                spelled=characters,
                vector_words=vectors.kept,
            ),
            encoder.options(first),
            examples.options(run.seed),
        )
    check_run(run.output, run.resume, run.overwrite)
    origin = origin_of(run, TrainedTagger)
    learned = read_conll(read_document(data), header)
    dev = None if examples.dev is None else read_conll(read_document(examples.dev), header)
    torch.manual_seed(run.seed)
    train_task(TagTask(learned, dev, config, vectors.vectors, origin), options, run, ASKED)
