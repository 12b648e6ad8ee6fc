"""A piece in time: its piano roll on the axis of seconds, and its sound."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise

import torch
from torch import Tensor

from bptt.data.audio.pcm_wav import pcm_wav
from bptt.data.midi.music_tokens import read_tokens
from bptt.data.midi.score import Score
from bptt.data.midi.synthesiser import SILENT_START, synthesise
from bptt.jobs.music.excerpts import excerpt
from bptt.jobs.music.piece_notation import FrameNotation, PieceNotation, TokenNotation
from bptt.languages.phrase import phrase
from bptt.timeline import LONGEST_SOUND, BarRow, ColouredBar, Timeline

_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_RATE = 16_000
# A step at the end, after which nothing follows, lasts this long in seconds.
_LAST = 0.05


def piece_time(notation: PieceNotation, read: Tensor) -> Timeline:
    """Return the time of T steps: the first reads nothing, the others `read`, (T - 1,) tokens or (T - 1, K)
    frames.

    Steps at the same moment, such as the tokens of a chord, share the time up to the next one evenly.
    """
    if isinstance(notation, TokenNotation):
        found = read_tokens(read.tolist(), notation.vocabulary)
        score, ticks = found.score, list(found.ticks)
        # Of each note its onset, end, pitch, and the step that completes it.
        notes = [
            (note.onset, note.end, note.pitch, token + 1)
            for note, token in zip(score.notes, found.tokens, strict=True)
        ]
    else:
        assert isinstance(notation, FrameNotation)
        # A tick is a frame.
        score, ticks = notation.decode(read), list(range(len(read)))
        notes = [
            (frame, frame + 1, notation.lowest + key, frame + 1)
            for frame, key in torch.nonzero(read > 0).tolist()
        ]
    starts, ends = (score.seconds_at([note[side] for note in notes]).tolist() for side in (0, 1))
    bars = tuple(
        ColouredBar(start, end, pitch, step)
        for (_, _, pitch, step), start, end in zip(notes, starts, ends, strict=True)
    )
    # The tokens after the end have no time of their own.
    ticks += ticks[-1:] * (len(read) - len(ticks))
    begins = score.seconds_at([0, *ticks]).tolist()
    last = max(score.seconds, max(begins) + _LAST)
    roll = BarRow(phrase("Piano roll"), bars, _octaves(bars))
    return Timeline(_spread(begins, last), bars=roll, sound=_sound(score) if bars else b"")


def _spread(begins: Sequence[float], last: float) -> tuple[float, ...]:
    """Return when the steps begin that begin at these seconds (T,), and the end of the last one; those of one
    moment share the time to the next.
    """
    moments = [(moment, len(list(steps))) for moment, steps in groupby(accumulate(begins, max))]
    found: list[float] = []
    for (moment, count), (following, _) in pairwise([*moments, (last, 0)]):
        found += [moment + k * (following - moment) / count for k in range(count)]
    return (*found, last)


def _octaves(bars: Sequence[ColouredBar]) -> tuple[tuple[int, str], ...]:
    """Return each C among the pitches, or the lowest and highest pitch if there are fewer than two."""
    pitches = [bar.height for bar in bars]
    if not pitches:
        return ()
    low, high = min(pitches), max(pitches)
    marked = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    if len(marked) < 2:
        marked = sorted({low, high})
    return tuple((pitch, f"{_NAMES[pitch % 12]}{pitch // 12 - 1}") for pitch in marked)


def _sound(score: Score) -> bytes:
    """Return the beginning of a score as a WAV file of one channel."""
    (end,) = score.ticks_at([LONGEST_SOUND]).tolist()
    heard = synthesise(excerpt(score, 0, end), _RATE).mean(1)
    first = round(SILENT_START * _RATE)
    return pcm_wav(heard[first:][: round(LONGEST_SOUND * _RATE)], _RATE)
