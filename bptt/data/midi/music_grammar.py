"""The tokens that may follow: those of a score that can be written, within the limits that a user sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bptt.data.midi.bars import Metre, bar_steps
from bptt.data.midi.music_vocabulary import MusicVocabulary, Representation, Token, TokenKind

Mask = npt.NDArray[np.bool_]

# A note, or a change before it, that is not complete.
_UNFINISHED = (TokenKind.PART, TokenKind.VELOCITY)
_END = Token(TokenKind.END)
# Above every pitch of percussion.
_NO_MORE = 128


@dataclass(frozen=True)
class MusicLimits:
    """Limits of what is sampled; None: no limit.

    `pitches` and `programs` are those allowed, `drums` whether percussion is; at most `polyphony` notes sound
    at once, percussion not counted. A piece ends after `length` bars or steps of time, not before.
    """

    pitches: frozenset[int] | None = None
    programs: frozenset[int] | None = None
    drums: bool = True
    polyphony: int | None = None
    length: int | None = None


@dataclass
class GrammarState:
    """The place in a piece, after some tokens. `begun` counts bars; `step` is the present time."""

    previous: Token = _END
    begun: int = 0
    step: int = 0
    bar_start: int = 0
    bar_end: int = 0
    # The present value of each kind that lasts, where it was said or is fixed.
    lasting: dict[TokenKind, Token] = field(default_factory=dict)
    # The last part with a note at this step, its last pitch, and that of percussion; -1: none yet.
    last_part: tuple[int, int] = (-1, -1)
    last_pitch: int = -1
    last_drum: int = -1
    # The steps at which notes end that may still sound.
    ends: tuple[int, ...] = ()
    # Where the length is counted from.
    origin: int = 0

    def at(self, step: int) -> GrammarState:
        """Return the state at another step, where no note has begun."""
        return replace(self, step=step, last_part=(-1, -1), last_pitch=-1, last_drum=-1)


class MusicGrammar:
    """Finds the tokens that may follow, for a vocabulary and limits. `step` makes another state.

    The order is that of `bar_tokens` and `time_tokens`. A sequence that keeps to it is a score whose tokens
    are that sequence, up to silence that is too long.
    """

    def __init__(self, vocabulary: MusicVocabulary, limits: MusicLimits | None = None) -> None:
        self.vocabulary = vocabulary
        self.limits = limits or MusicLimits()
        self._ids = vocabulary.of_kind
        self._values = {
            kind: np.array([vocabulary.tokens[number].value for number in ids], np.int64)
            for kind, ids in self._ids.items()
        }
        self._bars = vocabulary.representation is Representation.BARS
        values, pitches, programs = self._values[TokenKind.PITCH], self.limits.pitches, self.limits.programs
        self._pitches = np.full(len(values), True) if pitches is None else np.isin(values, list(pitches))
        self._parts = [
            token
            for token in vocabulary.values[TokenKind.PART]
            if (programs is None or token.value in programs) and self._pitches.any()
        ]

    def start(self) -> GrammarState:
        """Return the state before a piece."""
        return GrammarState(lasting={token.kind: token for token in self.vocabulary.fixed})

    def after(self, ids: Iterable[int], state: GrammarState | None = None) -> GrammarState:
        """Return the state after tokens, such as those of a primer; the length is counted from there."""
        state = state or self.start()
        for number in ids:
            state = self.step(state, number)
        return replace(state, origin=state.begun if self._bars else state.step)

    def step(self, state: GrammarState, number: int) -> GrammarState:
        """Return the state after one more token, whether it was allowed or not."""
        token, resolution = self.vocabulary.tokens[number], self.vocabulary.resolution
        new = replace(state, previous=token)
        match token.kind:
            case TokenKind.BAR:
                new = new.at(state.bar_end)
                new.begun, new.bar_start = state.begun + 1, state.bar_end
                new.bar_end = new.bar_start + bar_steps(_metre(state), resolution)
            case TokenKind.POSITION:
                return new.at(new.bar_start + token.value)
            case TokenKind.SHIFT:
                return new.at(new.step + token.value)
            case TokenKind.METRE | TokenKind.TEMPO | TokenKind.PART | TokenKind.VELOCITY:
                new.lasting = {**state.lasting, token.kind: token}
                if token.kind is TokenKind.METRE:
                    new.bar_end = new.bar_start + bar_steps(token[1:], resolution)
                elif token.kind is TokenKind.PART:
                    new.last_drum = _NO_MORE
            case TokenKind.DRUM:
                new.last_drum = token.value
            case TokenKind.PITCH:
                new.last_part, new.last_pitch, new.last_drum = _part(state)[1:], token.value, _NO_MORE
            case TokenKind.DURATION:
                new.ends = (*(end for end in state.ends if end > new.step), new.step + token.value)
        return new

    def allowed(self, state: GrammarState) -> Mask:
        """Return which tokens may follow (V,): at least one. Of a piece that has ended, End alone."""
        mask = np.zeros(len(self.vocabulary), bool)
        previous = state.previous.kind
        if previous is TokenKind.PITCH:
            mask[self._ids[TokenKind.DURATION]] = True
        elif previous is TokenKind.BAR and self._is_due(state, TokenKind.METRE):
            mask[self._ids[TokenKind.METRE]] = True
        elif previous is TokenKind.POSITION and self._is_due(state, TokenKind.TEMPO):
            mask[self._ids[TokenKind.TEMPO]] = True
        elif self._bars:
            self._allow_in_bars(mask, state)
        else:
            self._allow_in_times(mask, state)
        # Limits may leave nothing to say.
        mask[self.vocabulary.end] |= not mask.any()
        return mask

    def _allow_in_bars(self, mask: Mask, state: GrammarState) -> None:
        previous = state.previous.kind
        if previous is TokenKind.BAR:
            mask[self._changes(state, TokenKind.METRE)] = True
        if previous is TokenKind.POSITION:
            mask[self._changes(state, TokenKind.TEMPO)] = True
        if previous not in (TokenKind.END, TokenKind.BAR, TokenKind.METRE):
            self._allow_notes(mask, state)
        if previous in (TokenKind.POSITION, *_UNFINISHED):
            return
        left = self._left(state, state.begun)
        at_start = self._is_due(state, TokenKind.TEMPO) and state.begun > 0
        steps = self._values[TokenKind.POSITION] + state.bar_start
        later = steps >= state.step if previous in (TokenKind.BAR, TokenKind.METRE) else steps > state.step
        fitting = later & (steps < state.bar_end) & self._playable(state, steps)
        # The tempo of a piece is said at its very beginning.
        mask[self._ids[TokenKind.POSITION][fitting | (at_start & (steps == state.bar_start))]] = True
        if at_start:
            mask[self._ids[TokenKind.POSITION][1:]] = False
            return
        mask[self._ids[TokenKind.BAR]] = left is None or left > 0
        mask[self.vocabulary.end] = state.begun > 0 and (left is None or left <= 0)

    def _allow_in_times(self, mask: Mask, state: GrammarState) -> None:
        previous = state.previous.kind
        self._allow_notes(mask, state)
        if previous in (TokenKind.END, *_UNFINISHED):
            return
        left = self._left(state, state.step)
        shifts = self._values[TokenKind.SHIFT]
        longest = int(shifts[-1])
        if previous is not TokenKind.SHIFT or state.previous.value == longest:
            fitting = self._playable(state, state.step + shifts) | (shifts == longest)
            mask[self._ids[TokenKind.SHIFT][fitting & (True if left is None else shifts <= left)]] = True
        mask[self.vocabulary.end] = previous is not TokenKind.SHIFT and (left is None or left < longest)

    def _allow_notes(self, mask: Mask, state: GrammarState) -> None:
        """Let notes follow at the present step, in the order [Part] [Velocity] Pitch or Drum."""
        previous = state.previous.kind
        pitches, drums = self._next_pitches(state), self._next_drums(state)
        if not self._is_due(state, TokenKind.VELOCITY):
            mask[[*pitches, *drums]] = True
        if previous is TokenKind.VELOCITY:
            return
        if len(pitches) or len(drums):
            mask[self._changes(state, TokenKind.VELOCITY)] = True
        if previous is not TokenKind.PART and self._is_free(state, state.step):
            later = {self.vocabulary.number.get(part) for part in self._parts if part[1:] > state.last_part}
            mask[[number for number in self._changes(state, TokenKind.PART) if number in later]] = True

    def _next_pitches(self, state: GrammarState) -> npt.NDArray[np.int64]:
        """Return the pitches that may follow in the present part: from low to high, behind earlier parts."""
        part = _part(state)
        due = self._is_due(state, TokenKind.PART)
        if (
            due
            or part not in self._parts
            or part[1:] < state.last_part
            or not self._is_free(state, state.step)
        ):
            return self._ids[TokenKind.PITCH][:0]
        lowest = state.last_pitch if part[1:] == state.last_part else -1
        return self._ids[TokenKind.PITCH][self._pitches & (self._values[TokenKind.PITCH] > lowest)]

    def _next_drums(self, state: GrammarState) -> npt.NDArray[np.int64]:
        """Return the percussion that may follow: before the parts, from low to high."""
        ids = self._ids[TokenKind.DRUM]
        return ids[(self._values[TokenKind.DRUM] > state.last_drum) & self.limits.drums]

    def _is_due(self, state: GrammarState, kind: TokenKind) -> bool:
        """Return whether a value that lasts has not been said yet, and must be."""
        return kind not in state.lasting and len(self._ids[kind]) > 0

    def _changes(self, state: GrammarState, kind: TokenKind) -> npt.NDArray[np.int64]:
        """Return the tokens of a kind that lasts, without the present one."""
        ids, now = self._ids[kind], state.lasting.get(kind)
        return ids if now is None else ids[ids != self.vocabulary.number.get(now, -1)]

    def _is_free(self, state: GrammarState, step: int) -> bool:
        """Return whether one more note may sound at a step."""
        most = self.limits.polyphony
        return most is None or sum(end > step for end in state.ends) < most

    def _playable(self, state: GrammarState, steps: npt.NDArray[np.int64]) -> Mask:
        """Return at which steps a note may begin."""
        if (self.limits.drums and len(self._ids[TokenKind.DRUM])) or not self._parts:
            return np.full(len(steps), bool(self._parts) or self.limits.drums)
        return np.array([self._is_free(state, step) for step in steps.tolist()], bool)

    def _left(self, state: GrammarState, now: int) -> int | None:
        """Return how many bars or steps are left of the length; None if it is not limited."""
        return None if self.limits.length is None else self.limits.length - (now - state.origin)


def _metre(state: GrammarState) -> Metre:
    token = state.lasting.get(TokenKind.METRE)
    return (4, 4) if token is None else token[1:]


def _part(state: GrammarState) -> Token:
    return state.lasting.get(TokenKind.PART, Token(TokenKind.PART))
