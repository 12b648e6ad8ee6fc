"""The record of the job `regress`: training, answers, evaluation and inspection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from bptt.cells.load import as_cells, own_layers
from bptt.data.readers.detect import detect
from bptt.data.readers.grid import Columns
from bptt.data.readers.measured import Measured, read_measured
from bptt.data.split import fold_numbers
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.classify.config import usual_dropout
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.job import Folding, Job, Stretch
from bptt.jobs.options import ExampleOptions
from bptt.jobs.reading import detected_form, needed_data, noted, read_stretch
from bptt.jobs.regress.answering import RegressorAsking
from bptt.jobs.regress.config import TASK, RegressorConfig, usual_feed_forward, usual_pooling
from bptt.jobs.regress.exposure import expose
from bptt.jobs.regress.metrics import NumberScores, scores
from bptt.jobs.regress.options import OPTIONS, MeasuredOptions, RegressFiles, RegressionOptions
from bptt.jobs.regress.task import RegressTask
from bptt.jobs.regress.trained import TrainedRegressor, load_regressor
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.models.tokens import vocabulary_options
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections
from bptt.runs.origin import Origin


def _configure(choices: Choices, files: RegressFiles, columns: Columns) -> RegressorConfig:
    form = detected_form(choices, files.data, detect, columns)
    source = choices.make(MeasuredOptions, form=form)
    behind, before = usual_dropout(source.kind)
    cells = as_cells(files.cell)
    return RegressorConfig(
        cells,
        source,
        choices.make(
            EncoderOptions,
            dropout=behind,
            input_dropout=before,
            feed_forward=usual_feed_forward(source.kind),
            **own_layers(cells),
        ),
        choices.make(RegressionOptions, pooling=usual_pooling(source.kind)),
        choices.make(TokenOptions, vector_words=files.known_words),
        vocabulary_options(choices),
        choices.make(ExampleOptions, seed=choices.get("seed")),
    )


def _read(choices: Choices) -> tuple[RegressFiles, RegressorConfig, Measured, Measured | None]:
    """Return files, configuration, training examples, and held-out examples or None for a share."""
    files = choices.make(RegressFiles)
    if files.folds and files.dev is not None:
        raise InputError("folds", "holds out each part of DATA in turn", "`dev`", "Leave one out")
    names = choices.get("target_columns")
    header = choices.get("header")
    columns = Columns(choices.get("input_column"), names[0] if names else None, header=header)
    config = _configure(choices, files, columns)
    form, every = config.source.form, config.source.every_step
    columns = replace(columns, target=None)
    learned = read_measured(files.data, form, columns, names, every)
    known = replace(columns, features=learned.columns, learned=learned.found)
    dev = None if files.dev is None else read_measured(files.dev, form, known, names, every)
    return files, config, learned, dev


def _begin(choices: Choices, origin: Origin[TrainedRegressor] | None) -> RegressTask:
    files, config, learned, dev = _read(choices)
    return RegressTask(learned, dev, config, origin, files.vectors)


def _fold(choices: Choices) -> Folding | None:
    """Return the folds, if they were chosen; every model starts from the same initial weights."""
    if not choices.get("folds"):
        return None
    files, config, examples, _ = _read(choices)
    seed = choices.get("seed")
    numbers = fold_numbers(examples.keys, None, files.folds, seed)

    def make(learned: list[int], held_out: list[int]) -> RegressTask:
        torch.manual_seed(seed)
        return RegressTask(examples.take(learned), examples.take(held_out), config, vectors=files.vectors)

    def score(folds: Sequence[tuple[RegressTask, Sequence[int]]]) -> EvaluationReport:
        found = [task.trained.judge(examples.take(rows)) for task, rows in folds]
        values = torch.cat([each[0] for each in found])
        targets = torch.cat([each[1] for each in found])
        loss = sum(each[2] * len(each[1]) for each in found) / len(targets)
        # The intervals of a fold are calibrated on its held-out rows: measuring coverage on these would be no
        # test.
        output = folds[0][0].model.output
        names = folds[0][0].config.source.targets
        return _report(scores(values, targets, output, names, loss, intervals=False))

    return Folding(numbers, make, score)


def _evaluate(trained: TrainedRegressor, run: Path, choices: Choices) -> EvaluationReport:
    data = needed_data(run, choices.make(EvaluateOptions).file)
    examples = trained.read(data, labelled=True, said=choices.make(ReadingOptions).said())
    values, targets, loss = trained.judge(examples)
    output = trained.model.output
    found = scores(values, targets, output, trained.config.source.targets, loss)
    picture = tuple(
        (name, targets[:, k].tolist(), values[:, k, output.options.point].tolist())
        for k, name in enumerate(trained.config.source.targets)
    )
    report = _report(found, noted(data, examples))
    return replace(report, picture=picture, picture_name="numbers.png")


def _report(found: NumberScores, notes: tuple[str, ...] = ()) -> EvaluationReport:
    """Return the metrics, those of each target if there are several, and a note on the baseline."""
    tables: tuple[ScoreTable, ...] = ()
    if found.by_target:
        header = ("target", *next(iter(found.by_target.values())))
        rows = tuple(
            (name, *(f"{value:.6g}" for value in metrics.values()))
            for name, metrics in found.by_target.items()
        )
        tables = (ScoreTable(header, rows),)
    return EvaluationReport(found.metrics, tables, (*notes, *found.notes))


def _expose(trained: TrainedRegressor, stretch: Stretch) -> list[Exposure]:
    return [expose(trained, row, stretch.limit) for row in read_stretch(trained.read, stretch)]


JOB = Job(
    options=OPTIONS,
    begin=_begin,
    configuration=lambda run: read_sections(RegressorConfig, run, TASK),
    load=load_regressor,
    evaluate=_evaluate,
    expose=_expose,
    ask=RegressorAsking,
    fold=_fold,
    # The hub counts the scoring of texts among classifications.
    hub_task={"text": "text-classification", "table": "tabular-regression"},
)
