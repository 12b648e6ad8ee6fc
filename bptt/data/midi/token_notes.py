"""Notes written as tokens and read, as both representations have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bptt.data.midi.music_vocabulary import LASTING, MusicVocabulary, Token, TokenKind
from bptt.data.midi.placed_notes import PlacedNote
from bptt.data.midi.score import MIDDLE_VELOCITY, Note, Score, Tempo, TimeSignature

# Holds 12 and 24 steps a quarter; what most programs write.
TICKS_PER_QUARTER = 480


@dataclass(frozen=True)
class ReadTokens:
    """A score read from tokens; the `ticks` of each of T tokens, (T,), in ascending order unless the tokens
    go back in time; and the number of the token that completes each note of the score, (N,).
    """

    score: Score
    ticks: tuple[int, ...]
    tokens: tuple[int, ...]


class NoteWriter:
    """Collects `tokens`; says what lasts only where it changes."""

    def __init__(self, vocabulary: MusicVocabulary) -> None:
        self.tokens: list[Token] = []
        self._spoken = frozenset(kind for kind in LASTING if len(vocabulary.of_kind[kind]))
        self._now: dict[TokenKind, Token] = {}

    def would_say(self, token: Token) -> bool:
        """Return whether a value that lasts is another one than now, and has tokens."""
        return token.kind in self._spoken and self._now.get(token.kind) != token

    def say(self, token: Token) -> None:
        """Write a value that lasts, if it changes."""
        if self.would_say(token):
            self._now[token.kind] = token
            self.tokens.append(token)

    def write(self, note: PlacedNote) -> None:
        """Write a note."""
        if note.pitched:
            self.say(note.part)
        self.say(note.velocity)
        if note.pitched:
            self.tokens += (Token(TokenKind.PITCH, note.pitch), Token(TokenKind.DURATION, note.duration))
        else:
            self.tokens.append(Token(TokenKind.DRUM, note.pitch))


class NoteReader:
    """Collects the notes of tokens at the time `step`, which its user moves on; `pass_token` counts these."""

    def __init__(self, vocabulary: MusicVocabulary, drum_steps: int) -> None:
        self.step = 0
        self.fixed = vocabulary.fixed
        self._drum_steps = drum_steps
        self._part = next(
            (token for token in self.fixed if token.kind is TokenKind.PART), Token(TokenKind.PART)
        )
        velocities = [token.value for token in self.fixed if token.kind is TokenKind.VELOCITY]
        self._velocity = velocities[0] if velocities else MIDDLE_VELOCITY
        self._pitch: int | None = None
        self._steps: list[int] = []
        # Step, pitch, duration, velocity, part, token; None: percussion.
        self._notes: list[tuple[int, int, int, int, Token | None, int]] = []

    def read(self, token: Token) -> None:
        """Take the next token of a note."""
        number = len(self._steps)
        match token.kind:
            case TokenKind.PART:
                self._part = token
            case TokenKind.VELOCITY:
                self._velocity = token.value
            case TokenKind.PITCH:
                self._pitch = token.value
                return
            case TokenKind.DRUM:
                self._notes.append((self.step, token.value, self._drum_steps, self._velocity, None, number))
            case TokenKind.DURATION if self._pitch is not None:
                self._notes.append((self.step, self._pitch, token.value, self._velocity, self._part, number))
        self._pitch = None

    def pass_token(self) -> None:
        """Take note of the time of a token that was read."""
        self._steps.append(self.step)

    def result(
        self, scale: int, ticks_per_quarter: int, tempos: Sequence[Tempo], signatures: Sequence[TimeSignature]
    ) -> ReadTokens:
        """Return what was read, `scale` ticks a step; each part is a track, percussion the last one."""
        parts: list[Token | None] = [
            *sorted({each[4] for each in self._notes if each[4] is not None}, key=_order)
        ]
        tracks = {part: number for number, part in enumerate([*parts, None])}
        found = sorted(
            (
                Note(
                    step * scale,
                    pitch,
                    duration * scale,
                    velocity,
                    part.value if part else 0,
                    part is None,
                    tracks[part],
                ),
                number,
            )
            for step, pitch, duration, velocity, part, number in self._notes
        )
        notes = tuple(note for note, _ in found)
        score = Score(notes, ticks_per_quarter, tuple(tempos), tuple(signatures))
        ticks = tuple(step * scale for step in self._steps)
        return ReadTokens(score, ticks, tuple(number for _, number in found))


def _order(part: Token) -> tuple[int, int]:
    return part.value, part.second
