"""ABC files as scores: tunes, voices, the order of parts; repeats are played, ties joined."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, takewhile

from bptt.data.midi.abc_fields import parse_metre
from bptt.data.midi.abc_notation import (
    BarLine,
    Change,
    ChordName,
    Element,
    SoundedNotes,
    Voice,
    new_voice,
)
from bptt.data.midi.abc_repeats import order_of_parts, unfold
from bptt.data.midi.bars import Metre
from bptt.data.midi.score import KeySignature, Note, Score, Tempo, TimeSignature
from bptt.errors import InputError

# Divides into thirds, fifths and 128ths of a whole note.
_TICKS_PER_QUARTER = 480
_CHORD_VELOCITY = 64
_FIELD = re.compile(r"\s*([A-Za-z+]):(?![|:])(.*)")
_VOICE = re.compile(r"\[V:\s{0,9}([^\s\[\]]{1,80})(?:\s[^\[\]]{0,200})?\]")
# More than an orchestra has; each has the fields of all.
_MOST_VOICES = 200


def is_abc(data: bytes) -> bool:
    """Return whether bytes are a file of ABC tunes: it has lines X: and K:."""
    return bool(re.search(rb"(?m)^X:\s*\d", data) and re.search(rb"(?m)^K:", data))


def read_abc(text: str, where: str) -> Iterator[tuple[str, Score]]:
    """Yield the name (number and title) and score of each tune.

    Chord names in quotes become a part of their own, behind the voices; grace notes, decorations and lyrics
    are left out. Raises InputError if there is no tune.
    """
    lines = [
        re.sub(r"(?<!\\)%.*", "", line).rstrip()
        for line in text.splitlines()
        if not line.lstrip().startswith("%")
    ]
    starts = [number for number, line in enumerate(lines) if re.match(r"X:", line)]
    if not starts:
        raise InputError(where, "must hold tunes of ABC, each from a line X: on", "none")
    shared = dict(_fields(lines[: starts[0]]))
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield _tune(lines[start:end], shared, f"{where}:{start + 1}")


def _fields(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        found = _FIELD.match(line)
        if found:
            yield found[1], found[2].strip()


def _tune(lines: Sequence[str], shared: dict[str, str], place: str) -> tuple[str, Score]:
    counts: Counter[str] = Counter()
    end = next((number for number, line in enumerate(lines) if line.startswith("K:")), None)
    if end is None:
        raise InputError(place, "a tune has a line K:, which ends its head", "none")
    head = dict(shared)
    for name, value in _fields(lines[: end + 1]):
        # The first title is the name.
        head.setdefault(name, value) if name == "T" else head.update({name: value})
    voices: dict[str, Voice] = {}
    current = "1"
    # An empty line ends a tune; free text may follow.
    for line in takewhile(str.strip, lines[end + 1 :]):
        found = _FIELD.match(line)
        if found:
            if found[1] == "V":
                current = (found[2].split() or ["1"])[0]
            else:
                _set(voices, current, head, found[1], found[2], counts)
            continue
        for number, part in enumerate(_VOICE.split(line)):
            if number % 2:
                current = part
            elif part.strip():
                _voice(voices, current, head, counts).read(part, counts)
        if len(voices) > _MOST_VOICES:
            raise InputError(place, f"must have at most {_MOST_VOICES} voices", "more")
    order = order_of_parts(head.get("Y") or head.get("P") or "", place)
    played = [unfold(voice.elements, order, place) for voice in voices.values() if voice.sounds]
    score = _Playing(head, counts).score(played)
    return f"{head.get('X', '').split(' ')[0]} {head.get('T', '')}".strip(), score


def _voice(voices: dict[str, Voice], name: str, head: dict[str, str], counts: Counter[str]) -> Voice:
    if name not in voices:
        voices[name] = new_voice(head, counts)
    return voices[name]


def _set(
    voices: dict[str, Voice], current: str, head: dict[str, str], name: str, value: str, counts: Counter[str]
) -> None:
    """Take a field between the lines of music: for every voice, if it is not one of a voice."""
    _voice(voices, current, head, counts)
    for voice in voices.values():
        voice.set_field(name, value, counts)


class _Playing:
    """Voices put on the time axis."""

    def __init__(self, head: dict[str, str], counts: Counter[str]) -> None:
        self._counts = counts
        self._metre = parse_metre(head.get("M", "4/4"))
        self._title = head.get("T", "")
        self._notes: list[Note] = []
        self._tempos: dict[Fraction, int] = {}
        self._keys: dict[Fraction, tuple[int, bool]] = {}
        self._metres: dict[Fraction, Metre] = {}
        self._bars: list[Fraction] = []

    def score(self, voices: Sequence[Sequence[Element]]) -> Score:
        """Return the score of voices as they are played."""
        chords: list[tuple[Fraction, tuple[int, ...]]] = []
        end = Fraction(0)
        for track, elements in enumerate(voices):
            end = max(end, self._play(elements, track, chords))
        self._accompany(sorted(chords), end, len(voices))
        keys = sorted(self._keys.items())
        tempos = [Tempo(_tick(time), quarter) for time, quarter in sorted(self._tempos.items())]
        return Score(
            tuple(self._notes),
            _TICKS_PER_QUARTER,
            tuple(tempos),
            tuple(self._signatures()),
            tuple(
                KeySignature(_tick(time), *key)
                for number, (time, key) in enumerate(keys)
                if number == 0 or keys[number - 1][1] != key
            ),
            (),
            self._title,
            tuple((+self._counts).items()),
        )

    def _play(
        self, elements: Sequence[Element], track: int, chords: list[tuple[Fraction, tuple[int, ...]]]
    ) -> Fraction:
        """Place the notes of a voice; return its end in whole notes."""
        now = Fraction(0)
        # Notes that are tied on, by pitch: their onset.
        tied: dict[int, Fraction] = {}
        for element in elements:
            if isinstance(element, SoundedNotes):
                end = now + element.length
                for pitch in dict.fromkeys(element.pitches):
                    onset = tied.pop(pitch, now)
                    if pitch in element.tied:
                        tied[pitch] = onset
                    else:
                        self._note(track, pitch, onset, end)
                for pitch in [each for each in tied if each not in element.tied]:
                    self._note(track, pitch, tied.pop(pitch), now)
                now = end
            elif isinstance(element, BarLine) and track == 0:
                self._bars.append(now)
            elif isinstance(element, ChordName):
                chords.append((now, element.pitches))
            elif isinstance(element, Change):
                self._change(element, now)
        for pitch, onset in tied.items():
            self._note(track, pitch, onset, now)
        return now

    def _change(self, change: Change, now: Fraction) -> None:
        if change.metre is not None:
            self._metres[now] = change.metre
        if change.quarter is not None:
            self._tempos[now] = change.quarter
        if change.key is not None:
            self._keys[now] = change.key

    def _note(self, track: int, pitch: int, onset: Fraction, end: Fraction, velocity: int = 80) -> None:
        start = _tick(onset)
        self._notes.append(Note(start, pitch, _tick(end) - start, velocity, track=track))

    def _accompany(
        self, chords: Sequence[tuple[Fraction, tuple[int, ...]]], end: Fraction, track: int
    ) -> None:
        """Place each chord until the next one, struck anew in each bar."""
        stops = [*(time for time, _ in chords[1:]), end]
        bars = sorted(set(self._bars))
        for (time, pitches), stop in zip(chords, stops, strict=False):
            strikes = [time, *bars[bisect_right(bars, time) : bisect_left(bars, stop)], stop]
            for start, until in pairwise(strikes):
                for pitch in pitches if until > start else ():
                    self._note(track, pitch, start, until, _CHORD_VELOCITY)

    def _signatures(self) -> Iterator[TimeSignature]:
        """Yield the time signatures; a bar that is not full, such as an upbeat, has one of its own unless the
        following bars fill it up.
        """
        if self._metre is None and not self._metres:
            return
        lines, metre, now = sorted(set(self._bars) - {Fraction(0)}), self._metre or (4, 4), Fraction(0)
        ends = set(lines)
        shown: Metre | None = None
        while lines and now < lines[-1]:
            metre = self._metres.get(now, metre)
            end, wanted = now + Fraction(*metre), metre
            if end not in ends:
                # The last bar may lack what the upbeat has.
                if end > lines[-1]:
                    break
                end = lines[bisect_right(lines, now)]
                length = end - now
                wanted = next(
                    ((int(length * unit), unit) for unit in (4, 8, 16) if length * unit % 1 == 0), metre
                )
                self._counts["bars that are not full, or too long"] += now > 0
            if wanted != shown:
                yield TimeSignature(_tick(now), *wanted)
                shown = wanted
            now = end
        if shown is None:
            yield TimeSignature(0, *metre)


def _tick(time: Fraction) -> int:
    return round(time * 4 * _TICKS_PER_QUARTER)
