"""The tokens of music: what each means, and which of them a corpus needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bptt.data.midi.bars import Metre, bar_steps, bars_of
from bptt.data.midi.score import Note, Score, Tempo
from bptt.errors import InputError


class Representation(Enum):
    """How tokens count time: in bars and positions of the metre, or in shifts of a fraction of a second."""

    BARS = "bars"
    TIMES = "times"


class TokenKind(Enum):
    """The classes of tokens."""

    END = "End"
    BAR = "Bar"
    METRE = "Metre"  # beats / unit, from this bar on
    POSITION = "Position"  # steps after the beginning of the bar
    SHIFT = "Shift"  # steps after the time before it
    TEMPO = "Tempo"  # quarters a minute, from this position on
    PART = "Part"  # program and which of its tracks, for the following notes
    VELOCITY = "Velocity"  # of the following notes
    PITCH = "Pitch"
    DRUM = "Drum"  # a note of percussion, which has no duration
    DURATION = "Duration"  # steps


class Token(NamedTuple):
    """A token. `second` is the unit of a metre and the track of a part, else 0."""

    kind: TokenKind
    value: int = 0
    second: int = 0

    def __str__(self) -> str:
        match self.kind:
            case TokenKind.END | TokenKind.BAR:
                return str(self.kind.value)
            case TokenKind.METRE:
                return f"{self.kind.value}_{self.value}/{self.second}"
            case TokenKind.PART:
                return f"{self.kind.value}_{self.value}" + (f".{self.second}" if self.second else "")
        return f"{self.kind.value}_{self.value}"


# Kinds whose value holds until the next token of the kind. Where a corpus has one value, no token says it.
LASTING = (TokenKind.METRE, TokenKind.TEMPO, TokenKind.PART, TokenKind.VELOCITY)
# Steps a quarter: thirds and sixteenths. Steps a second.
STEPS_PER_QUARTER, STEPS_PER_SECOND = 12, 100
# Velocities are rounded to multiples.
_VELOCITY_STEP = 4
# Tracks of one program that are distinguished; the others join the last of them.
_MOST_TRACKS = 8
_SLOWEST, _FASTEST = 10, 400  # quarters a minute
# Bars: every duration up to 4 quarters, then every half quarter up to 16. Times: every step up to 0.5 s, then
# 5 % apart up to 10 s.
_EXACT_QUARTERS, _LONGEST_QUARTERS = 4, 16
_EXACT_TIME, _LONGEST_TIME, _RATIO = 0.5, 10, 1.05


@dataclass(frozen=True)
class MusicVocabulary:
    """The tokens that a model knows, by number. `resolution` is in steps a quarter (bars) or a second
    (times). `fixed` holds the value of each lasting kind that has one value only, and so no token.
    """

    representation: Representation
    resolution: int
    tokens: tuple[Token, ...]
    fixed: tuple[Token, ...] = ()

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tokens as texts, such as Pitch_60 and Metre_6/8."""
        return tuple(map(str, self.tokens))

    @cached_property
    def number(self) -> Mapping[Token, int]:
        """The number of each token."""
        return {token: number for number, token in enumerate(self.tokens)}

    @cached_property
    def end(self) -> int:
        """The number of the token that ends a piece; a model may also take it as the beginning."""
        return self.number[Token(TokenKind.END)]

    @cached_property
    def of_kind(self) -> Mapping[TokenKind, npt.NDArray[np.int64]]:
        """The numbers of the tokens of each kind, by rising value."""
        kinds = [token.kind for token in self.tokens]
        return {
            kind: np.array([n for n, each in enumerate(kinds) if each is kind], np.int64)
            for kind in TokenKind
        }

    @cached_property
    def values(self) -> Mapping[TokenKind, tuple[Token, ...]]:
        """The tokens of each kind; of a lasting kind without tokens, its fixed one."""
        known = (*self.tokens, *self.fixed)
        return {kind: tuple(token for token in known if token.kind is kind) for kind in TokenKind}

    def to_json(self) -> dict[str, object]:
        """Return the vocabulary as plain values."""
        return {
            "representation": self.representation.value,
            "resolution": self.resolution,
            "tokens": list(self.names),
            "fixed": list(map(str, self.fixed)),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object], where: str) -> MusicVocabulary:
        """Make the vocabulary of what `to_json` returned. Raises InputError if it is anything else."""
        try:
            tokens, fixed = (tuple(map(_parse, value[key])) for key in ("tokens", "fixed"))  # type: ignore[call-overload]
            found = cls(Representation(value["representation"]), int(str(value["resolution"])), tokens, fixed)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(where, "must be a vocabulary of music", error) from error
        if Token(TokenKind.END) not in found.number:
            raise InputError(where, "a vocabulary of music has the token End", "none")
        return found


