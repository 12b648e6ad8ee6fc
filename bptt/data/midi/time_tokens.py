"""Scores as tokens of time shifts, and back, for performances without a metre.

    piece:    event … End        event: [Shift …] note …
    note:     [Velocity] Drum, or [Part] [Velocity] Pitch Duration

A time beyond the longest Shift takes several; all but the last one are the longest. A piece begins at its
first note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bptt.data.midi.music_vocabulary import MusicVocabulary, Token, TokenKind
from bptt.data.midi.placed_notes import GridReport, place_notes
from bptt.data.midi.score import DEFAULT_TEMPO, Score, Tempo
from bptt.data.midi.token_notes import NoteReader, NoteWriter, ReadTokens

# Seconds; longer silences between two onsets are cut to this.
_LONGEST_SILENCE = 30
_CUT = "seconds of silence left out"
# Seconds: how long percussion is written to last.
_DRUM = 0.1


def times_tokens(score: Score, vocabulary: MusicVocabulary) -> tuple[list[Token], GridReport]:
    """Return the tokens of a score, and what the grid changed."""
    resolution = vocabulary.resolution
    onsets = score.seconds_at([note.onset for note in score.notes])
    durations = score.seconds_at([note.end for note in score.notes]) - onsets
    begin = float(onsets[0]) if len(onsets) else 0.0
    notes, report = place_notes(score, vocabulary, (onsets - begin) * resolution, durations * resolution)
    longest = vocabulary.values[TokenKind.SHIFT][-1].value
    writer = NoteWriter(vocabulary)
    now, silent = 0, begin
    for note in notes:
        wait = note.step - now
        now = note.step
        if wait > _LONGEST_SILENCE * resolution:
            silent += wait / resolution - _LONGEST_SILENCE
            wait = _LONGEST_SILENCE * resolution
        writer.tokens += [Token(TokenKind.SHIFT, longest)] * (wait // longest)
        writer.tokens += [Token(TokenKind.SHIFT, wait % longest)] if wait % longest else []
        writer.write(note)
    writer.tokens.append(Token(TokenKind.END))
    return writer.tokens, replace(
        report, lost=(*report.lost, *([(_CUT, round(silent))] if silent >= 0.5 else []))
    )


def read_times(tokens: Iterable[Token], vocabulary: MusicVocabulary) -> ReadTokens:
    """Read tokens of times as a score at 120 quarters a minute."""
    # A quarter is half a second; ticks of 1 ms at 100 steps a second.
    scale = max(1, round(1000 / vocabulary.resolution))
    scale += scale * vocabulary.resolution % 2
    reader = NoteReader(vocabulary, max(1, round(_DRUM * vocabulary.resolution)))
    for token in tokens:
        if token.kind is TokenKind.END:
            break
        if token.kind is TokenKind.SHIFT:
            reader.step += token.value
        else:
            reader.read(token)
        reader.pass_token()
    return reader.result(scale, scale * vocabulary.resolution // 2, [Tempo(0, DEFAULT_TEMPO)], [])
