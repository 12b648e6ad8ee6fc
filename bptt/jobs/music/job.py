"""The record of the job `music`: training, samples, likelihoods, evaluation and inspection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bptt.data.midi.music_files import MusicCorpus, read_music
from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport, Line
from bptt.jobs.commands import EvaluateOptions
from bptt.jobs.exposure import check_number
from bptt.jobs.job import Job, Stretch
from bptt.jobs.music.beginning import begin
from bptt.jobs.music.config import TASK, MusicConfig
from bptt.jobs.music.exposure import expose
from bptt.jobs.music.judging import MEASURED, compared
from bptt.jobs.music.options import OPTIONS
from bptt.jobs.music.sample_files import write_samples
from bptt.jobs.music.trained import TrainedMusicModel, load_music_model, metrics_of
from bptt.jobs.reading import needed_data, refuse_target
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections


def _evaluate(trained: TrainedMusicModel, run: Path, choices: Choices) -> EvaluationReport:
    corpus = read_music([needed_data(run, choices.make(EvaluateOptions).data)])
    scores = trained.score(corpus.scores)
    measures, faults = compared(corpus.scores, trained.corpus)
    return EvaluationReport(metrics_of(scores) | measures, notes=(*corpus.notes, MEASURED, *faults))


def _score(trained: TrainedMusicModel, sources: Sequence[Source], choices: Choices) -> Iterator[Line]:
    """Yield a line for each piece: its ln P, nats a step and a note, its judgement, and its name."""
    unit = trained.notation.unit
    measured = "in key", "longest copied"
    yield "log P", unit, f"nats per {unit.removesuffix('s')}", "nats per note", *measured, "piece"
    for source in sources:
        corpus = _read(source)
        for note in corpus.notes:
            choices.say(f"{source}: {note}")
        for piece, found in zip(corpus.pieces, trained.score(corpus.scores), strict=True):
            total = -found.log_probability
            means = f"{total / max(found.steps, 1):.4f}", f"{total / max(found.notes, 1):.4f}"
            judged = trained.judge(piece.score)
            own = f"{judged.in_key:.3f}", str(judged.copied.notes)
            yield f"{-total:.4f}", str(found.steps), *means, *own, piece.name
            for fault in judged.faults:
                choices.say(f"{piece.name}: {fault}")


def _expose(trained: TrainedMusicModel, stretch: Stretch) -> list[Exposure]:
    refuse_target(stretch)
    scores = _read(stretch.source).scores
    check_number(stretch.number, len(scores), "pieces")
    taken = scores[stretch.number : stretch.number + stretch.count]
    return [expose(trained, trained.notation.encode(score), stretch.limit) for score in taken]


def _read(source: Source) -> MusicCorpus:
    if not isinstance(source, Path):
        raise InputError(source.name, "must be a file or folder of music", "a text")
    return read_music([source])


JOB = Job(
    options=OPTIONS,
    begin=begin,
    configuration=lambda run: read_sections(MusicConfig, run, TASK),
    load=load_music_model,
    evaluate=_evaluate,
    expose=_expose,
    sample=write_samples,
    score=_score,
)
