"""Samples of music as files: MIDI, ABC, sound and a picture, each by its ending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bptt.data.midi.read_midi import read_midi
from bptt.data.midi.score import Score
from bptt.data.midi.write_midi import midi_bytes
from bptt.errors import InputError
from bptt.files import check_new, write_new
from bptt.jobs.commands import SampleOptions
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.sample_options import ENDINGS, MusicSampleOptions
from bptt.jobs.music.samples import MusicSample, samples
from bptt.jobs.music.trained import TrainedMusicModel
from bptt.options.choices import Choices


def write_samples(trained: TrainedMusicModel, choices: Choices) -> Iterator[str]:
    """Draw samples and write their files; yield a line for each sample.

    Raises InputError, before anything is drawn, if a file exists, or none is named.
    """
    asked, count = choices.make(MusicSampleOptions), choices.make(SampleOptions).number
    kept = min(asked.keep or count, count)
    names = [*asked.output, *([asked.figure] if asked.figure else [])]
    if not asked.output:
        raise InputError("output", "must name a file for the sample, such as tune.mid", "none")
    for path in asked.output:
        if path.suffix.lower() not in ENDINGS:
            raise InputError("output", f"must end in one of {', '.join(ENDINGS)}", path.name)
    for path in names:
        for number in range(kept):
            check_new(numbered(path, number, kept))
    primer = None if asked.primer is None else _primer(asked.primer)
    found = samples(trained.model, trained.notation, primer, asked, choices.make(DrawOptions), count)
    for number, sample in enumerate(found):
        paths = [numbered(path, number, kept) for path in names]
        for path in paths:
            write_score(sample.score, path)
        yield f"{', '.join(map(str, paths))}\t{_described(sample, trained)}\n"


def numbered(path: Path, number: int, count: int) -> Path:
    """Return the name of the file of a sample: `path`, or with a number, from 1, if there are several."""
    return path if count == 1 else path.with_stem(f"{path.stem}-{number + 1}")


def write_score(score: Score, path: Path) -> None:
    """Write a score in the form of the ending of a file."""
    write_new(path, midi_bytes(score))


def _primer(path: Path) -> Score:
    scores = read_midi(path)
    if not scores[0].notes:
        raise InputError(str(path), "must have notes to continue", "none")
    return scores[0]


def _described(sample: MusicSample, trained: TrainedMusicModel) -> str:
    score = sample.score
    notes = f"{len(score.notes):,} notes, {score.seconds:.1f} s"
    return f"{notes}, log P {sample.log_probability:.3f} a {trained.notation.unit.removesuffix('s')}"
