"""Parts of scores, and the ticks of their bars."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TypeVar

from bptt.data.midi.bars import bars_of
from bptt.data.midi.score import KeySignature, Score, Tempo, TimeSignature

Change = TypeVar("Change", Tempo, TimeSignature, KeySignature)


def excerpt(score: Score, begin: int, end: int) -> Score:
    """Return the notes that begin from tick `begin` on and before `end`, none longer than that; ticks count
    from `begin`. Tempo, metre and key are those in force.
    """
    notes = [
        note._replace(onset=note.onset - begin, duration=min(note.end, end) - note.onset)
        for note in score.notes
        if begin <= note.onset < end
    ]
    return replace(
        score,
        notes=tuple(notes),
        tempos=_from(score.tempos, begin, end),
        time_signatures=_from(score.time_signatures, begin, end),
        key_signatures=_from(score.key_signatures, begin, end),
    )


def _from(changes: tuple[Change, ...], begin: int, end: int) -> tuple[Change, ...]:
    """Return the changes between two ticks, the first being that in force at `begin`."""
    before: list[Change] = [each for each in changes if each.tick <= begin][-1:]
    later: list[Change] = [each for each in changes if begin < each.tick < end]
    return tuple(each._replace(tick=max(0, each.tick - begin)) for each in before + later)


def bar_tick(score: Score, bars: int, resolution: int = 48) -> int:
    """Return the tick at which bar `bars`, from 0, begins; of a shorter score, its end in whole bars."""
    ends = [bar.end for bar in islice(bars_of(score, resolution), bars)]
    return 0 if not ends else ends[-1] * score.ticks_per_quarter // resolution


def bar_before(score: Score, tick: int, resolution: int = 48) -> int:
    """Return the tick of the bar line at or before a tick, which may lie behind the last note."""
    start = length = 0
    for bar in bars_of(score, resolution):
        start, length = bar.start, bar.end - bar.start
        if tick * resolution < bar.end * score.ticks_per_quarter:
            break
    else:
        step = tick * resolution // score.ticks_per_quarter
        start += (step - start) // length * length if length else 0
    return start * score.ticks_per_quarter // resolution
