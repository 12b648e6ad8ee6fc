"""`bptt train lm`: a language model, from a text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bptt.cli.examples import LEVEL, WHITE_SPACE, Level, vocabulary_options
from bptt.cli.training import (
    MOST_LAYERS,
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
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.text import Corpus

_FILES = "Text in UTF-8, plain or gzip. Without files: the language reference of Python."
_MODE = "Read the text as one stream, carrying the states over, or each line by itself."

_NEXT = ("bptt sample {run}", "bptt score {run} FILE", "bptt inspect {run}")


def lm(
    *,
    files: Annotated[list[Path] | None, typer.Argument(help=_FILES)] = None,
    run: RunArguments,
    level: Annotated[Level, of_data(help=LEVEL)] = "character",
    mode: Annotated[Literal["continuous", "sentences"], of_data(help=_MODE)] = "continuous",
    dev: Annotated[
        Path | None, of_data(help="Text to evaluate on during training. Default: the end of the text.")
    ] = None,
    held_out: Annotated[
        float, of_data(help="Share of the text, at its end, that is held out for evaluation (0: none).")
    ] = 0.1,
    min_count: Annotated[
        int | None,
        of_data(help="Least number of occurrences; rarer tokens become <unk>. Default: 2 for words, else 1."),
    ] = None,
    vocab_size: Annotated[
        int | None, of_data(help="Largest size of the vocabulary. Default: 2000 for bpe, else unlimited.")
    ] = None,
    lower: Annotated[bool, of_data("--lower", help="Lower-case the text.")] = False,
    digits: Annotated[bool, of_data(help="Keep digits.")] = True,
    punctuation: Annotated[bool, of_data(help="Keep punctuation and symbols.")] = True,
    white_space: Annotated[bool | None, of_data(help=WHITE_SPACE)] = None,
    cell: Annotated[str, of_model(help="Cell: a name listed by `bptt cells`, or mycell.py:MyCell.")] = "lstm",
    layers: Annotated[int, of_model(max=MOST_LAYERS, help="Number of recurrent layers.")] = 2,
    hidden: Annotated[int, of_model(help="Hidden units of a layer.")] = 256,
    projection: Annotated[
        int, of_model(help="Size of the projected output, for cells with a projection.")
    ] = 0,
    embedding: Annotated[
        int | None, of_model(help="Size of the embedding. Default: 64, or what --tied requires.")
    ] = None,
    one_hot: Annotated[bool, of_model("--one-hot", help="Use one-hot input without an embedding.")] = False,
    vectors: Annotated[
        Path | None,
        of_model(
            help="Initial embedding: text file of word2vec or GloVe vectors, for --level word or whitespace. "
            "Words that the text lacks stay <unk>, as the model predicts its vocabulary alone."
        ),
    ] = None,
    freeze: Annotated[bool, of_model("--freeze", help="Keep the embedding as it begins.")] = False,
    tied: Annotated[bool, of_model("--tied", help="Use the embedding as the output matrix, too.")] = False,
    dropout: Annotated[float, of_model(help="Dropout between layers.")] = 0.0,
    initial: Annotated[Literal["zero", "learned"], of_model(help="Initial states of a text.")] = "zero",
    first: FirstArguments,
    batch_size: Annotated[
        int, of_steps(help="Streams (continuous) or lines (sentences) in a mini-batch.")
    ] = 32,
    length: Annotated[
        int, of_steps(help="Length of truncated back-propagation in tokens (continuous).")
    ] = 50,
    steps: StepArguments,
) -> None:
    """Train a language model on a text.

    The model gives the probability of each character or word, given those before it.
    """
    from bptt.cli.machine import prepare

    prepare(run.threads)
    import torch

    from bptt.cells import load
    from bptt.data.readers.corpus import read_corpus
    from bptt.jobs.language.config import LanguageModelConfig
    from bptt.jobs.language.model import LanguageModelTask, Trained
    from bptt.jobs.language.options import DataOptions, ModelOptions
    from bptt.training.opening import check_run

    if one_hot and embedding is not None:
        raise InputError("bptt train lm", "takes --embedding or --one-hot, not both")
    with as_typed():
        options = training_options(run, steps)
        config = LanguageModelConfig(
            load(cell),
            ModelOptions(
                hidden,
                layers,
                dropout,
                projection,
                initial,
                0 if one_hot else embedding,
                tied,
                frozen=freeze,
                recurrent_init=first.recurrent_init,
                recurrent_scale=first.recurrent_scale,
                forget_bias=first.forget_bias,
            ),
            DataOptions(mode, batch_size, length, held_out, run.seed),
            vocabulary_options(level, min_count, vocab_size, lower, digits, punctuation, white_space),
        )
    check_run(run.output, run.resume, run.overwrite)
    origin = origin_of(run, Trained)
    torch.manual_seed(run.seed)
    corpus = _corpus(run, files or [])
    held = None if dev is None else read_corpus([dev])
    for note in (*corpus.notes, *(held.notes if held else ())):
        print(note, file=sys.stderr)
    task = LanguageModelTask(corpus, config, held, origin, vectors)
    train_task(task, options, run, _NEXT)


def _corpus(run: RunArguments, files: list[Path]) -> Corpus:
    """The text of the files; without any, Python's language reference, unless the run learned from files."""
    from bptt.data.readers.corpus import read_corpus
    from bptt.data.text import default_corpus
    from bptt.jobs.language.config import read_language_config
    from bptt.runs.run_folder import CONFIG

    if files:
        return read_corpus(files)
    found = default_corpus()
    if run.resume and (run.output / CONFIG).exists():
        names = read_language_config(run.output)[1].names
        if names and names[0].split()[0] != found.names[0].split()[0]:
            rule = "needs the files that the run learns from"
            raise InputError("bptt train lm", rule, "none", f"Name {', '.join(names)}")
    return found
