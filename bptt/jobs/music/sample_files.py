"""Samples of music as files: MIDI, ABC, sound and a picture, each by its ending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bptt.data.midi.music_files import read_pieces
from bptt.data.midi.roll_view import roll_view
from bptt.data.midi.score import Note, Score
from bptt.data.midi.write_midi import midi_bytes
from bptt.deferred import deferred
from bptt.errors import InputError, counted
from bptt.files import check_new, write_new
from bptt.jobs.answers import Answer
from bptt.jobs.commands import SampleOptions
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.answering import PieceSample
from bptt.jobs.music.judging import Judgement
from bptt.jobs.music.sample_options import ENDINGS, MusicSampleOptions
from bptt.jobs.music.samples import MusicSample, samples
from bptt.jobs.music.trained import TrainedMusicModel
from bptt.options.choices import Choices

# Of pictures and sounds, which most samples do without.
_draw_roll = deferred("bptt.report.roll_figure", "draw_roll")
_abc_text = deferred("bptt.data.midi.write_abc", "abc_text")
_wav_bytes = deferred("bptt.data.midi.synthesiser", "wav_bytes")


def write_samples(trained: TrainedMusicModel, choices: Choices) -> Iterator[str | Answer]:
    """Draw samples and write their files; yield a line for each sample, or its record if `json` was chosen.

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
        if path.suffix.lower() == ".abc" and not trained.notation.has_pitches:
            cure = "Write .mid or .wav"
            raise InputError("output", "ABC holds notes with a pitch", "a model of percussion", cure)
    for path in names:
        for number in range(kept):
            check_new(numbered(path, number, kept))
        if not path.parent.is_dir():
            rule, cure = "must be in a folder that is there", f"Make {path.parent} first"
            raise InputError(str(path), rule, "none", cure)
    if len(set(names)) < len(names):
        raise InputError("output", "must name each file once", ", ".join(map(str, names)))
    primer = None if asked.primer is None else _primer(asked.primer, choices)
    found = samples(trained.model, trained.notation, primer, asked, choices.make(DrawOptions), count)
    for number, sample in enumerate(found):
        paths = [numbered(path, number, kept) for path in names]
        for path in paths[: len(asked.output)]:
            write_score(sample.score, path)
            strokes = sum(note.drum for note in sample.score.notes) if path.suffix.lower() == ".abc" else 0
            if strokes:
                choices.say(f"{path}: left out, as ABC has no percussion: {counted(strokes, 'notes')}")
        for path in paths[len(asked.output) :]:
            _draw(sample, path)
        judged = trained.judge(_drawn_part(sample))
        record = _record(number + 1, paths, sample, judged)
        yield record if choices.get("json") else _line(record, trained.notation.unit)
        for fault in judged.faults:
            choices.say(f"{paths[0].name}: {fault}")


def numbered(path: Path, number: int, count: int) -> Path:
    """Return the name of the file of a sample: `path`, or with a number, from 1, if there are several."""
    return path if count == 1 else path.with_stem(f"{path.stem}-{number + 1}")


def write_score(score: Score, path: Path) -> None:
    """Write a score in the form of the ending of a file. Raises InputError for an ending of no form."""
    ending = path.suffix.lower()
    if ending == ".wav":
        write_new(path, _wav_bytes(score))
    elif ending == ".abc":
        write_new(path, _abc_text(score).encode())
    else:
        write_new(path, midi_bytes(score))


def _drawn_part(sample: MusicSample) -> Score:
    """Return the continuation alone: a primer of the corpus is no copy, and its key no merit."""
    return sample.score.with_notes(note for note in sample.score.notes if note.onset >= sample.begins)


def _primer(path: Path, choices: Choices) -> Score:
    """Return the first piece of a file, and say so of several. Raises InputError if it holds no notes."""
    pieces = list(read_pieces(path))
    if len(pieces) > 1:
        choices.say(f"{pieces[0].place}: continued, the first of {counted(len(pieces), 'pieces')}")
    if not pieces or not pieces[0].score.notes:
        raise InputError(str(path), "must have notes to continue", "none")
    return pieces[0].score


def _draw(sample: MusicSample, path: Path) -> None:
    """Draw the piano roll of a sample, with the primer shaded."""
    score, primer = sample.score, None
    if sample.begins:
        # The roll counts bars: this is where the continuation begins.
        primer = roll_view(score.with_notes([Note(sample.begins, 60, 1)])).notes[0].start
    headline = f"{counted(len(score.notes), 'notes')}, {score.seconds:.0f} s"
    _draw_roll(roll_view(score), headline, "sample", path, primer)


def _record(row: int, paths: Sequence[Path], sample: MusicSample, judged: Judgement) -> PieceSample:
    score, ln = sample.score, sample.log_probability * sample.steps
    counts = sample.steps, len(score.notes), score.seconds, judged.in_key, judged.copied.notes
    return PieceSample(row, tuple(map(str, paths)), ln, *counts, judged.faults)


def _line(record: PieceSample, unit: str) -> str:
    notes = f"{counted(record.notes, 'notes')}, {record.seconds:.1f} s"
    mean = record.log_probability / max(record.steps, 1)
    own = f"{record.in_key:.0%} in key, longest run copied {record.longest_copied} notes"
    described = f"{notes}, log P {mean:.3f} a {unit.removesuffix('s')}, {own}"
    return f"{', '.join(record.files)}\t{described}\n"
