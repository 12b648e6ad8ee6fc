"""The record of the job `translate`: training, answers, evaluation and inspection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bptt.cells.load import as_cells, own_layers
from bptt.data.readers.grid import Columns
from bptt.data.readers.translations import detect_translated, read_translations
from bptt.data.reading import in_encoding
from bptt.data.vocabulary_options import VocabularyOptions, usual_white_space
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.job import Job, Stretch
from bptt.jobs.options import ExampleOptions
from bptt.jobs.reading import detected_form, needed_data, noted, refuse_target, take
from bptt.jobs.translate.answering import TranslatorAsking, attended
from bptt.jobs.translate.config import TASK, TranslatorConfig
from bptt.jobs.translate.exposure import expose
from bptt.jobs.translate.metrics import Judge, count_exact, installed
from bptt.jobs.translate.options import (
    OPTIONS,
    DecoderOptions,
    PairFiles,
    PairOptions,
    TranslateEvaluationOptions,
    one_target,
)
from bptt.jobs.translate.task import TranslateTask
from bptt.jobs.translate.translator import TrainedTranslator, Translation, load_translator
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.models.tokens import vocabulary_options
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections
from bptt.runs.origin import Origin


def _begin(choices: Choices, origin: Origin[TrainedTranslator] | None) -> TranslateTask:
    files = choices.make(PairFiles)
    target = one_target(files.parallel, files.target)
    columns = Columns(
        choices.get("source_column"), choices.get("target_column"), header=choices.get("header")
    )
    form = detected_form(choices, files.data, detect_translated, columns)
    config = _configure(choices, files, form)
    learned = read_translations(files.data, target, form, columns)
    dev = None if files.dev is None else read_translations(files.dev, files.dev_target, form, columns)
    return TranslateTask(learned, dev, config, origin, files.vectors)


def _configure(choices: Choices, files: PairFiles, form: str) -> TranslatorConfig:
    cells = as_cells(files.cell)
    pairs, encoder = choices.make(PairOptions, form=form), choices.make(EncoderOptions, **own_layers(cells))
    tokens = choices.make(TokenOptions, vector_words=files.known_words)
    decoder = choices.make(
        DecoderOptions,
        hidden_size=encoder.hidden_size,
        num_layers=encoder.num_layers,
        dropout=encoder.dropout,
        proj_size=encoder.proj_size,
        embedding_size=tokens.embedding_size,
        attention="none" if pairs.is_vector else "additive",
        recurrent_init=encoder.recurrent_init,
        recurrent_scale=encoder.recurrent_scale,
        forget_bias=encoder.forget_bias,
    )
    source = vocabulary_options(choices)
    return TranslatorConfig(
        cells,
        pairs,
        encoder,
        decoder,
        tokens,
        source,
        _target_vocabulary(choices, source),
        data=choices.make(ExampleOptions, seed=choices.get("seed")),
    )


def _target_vocabulary(choices: Choices, source: VocabularyOptions) -> VocabularyOptions:
    """Return the options of the target vocabulary; by default those of the source."""
    level = choices.get("target_level") if choices.has("target_level") else source.level
    return choices.make(
        VocabularyOptions,
        "target",
        level=level,
        min_count=source.min_count,
        max_size=source.max_size,
        lowercase=source.lowercase,
        digits=source.digits,
        punctuation=source.punctuation,
        normalise=source.normalise,
        white_space=source.white_space if level == source.level else usual_white_space(level),
    )


def _evaluate(trained: TrainedTranslator, run: Path, choices: Choices) -> EvaluationReport:
    """Measure the loss on the references, and the quality of texts found by greedy and by beam search."""
    asked = choices.make(TranslateEvaluationOptions)
    file, parallel = choices.make(EvaluateOptions).files(2)
    data, beam = needed_data(run, file), asked.beam()
    said = choices.make(ReadingOptions).said()
    target = one_target(parallel, asked.target)
    if target is not None:
        target = in_encoding(target, choices.get("encoding"))
    examples = trained.read_pairs(data, target, said)
    metrics = trained.evaluate(examples)
    wanted, notes = _references(trained, examples.targets)
    searches = [replace(beam, width=1), *([beam] if beam.width > 1 else [])]
    found = {
        "greedy" if options.width == 1 else f"beam {options.width}": trained.predict(examples.inputs, options)
        for options in searches
    }
    table, missing = _quality(found, wanted, trained)
    first = list(found.values())[-1][0]
    return EvaluationReport(
        metrics,
        (table,),
        (*noted(data, examples), *notes, *missing),
        attended(first),
        "attention.png",
    )


def _references(trained: TrainedTranslator, targets: Sequence[str]) -> tuple[list[str], Iterator[str]]:
    """Return the references as the model would write them, and a line for the user if any has changed."""
    wanted = trained.as_written(targets)
    changed = sum(one != other for one, other in zip(wanted, targets, strict=True))
    form = "in small letters" if trained.vocabulary.options.lowercase else "as the model writes"
    note = f"targets: {changed:,} of {len(targets):,} are compared {form}"
    return wanted, iter([note] if changed else [])


def _quality(
    found: Mapping[str, Sequence[Translation]], wanted: list[str], trained: TrainedTranslator
) -> tuple[ScoreTable, tuple[str, ...]]:
    """Return BLEU and chrF of each search, if sacrebleu is installed, and the share of exact matches."""
    texts = {name: [each.text for each in several] for name, several in found.items()}
    if not installed():
        rows = [(name, f"{count_exact(each, wanted) / len(each):.2%}") for name, each in texts.items()]
        missing = "BLEU and chrF by sacrebleu: pip install 'bptt[metrics]'"
        return ScoreTable(("search", "exact"), tuple(rows)), (missing,)
    judge = Judge(wanted, trained.vocabulary.options.lowercase)
    judged = {name: judge.judge(each) for name, each in texts.items()}
    bleu, chrf = judge.signatures
    foot = f"BLEU {bleu}\n({judge.tokenisation.name}, for {judge.tokenisation.reason})\nchrF {chrf}"
    scored = [
        (name, f"{each.bleu:.2f}", f"{each.chrf:.2f}", f"{each.exact / len(texts[name]):.2%}")
        for name, each in judged.items()
    ]
    return ScoreTable(("search", "BLEU", "chrF", "exact"), tuple(scored), foot=foot), ()


def _expose(trained: TrainedTranslator, stretch: Stretch) -> list[Exposure]:
    if stretch.labelled:
        pairs = trained.read_pairs(stretch.source, stretch.target)
    else:
        refuse_target(stretch)
        pairs = trained.read(stretch.source)
    return [expose(trained, row, stretch.limit) for row in take(pairs, stretch)]


JOB = Job(
    options=OPTIONS,
    begin=_begin,
    configuration=lambda run: read_sections(TranslatorConfig, run, TASK),
    load=load_translator,
    evaluate=_evaluate,
    expose=_expose,
    ask=TranslatorAsking,
    hub_task="translation",
)
