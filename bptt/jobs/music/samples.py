"""Samples of music as a user asks for them: the primer read, the limits understood, the pieces ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from bptt.data.midi.bars import steps_of
from bptt.data.midi.music_grammar import MusicLimits
from bptt.data.midi.music_vocabulary import Representation, TokenKind
from bptt.data.midi.score import DEFAULT_TEMPO, Score, Tempo, TimeSignature
from bptt.errors import InputError
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.sampling_options import DrawOptions
from bptt.jobs.music.excerpts import bar_before, bar_tick, excerpt
from bptt.jobs.music.frame_model import FrameModel
from bptt.jobs.music.frame_sampling import draw_frames
from bptt.jobs.music.piece_notation import FrameNotation, MusicNetwork, PieceNotation, TokenNotation
from bptt.jobs.music.pitches import key_pitches, pitch_number
from bptt.jobs.music.sample_options import MusicSampleOptions
from bptt.jobs.music.sampling import Drawn, Length, draw_tokens
from bptt.notebook import ShownRow

# The length in bars of a piece that a model of frames, which has no end of a piece, is not asked for.
_BARS = 16
DRUMS = "drums"


@dataclass(frozen=True)
class MusicSample(ShownRow):
    """A sample: its score, with the primer or without it, and the mean ln P of the steps that were drawn.

    `begins` is the tick at which the continuation begins. `steps` are those drawn.
    """

    score: Score
    log_probability: float
    begins: int
    steps: int

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        size = {"notes": f"{len(self.score.notes):,}", "seconds": f"{self.score.seconds:.1f}"}
        return {**size, "steps": f"{self.steps:,}", "ln P a step": f"{self.log_probability:.3f}"}


def limits_of(notation: PieceNotation, options: MusicSampleOptions) -> MusicLimits:
    """Return the limits that options ask for. Raises InputError naming the option if the model cannot."""
    pitches = set(range(128)) if options.key is None else set(key_pitches(options.key))
    low = 0 if options.lowest is None else pitch_number("lowest", options.lowest)
    high = 127 if options.highest is None else pitch_number("highest", options.highest)
    if low > high:
        raise InputError("lowest", f"is at most `highest`, {high}", low)
    pitches &= set(range(low, high + 1))
    asked = any(each is not None for each in (options.key, options.lowest, options.highest))
    programs = None
    if options.instruments:
        programs = frozenset(_program(each) for each in options.instruments if each != DRUMS)
        _check_instruments(notation, programs, DRUMS in options.instruments)
    return MusicLimits(
        frozenset(pitches) if asked else None,
        programs,
        not options.instruments or DRUMS in options.instruments,
        options.polyphony,
    )


def _program(name: str) -> int:
    if name.strip().isdecimal() and int(name) < 128:
        return int(name)
    raise InputError("instruments", "are General MIDI programs from 0 to 127, or drums", repr(name))


def _check_instruments(notation: PieceNotation, programs: frozenset[int], drums: bool) -> None:
    if not isinstance(notation, TokenNotation):
        raise InputError("instruments", "are of a model of tokens", "one of frames", "Leave it out")
    vocabulary = notation.vocabulary
    has_pitches = len(vocabulary.of_kind[TokenKind.PITCH]) > 0
    known = {token.value for token in vocabulary.values[TokenKind.PART]} if has_pitches else set()
    has_drums = len(vocabulary.of_kind[TokenKind.DRUM]) > 0
    if not programs <= known or (drums and not has_drums):
        listed = [*map(str, sorted(known)), *([DRUMS] if has_drums else [])]
        asked = [*map(str, sorted(programs)), *([DRUMS] if drums else [])]
        rule = f"are those that the model has learned: {', '.join(listed)}"
        raise InputError("instruments", rule, ", ".join(asked))


def samples(
    model: MusicNetwork,
    notation: PieceNotation,
    primer: Score | None,
    asked: MusicSampleOptions,
    options: DrawOptions,
    count: int,
) -> list[MusicSample]:
    """Return `count` samples, or the `asked.keep` likeliest of them, the likeliest first.

    Raises InputError for options that the model cannot follow, and for a primer without notes that it knows.
    """
    if asked.bars is not None and asked.seconds is not None:
        raise InputError("seconds", "is a length, as `bars` is", asked.seconds, "Leave one of them out")
    if asked.seconds is not None and asked.seconds <= 0:
        raise InputError("seconds", "is a length above 0", asked.seconds)
    for name in ("primer_bars", "no_primer"):
        if primer is None and getattr(asked, name):
            raise InputError(name, "is about a primer", "none", "Give `primer`, or leave it out")
    if asked.primer_bars is not None and primer is not None:
        primer = excerpt(primer, 0, bar_tick(primer, asked.primer_bars))
    limits, length = limits_of(notation, asked), Length(asked.bars, asked.seconds)
    if isinstance(notation, FrameNotation) and isinstance(model, FrameModel):
        found = _of_frames(model, notation, primer, limits, length, asked, options, count)
    else:
        assert isinstance(notation, TokenNotation) and isinstance(model, LanguageModel)
        found = _of_tokens(model, notation, primer, limits, length, asked, options, count)
    found.sort(key=lambda sample: -sample.log_probability)
    return found[: asked.keep or count]


def _of_tokens(
    model: LanguageModel,
    notation: TokenNotation,
    primer: Score | None,
    limits: MusicLimits,
    length: Length,
    asked: MusicSampleOptions,
    options: DrawOptions,
    count: int,
) -> list[MusicSample]:
    vocabulary = notation.vocabulary
    begun, earliest = torch.empty(0, dtype=torch.int64), 0
    if primer is not None:
        begun = notation.encode(primer)[:-1]
        read = notation.decode(begun)
        if not read.notes:
            raise InputError("primer", "must have notes that the model knows", "none")
        earliest = _step_of(read, read.end, notation)
    drawn = draw_tokens(model, notation, begun, earliest, limits, length, options, count)
    bars = vocabulary.representation is Representation.BARS
    found = []
    for each in drawn:
        score = notation.decode(torch.cat([begun, each.steps]))
        begins = _tick_of(score, earliest, notation)
        end = max(score.end, begins) + 1
        if length.bars is not None or (length.seconds is not None and not bars):
            end = _end_in(score, begins, length, notation)
        elif length.seconds is not None:
            end = int(score.ticks_at([float(score.seconds_at([begins])[0]) + length.seconds])[0])
        found.append(_sample(score, begins, end, each, asked))
    return found


def _step_of(score: Score, tick: int, notation: TokenNotation) -> int:
    """Return the step of the grid at a tick of a score that the notation has decoded."""
    if notation.vocabulary.representation is Representation.BARS:
        return steps_of(tick, score.ticks_per_quarter, notation.resolution)
    return round(float(score.seconds_at([tick])[0]) * notation.resolution)


def _tick_of(score: Score, step: int, notation: TokenNotation) -> int:
    if notation.vocabulary.representation is Representation.BARS:
        return step * score.ticks_per_quarter // notation.resolution
    return int(score.ticks_at([step / notation.resolution])[0])


def _end_in(score: Score, begins: int, length: Length, notation: TokenNotation) -> int:
    """Return the tick at which a continuation of a length ends: a bar line, or a time."""
    if length.seconds is not None:
        return int(score.ticks_at([float(score.seconds_at([begins])[0]) + length.seconds])[0])
    assert length.bars is not None
    first = bar_before(score, begins)
    # A continuation that begins within a bar fills it, and has its bars behind it.
    bars, tick = length.bars + (first < begins), first
    for _ in range(bars):
        tick = _bar_after(score, tick)
    return tick


def _bar_after(score: Score, tick: int) -> int:
    """Return the next bar line behind that at `tick`."""
    signature = next((each for each in reversed(score.time_signatures) if each.tick <= tick), None)
    beats, unit = (4, 4) if signature is None else signature[1:]
    return tick + 4 * score.ticks_per_quarter * beats // unit


def _sample(score: Score, begins: int, end: int, drawn: Drawn, asked: MusicSampleOptions) -> MusicSample:
    """Return a sample that ends at a tick, from its beginning or from the bar line before `begins`."""
    mean = drawn.log_probabilities.mean().item() if len(drawn.log_probabilities) else 0.0
    first = bar_before(score, begins) if asked.no_primer else 0
    kept = score
    if asked.no_primer:
        kept = score.with_notes(note for note in score.notes if note.onset >= begins)
    return MusicSample(excerpt(kept, first, end), mean, begins - first, len(drawn.steps))


def _of_frames(
    model: FrameModel,
    notation: FrameNotation,
    primer: Score | None,
    limits: MusicLimits,
    length: Length,
    asked: MusicSampleOptions,
    options: DrawOptions,
    count: int,
) -> list[MusicSample]:
    begun = torch.empty((0, notation.keys), dtype=torch.int64)
    tempo, signature = Tempo(0, DEFAULT_TEMPO), TimeSignature(0, 4, 4)
    if primer is not None:
        begun, tempo = notation.encode(primer), Tempo(0, primer.tempo_at(0))
        signature = next((each._replace(tick=0) for each in primer.time_signatures), signature)
    quarter, (_, beats, unit) = tempo.quarter / 1e6, signature
    frames = round((length.bars or _BARS) * 4 * notation.resolution * beats / unit)
    if length.seconds is not None:
        frames = max(1, round(length.seconds / quarter * notation.resolution))
    drawn = draw_frames(model, notation, begun, limits, frames, options, count)
    found = []
    for each in drawn:
        score = replace(
            notation.decode(torch.cat([begun, each.steps])), tempos=(tempo,), time_signatures=(signature,)
        )
        begins = len(begun) * score.ticks_per_quarter // notation.resolution
        found.append(_sample(score, begins, max(score.end, begins) + 1, each, asked))
    return found
