"""The record of the job `music`: training, samples, likelihoods, evaluation and inspection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.jobs.answers import Answer, EvaluationReport, Line
from bptt.jobs.commands import EvaluateOptions
from bptt.jobs.exposure import check_number
from bptt.jobs.job import Job, Stretch
from bptt.jobs.music.answering import PieceAnswer
from bptt.jobs.music.beginning import begin
from bptt.jobs.music.config import TASK, MusicConfig
from bptt.jobs.music.exposure import expose
from bptt.jobs.music.held_out_pieces import held_out_source, read_written
from bptt.jobs.music.judging import MEASURED, compared
from bptt.jobs.music.options import OPTIONS, MusicEvaluateOptions
from bptt.jobs.music.sample_files import write_samples
from bptt.jobs.music.trained import TrainedMusicModel, load_music_model, metrics_of
from bptt.jobs.reading import refuse_target
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections


def _evaluate(trained: TrainedMusicModel, run: Path, choices: Choices) -> EvaluationReport:
    """Evaluate on pieces, or on those that the run holds out."""
    data = choices.make(EvaluateOptions).file
    source = held_out_source(run) if data is None else data
    pieces = read_written(trained.notation, source, choices.make(MusicEvaluateOptions).part)
    scores = [piece.score for piece in pieces.rows]
    found = trained.score_steps([piece.steps for piece in pieces.rows], [len(s.notes) for s in scores])
    measures, faults = compared(scores, trained.corpus)
    return EvaluationReport(metrics_of(found) | measures, notes=(*pieces.notes, MEASURED, *faults))


def _score(
    trained: TrainedMusicModel, sources: Sequence[Source], choices: Choices
) -> Iterator[Line | Answer]:
    """Yield a line, or a record, for each piece: its ln P, nats a step and a note, judgement and name."""
    unit, as_json = trained.notation.unit, choices.get("json")
    if not as_json:
        measured = "in key", "longest copied"
        yield "log P", unit, f"nats per {unit.removesuffix('s')}", "nats per note", *measured, "piece"
    rows = count(1)
    for source in sources:
        pieces = read_written(trained.notation, _file(source), "all")
        for note in pieces.notes:
            choices.say(f"{source}: {note}")
        notes = [len(piece.score.notes) for piece in pieces.rows]
        found = trained.score_steps([piece.steps for piece in pieces.rows], notes)
        for piece, likelihood in zip(pieces.rows, found, strict=True):
            ln, judged = likelihood.log_probability, trained.judge(piece.score)
            counts = likelihood.steps, likelihood.notes, judged.in_key, judged.copied.notes
            answer = PieceAnswer(next(rows), piece.name, str(source), ln, *counts)
            yield answer if as_json else answer.line
            for fault in judged.faults:
                choices.say(f"{piece.name}: {fault}")


def _expose(trained: TrainedMusicModel, stretch: Stretch) -> list[Exposure]:
    refuse_target(stretch)
    rows = read_written(trained.notation, stretch.source, "all").rows
    check_number(stretch.number, len(rows), "pieces")
    taken = rows[stretch.number : stretch.number + stretch.count]
    return [expose(trained, piece.steps, stretch.limit) for piece in taken]


def _file(source: Source) -> Path:
    """Return a file or folder. Raises InputError for standard input."""
    if isinstance(source, Path):
        return source
    raise InputError(source.name, "must be a file or folder of music", "a text")


JOB = Job(
    options=OPTIONS,
    begin=begin,
    configuration=lambda run: read_sections(MusicConfig, run, TASK),
    load=load_music_model,
    evaluate=_evaluate,
    expose=_expose,
    sample=write_samples,
    score=_score,
    held_out=held_out_source,
)