def fit_vocabulary(
    scores: Iterable[Score],
    representation: Representation,
    resolution: int | None = None,
    transposed: tuple[int, int] = (0, 0),
) -> MusicVocabulary:
    """Return the tokens that scores need, and those for transpositions by `transposed[0]` (at most 0) to
    `transposed[1]` semitones. Time tokens are those of the whole grid, whether the scores have them or not.
    """
    bars = representation is Representation.BARS
    if resolution is None:
        resolution = STEPS_PER_QUARTER if bars else STEPS_PER_SECOND
    if resolution < 1:
        raise InputError("resolution", "must be at least 1 step", resolution)
    lasting: dict[TokenKind, set[Token]] = {kind: set() for kind in LASTING}
    pitches: set[int] = set()
    drums: set[int] = set()
    velocities: set[int] = set()
    for score in scores:
        pitches.update(note.pitch for note in score.notes if not note.drum)
        drums.update(note.pitch for note in score.notes if note.drum)
        lasting[TokenKind.PART].update(parts_of(score.notes).values())
        velocities.update(note.velocity for note in score.notes)
        if bars:
            lasting[TokenKind.TEMPO].update(map(tempo_token, tempos_of(score)))
            lasting[TokenKind.METRE].update(
                Token(TokenKind.METRE, *bar.metre) for bar in bars_of(score, resolution)
            )
    # A velocity that is the only one need not be rounded.
    single = [Token(TokenKind.VELOCITY, value) for value in velocities] if len(velocities) == 1 else []
    lasting[TokenKind.VELOCITY].update(single or map(velocity_token, velocities))
    metres = [token[1:] for token in lasting[TokenKind.METRE]]
    fixed = tuple(next(iter(found)) for found in lasting.values() if len(found) == 1)
    tokens = [Token(TokenKind.END), *_time_tokens(bars, resolution, metres)]
    for found in lasting.values():
        tokens += sorted(found, key=lambda token: token[1:]) if len(found) > 1 else []
    if pitches:
        low, high = max(0, min(pitches) + transposed[0]), min(127, max(pitches) + transposed[1])
        tokens += [Token(TokenKind.PITCH, pitch) for pitch in range(low, high + 1)]
        tokens += [Token(TokenKind.DURATION, steps) for steps in _durations(bars, resolution)]
    tokens += [Token(TokenKind.DRUM, pitch) for pitch in sorted(drums)]
    return MusicVocabulary(representation, resolution, tuple(tokens), fixed)


def velocity_token(velocity: int) -> Token:
    """Return the token nearest to a velocity."""
    steps = max(1, (velocity + _VELOCITY_STEP // 2) // _VELOCITY_STEP)
    return Token(TokenKind.VELOCITY, min(127, steps * _VELOCITY_STEP))


def tempo_token(tempo: Tempo) -> Token:
    """Return the token nearest to a tempo."""
    return Token(TokenKind.TEMPO, min(max(round(tempo.per_minute), _SLOWEST), _FASTEST))


def tempos_of(score: Score) -> list[Tempo]:
    """Return the tempos of a score, the first at its beginning."""
    first = Tempo(0, score.tempo_at(0))
    return [first, *(tempo for tempo in score.tempos if tempo.tick > 0)]


def parts_of(notes: Iterable[Note]) -> dict[tuple[int, int], Token]:
    """Return the part of each track and program that has notes, percussion left out: the first track of a
    program is 0, the next 1, and so on.
    """
    count: Counter[int] = Counter()
    parts = {}
    for track, program in sorted({(note.track, note.program) for note in notes if not note.drum}):
        parts[track, program] = Token(TokenKind.PART, program, min(count[program], _MOST_TRACKS - 1))
        count[program] += 1
    return parts


def _time_tokens(bars: bool, resolution: int, metres: Sequence[Metre]) -> list[Token]:
    if not bars:
        return [Token(TokenKind.SHIFT, steps) for steps in range(1, resolution + 1)]
    longest = max((bar_steps(metre, resolution) for metre in metres), default=0)
    return [Token(TokenKind.BAR), *(Token(TokenKind.POSITION, step) for step in range(longest))]


def _durations(bars: bool, resolution: int) -> list[int]:
    if bars:
        exact = _EXACT_QUARTERS * resolution
        coarse = range(exact, _LONGEST_QUARTERS * resolution + 1, max(1, resolution // 2))
        return sorted({*range(1, exact + 1), *coarse})
    exact, longest = max(1, round(_EXACT_TIME * resolution)), _LONGEST_TIME * resolution
    found = list(range(1, exact + 1))
    while found[-1] < longest:
        found.append(max(found[-1] + 1, round(found[-1] * _RATIO)))
    return found


def _parse(name: str) -> Token:
    kind, _, rest = name.partition("_")
    separator = "." if kind == TokenKind.PART.value else "/"
    value, _, second = rest.partition(separator)
    return Token(TokenKind(kind), int(value or 0), int(second or 0))
