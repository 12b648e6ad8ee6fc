"""The record of the job `transcribe`: training, answers, evaluation and inspection."""

from __future__ import annotations

from dataclasses import replace

from bptt.cells.load import as_cells, own_layers
from bptt.data.audio.options import AugmentOptions, SoundOptions
from bptt.jobs.job import Job, Stretch
from bptt.jobs.options import ExampleOptions
from bptt.jobs.reading import read_stretch
from bptt.jobs.transcribe.answering import TranscriberAsking
from bptt.jobs.transcribe.config import TASK, TranscriberConfig
from bptt.jobs.transcribe.evaluation import evaluate
from bptt.jobs.transcribe.exposure import expose
from bptt.jobs.transcribe.options import (
    OPTIONS,
    RecordingOptions,
    TargetOptions,
    TranscribeFiles,
    TranscriberOptions,
    TranscriptOptions,
)
from bptt.jobs.transcribe.reading import detect_recordings, read_recordings
from bptt.jobs.transcribe.task import TranscribeTask
from bptt.jobs.transcribe.trained import TrainedTranscriber, load_transcriber
from bptt.models.tokens import vocabulary_options
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections
from bptt.runs.origin import Origin


def _begin(choices: Choices, origin: Origin[TrainedTranscriber] | None) -> TranscribeTask:
    files = choices.make(TranscribeFiles)
    source = choices.make(RecordingOptions)
    if not choices.has("form"):
        found = detect_recordings(files.data, source)
        choices.say(f"{files.data}: read as {found.form}, for {found.reason} (`form` says otherwise)")
        source = replace(source, form=found.form)
    cells = as_cells(files.cell)
    model = choices.make(TranscriberOptions, **own_layers(cells))
    # A network of one direction can hear a sound as it arrives, if its features need no later ones.
    normalise = "utterance" if model.bidirectional else "global"
    config = TranscriberConfig(
        cells,
        source,
        choices.make(SoundOptions, normalise=normalise),
        choices.make(AugmentOptions),
        choices.make(TranscriptOptions),
        vocabulary_options(choices),
        model,
        choices.make(TargetOptions),
        choices.make(ExampleOptions, seed=choices.get("seed")),
    )
    learned, dev = read_recordings(files.data, source), None
    if files.dev is not None:
        known = replace(source, features=learned.columns, learned=learned.found)
        form = detect_recordings(files.dev, known).form
        dev = read_recordings(files.dev, replace(known, form=form))
    return TranscribeTask(learned, dev, config, origin, workers=choices.get("workers"))


def _expose(trained: TrainedTranscriber, stretch: Stretch) -> list[Exposure]:
    return [expose(trained, row, stretch.limit) for row in read_stretch(trained.read, stretch)]


JOB = Job(
    options=OPTIONS,
    begin=_begin,
    configuration=lambda run: read_sections(TranscriberConfig, run, TASK),
    load=load_transcriber,
    evaluate=evaluate,
    expose=_expose,
    ask=TranscriberAsking,
    criterion=lambda trained: trained.config.target.select,
    hub_task="automatic-speech-recognition",
)
