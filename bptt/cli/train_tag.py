"""`bptt train tag`: a tag for each word of a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bptt.cli.examples import DataArguments, EncoderArguments
from bptt.cli.training import (
    FirstArguments,
    RunArguments,
    StepArguments,
    as_typed,
    of_data,
    of_model,
    train_task,
    training_options,
)


def tag(
    *,
    data: Annotated[
        Path,
        typer.Argument(help="CoNLL columns: the word first, its tag last; a blank line between."),
    ],
    run: RunArguments,
    examples: DataArguments,
    scheme: Annotated[
        Literal["IOB1", "BIO", "BIOES", "BMES", "BMEWO", "BILOU"] | None,
        of_data(help="Of the tags of entities; none: as they show."),
    ] = None,
    min_count: Annotated[int, of_data(help="Rarer words are <unk>.")] = 1,
    lower: Annotated[bool, of_data(help="Look words up in small letters.")] = True,
    encoder: EncoderArguments,
    first: FirstArguments,
    embedding: Annotated[int, of_model(help="Width of the embedding of words, 0: one-hot.")] = 100,
    vectors: Annotated[
        Path | None,
        of_model(help="Word vectors (text of word2vec or GloVe) that the embedding begins as."),
    ] = None,
    freeze: Annotated[bool, of_model("--freeze", help="Keep the embedding as it begins.")] = False,
    token_dropout: Annotated[float, of_model(help="Share of words taken for unknown in training.")] = 0.2,
    characters: Annotated[bool, of_model(help="Read how words are spelled.")] = True,
    character_size: Annotated[int, of_model(help="Width of the embedding of characters.")] = 25,
    character_hidden: Annotated[int, of_model(help="Units that read characters, in each direction.")] = 25,
    crf: Annotated[bool, of_model(help="Find whole sequences of tags, as the scheme allows them.")] = True,
    steps: StepArguments,
) -> None:
    """A tag for each word, such as its entity or its part of speech: many to many."""
    from bptt.cli.machine import prepare

    prepare(run.threads)
    import torch

    from bptt.cells import load
    from bptt.data.readers.document import read_document
    from bptt.data.readers.tagged import read_conll
    from bptt.tasks.codecs.words import WordOptions
    from bptt.tasks.tag.config import TaggerConfig, TagOptions
    from bptt.tasks.tag.task import TagTask
    from bptt.training.opening import check_run

    with as_typed():
        options = training_options(run, steps)
        config = TaggerConfig(
            load(encoder.cell),
            TagOptions(crf, scheme),
            WordOptions(
                character_size=character_size,
                character_hidden_size=character_hidden,
                embedding_size=embedding,
                token_dropout=token_dropout,
                frozen=freeze,
                min_count=min_count,
                lowercase=lower,
                spelled=characters,
            ),
            encoder.options(first),
            examples.options(run.seed),
        )
    check_run(run.output, run.resume, run.overwrite)
    learned = read_conll(read_document(data))
    dev = None if examples.dev is None else read_conll(read_document(examples.dev))
    torch.manual_seed(run.seed)
    train_task(TagTask(learned, dev, config, vectors), options, run)
