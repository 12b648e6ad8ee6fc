"""`bptt train translate`: a line of text for another text, a class, a series or a row of numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bptt.cli.examples import (
    DataArguments,
    EncoderArguments,
    HeaderOption,
    Level,
    TokenArguments,
    VectorArguments,
    said_form,
)
from bptt.cli.training import (
    ASKED,
    MOST_LAYERS,
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
from bptt.cli.translations import ParallelArgument, target_of

if TYPE_CHECKING:
    from bptt.data.vocabulary_options import VocabularyOptions
    from bptt.jobs.translate.options import DecoderOptions

_DATA = (
    "Pairs as TSV, CSV, JSON lines or Parquet; or, with --target, lines; or what is no text: FASTA, FASTQ, "
    "UCI sequences, .ts, UCR, a long CSV, .npz, a table of numbers."
)


@dataclass(frozen=True)
class TargetArguments:
    """What a token is that is written; by default as of the source."""

    target_level: Annotated[Level | None, of_data(help="Unit of the target text. Default: --level.")] = None
    target_min_count: Annotated[
        int | None, of_data(help="Least number of occurrences of a target token. Default: --min-count.")
    ] = None
    target_vocab_size: Annotated[
        int | None, of_data(help="Largest size of the target vocabulary. Default: --vocab-size.")
    ] = None
    target_lower: Annotated[bool, of_data("--target-lower", help="Lower-case the target.")] = False

    def options(self, source: VocabularyOptions) -> VocabularyOptions:
        """The same as checked values."""
        from bptt.data.vocabulary_options import usual_white_space

        level = self.target_level or source.level
        return replace(
            source,
            level=level,
            white_space=source.white_space if level == source.level else usual_white_space(level),
            min_count=source.min_count if self.target_min_count is None else self.target_min_count,
            max_size=source.max_size if self.target_vocab_size is None else self.target_vocab_size,
            lowercase=self.target_lower or source.lowercase,
        )


@dataclass(frozen=True)
class DecoderArguments:
    """What writes the target."""

    embedding: Annotated[int, of_model(help="Size of the token embeddings.")] = 64
    attention: Annotated[
        Literal["additive", "dot", "general", "none"] | None,
        of_model(help="Attention score. Default: additive; none for a class or a row of numbers."),
    ] = None
    input_feeding: Annotated[
        bool,
        of_model(
            "--input-feeding", help="Feed the attentional output back as input of the next step (slower)."
        ),
    ] = False
    decoder_layers: Annotated[
        int | None, of_model(max=MOST_LAYERS, help="Layers of the decoder. Default: --layers.")
    ] = None
    decoder_hidden: Annotated[
        int | None, of_model(help="Hidden units of the decoder. Default: --hidden.")
    ] = None
    shared: Annotated[
        bool, of_model("--shared", help="Share one vocabulary and one embedding between source and target.")
    ] = False
    tied: Annotated[bool, of_model("--tied", help="Use the embedding as the output matrix, too.")] = False
    smoothing: Annotated[
        float, of_model(help="Label smoothing: share of the probability spread over all tokens.")
    ] = 0.0

    def options(self, encoder: EncoderArguments, first: FirstArguments, vector: bool) -> DecoderOptions:
        """The same as checked values; `vector`: the source is no sequence."""
        from bptt.jobs.translate.options import DecoderOptions

        return DecoderOptions(
            hidden_size=encoder.hidden if self.decoder_hidden is None else self.decoder_hidden,
            num_layers=encoder.layers if self.decoder_layers is None else self.decoder_layers,
            dropout=encoder.dropout or 0.0,
            proj_size=encoder.projection,
            embedding_size=self.embedding,
            attention=self.attention or ("none" if vector else "additive"),
            input_feeding=self.input_feeding,
            shared=self.shared,
            tied=self.tied,
            smoothing=self.smoothing,
            recurrent_init=first.recurrent_init,
            recurrent_scale=first.recurrent_scale,
            forget_bias=first.forget_bias,
        )


def translate(
    *,
    data: Annotated[Path, typer.Argument(help=_DATA)],
    parallel: ParallelArgument = None,
    run: RunArguments,
    target: Annotated[
        Path | None, of_data(help="Target file: its line n is the target of example n.")
    ] = None,
    dev_target: Annotated[Path | None, of_data(help="Target file of --dev.")] = None,
    input: Annotated[
        str | None,
        of_data(help="Input format: text, class, or a format of numbers. Default: detected from the file."),
    ] = None,
    source_column: Annotated[
        str | None,
        of_data(
            "--source-column",
            "--text-column",
            help="Column of the source, by name, or by number without a header.",
        ),
    ] = None,
    target_column: Annotated[
        str | None, of_data("--target-column", "--label-column", help="Column of the target.")
    ] = None,
    header: HeaderOption = None,
    examples: DataArguments,
    tokens: TokenArguments,
    targets: TargetArguments,
    encoder: EncoderArguments,
    first: FirstArguments,
    decoder: DecoderArguments,
    vectors: VectorArguments,
    token_dropout: Annotated[float, of_model(help="Share of tokens replaced by <unk> in training.")] = 0.0,
    steps: StepArguments,
) -> None:
    """Train a translator from texts, classes or numbers to texts.

    From a sentence, many to many; from a class or numbers, one to many.
    """
    from bptt.cli.machine import prepare

    prepare(run.threads)
    import torch

    from bptt.cells import load
    from bptt.data.readers.grid import Columns
    from bptt.data.readers.translations import detect_translated, read_translations
    from bptt.jobs.translate.config import TranslatorConfig
    from bptt.jobs.translate.options import PairOptions
    from bptt.jobs.translate.task import TranslateTask
    from bptt.jobs.translate.translator import TrainedTranslator
    from bptt.models.options import TokenOptions
    from bptt.training.opening import check_run

    target = target_of(parallel, target)
    columns = Columns(source_column, target_column, header=header)
    form = said_form(data, detect_translated, columns) if input is None else input
    with as_typed():
        options = training_options(run, steps)
        pairs = PairOptions(form, source_column, target_column, header=header)
        vocabulary = tokens.options()
        config = TranslatorConfig(
            load(encoder.cell),
            pairs,
            encoder.options(first),
            decoder.options(encoder, first, pairs.is_vector),
            TokenOptions(decoder.embedding, token_dropout, vectors.freeze, vector_words=vectors.kept),
            vocabulary,
            targets.options(vocabulary),
            data=examples.options(run.seed),
        )
    check_run(run.output, run.resume, run.overwrite)
    origin = origin_of(run, TrainedTranslator)
    learned = read_translations(data, target, form, columns)
    dev = None if examples.dev is None else read_translations(examples.dev, dev_target, form, columns)
    torch.manual_seed(run.seed)
    task = TranslateTask(learned, dev, config, origin, vectors.vectors)
    train_task(task, options, run, ASKED)
