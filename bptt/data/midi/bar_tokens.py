"""Scores as tokens of bars and positions, and back.

    piece:    bar … End          bar: Bar [Metre] event …
    event:    Position [Tempo] [note …]
    note:     [Velocity] Drum, or [Part] [Velocity] Pitch Duration

What lasts (Metre, Tempo, Part, Velocity) is said where it changes. At a position percussion comes first, then
the parts by rising number, each from low to high; so a score has one sequence of tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from bptt.data.midi.bars import Bar, bar_steps, bars_of, steps_of
from bptt.data.midi.music_vocabulary import MusicVocabulary, Token, TokenKind, tempo_token, tempos_of
from bptt.data.midi.placed_notes import GridReport, PlacedNote, place_notes
from bptt.data.midi.score import Score, Tempo, TimeSignature
from bptt.data.midi.token_notes import TICKS_PER_QUARTER, NoteReader, NoteWriter, ReadTokens

# Longer silences are cut to this number of bars; before the first note there is none.
_LONGEST_SILENCE = 16
_CUT = "bars of silence left out"


def bars_tokens(score: Score, vocabulary: MusicVocabulary) -> tuple[list[Token], GridReport]:
    """Return the tokens of a score, and what the grid changed."""
    resolution = vocabulary.resolution
    times = np.array([note[:3] for note in score.notes], np.float64).reshape(-1, 3) * resolution
    times /= score.ticks_per_quarter
    notes, report = place_notes(score, vocabulary, times[:, 0], times[:, 2])
    bars, silent = _sounding(list(bars_of(score, resolution, _metres(vocabulary))), notes)
    tempos = _tempo_steps(score, vocabulary)
    writer = NoteWriter(vocabulary)
    place = 0
    for bar in bars:
        writer.tokens.append(Token(TokenKind.BAR))
        writer.say(Token(TokenKind.METRE, *bar.metre))
        begin = place
        while place < len(notes) and notes[place].step < bar.end:
            place += 1
        _write_bar(writer, bar, notes[begin:place], tempos)
    writer.tokens.append(Token(TokenKind.END))
    return writer.tokens, replace(report, lost=(*report.lost, *([(_CUT, silent)] if silent else [])))


def _write_bar(
    writer: NoteWriter, bar: Bar, notes: Sequence[PlacedNote], tempos: list[tuple[int, Token]]
) -> None:
    """Write the events of a bar; remove the tempos that are written from the list."""
    steps = sorted({note.step for note in notes})
    due = [max(step, bar.start) for step, _ in tempos if step < bar.end]
    place = 0
    for step in sorted({*steps, *due}):
        tempo = None
        while tempos and tempos[0][0] <= step:
            tempo = tempos.pop(0)[1]
        changes = tempo is not None and writer.would_say(tempo)
        if step not in steps and not changes:
            continue
        writer.tokens.append(Token(TokenKind.POSITION, step - bar.start))
        if tempo is not None:
            writer.say(tempo)
        while place < len(notes) and notes[place].step == step:
            writer.write(notes[place])
            place += 1


def _metres(vocabulary: MusicVocabulary) -> set[tuple[int, int]]:
    return {token[1:] for token in vocabulary.values[TokenKind.METRE]}


def _sounding(bars: list[Bar], notes: Sequence[PlacedNote]) -> tuple[list[Bar], int]:
    """Return the bars without those that lengthen a silence too much, and the number of the latter."""
    starts = np.array([bar.start for bar in bars])
    full = set((np.searchsorted(starts, [note.step for note in notes], side="right") - 1).tolist())
    kept: list[Bar] = []
    silence = _LONGEST_SILENCE
    for number, bar in enumerate(bars):
        silence = 0 if number in full else silence + 1
        if silence <= _LONGEST_SILENCE:
            kept.append(bar)
    return kept, len(bars) - len(kept)


def _tempo_steps(score: Score, vocabulary: MusicVocabulary) -> list[tuple[int, Token]]:
    """Return the steps at which the tempo changes, and the nearest tempo of the vocabulary."""
    known = [token.value for token in vocabulary.values[TokenKind.TEMPO]]
    if not known:
        return []
    found = []
    for tempo in tempos_of(score):
        step = steps_of(tempo.tick, score.ticks_per_quarter, vocabulary.resolution)
        wanted = tempo_token(tempo).value
        found.append((step, Token(TokenKind.TEMPO, min(known, key=lambda each: (abs(each - wanted), each)))))
    return found


def read_bars(tokens: Iterable[Token], vocabulary: MusicVocabulary) -> ReadTokens:
    """Read tokens of bars as a score; notes before the first bar are in it."""
    resolution = vocabulary.resolution
    scale = max(1, TICKS_PER_QUARTER // resolution)
    reader = NoteReader(vocabulary, max(1, resolution // 4))
    metre = next((token[1:] for token in reader.fixed if token.kind is TokenKind.METRE), (4, 4))
    tempos = [Tempo(0, _quarter(token)) for token in reader.fixed if token.kind is TokenKind.TEMPO]
    signatures = [TimeSignature(0, *metre)]
    start = following = 0
    for token in tokens:
        match token.kind:
            case TokenKind.END:
                break
            case TokenKind.BAR:
                start, following = following, following + bar_steps(metre, resolution)
                reader.step = start
            case TokenKind.METRE:
                metre, following = token[1:], start + bar_steps(token[1:], resolution)
                signatures = [each for each in signatures if each.tick < start * scale]
                signatures.append(TimeSignature(start * scale, *metre))
            case TokenKind.POSITION:
                reader.step = start + token.value
            case TokenKind.TEMPO:
                tempos = [each for each in tempos if each.tick < reader.step * scale]
                tempos.append(Tempo(reader.step * scale, _quarter(token)))
            case _:
                reader.read(token)
        reader.pass_token()
    return reader.result(scale, scale * resolution, tempos, signatures)


def _quarter(token: Token) -> int:
    return round(60e6 / token.value)
