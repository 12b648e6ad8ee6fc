"""A MIDI file as scores: ons and offs become notes, meta events the maps of tempo, time and key."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

from bptt.data.midi.midi_events import (
    CONTROL,
    KEY_SIGNATURE,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    TEMPO,
    TIME_SIGNATURE,
    TRACK_NAME,
    EventFile,
    EventTrack,
    MetaEvent,
    read_events,
)
from bptt.data.midi.score import DEFAULT_TEMPO, KeySignature, Note, Score, Tempo, TimeSignature
from bptt.data.reading import read_bytes
from bptt.errors import InputError

DRUM_CHANNEL = 9  # counted from 0
# Controllers: the right pedal, and what ends every note of a channel.
_PEDAL, _ALL_OFF = 64, (120, 123)
_Change = TypeVar("_Change", Tempo, TimeSignature, KeySignature)
_PEDAL_DOWN = 64  # the least value of a pedal that is held
# SMPTE frames a second as written in the header, and the microseconds that this number of frames lasts: 29
# means 30 frames in 1.001 s.
_SMPTE = {24: (24, 1_000_000), 25: (25, 1_000_000), 29: (30, 1_001_000), 30: (30, 1_000_000)}


def read_midi(path: Path) -> tuple[Score, ...]:
    """Read a MIDI file: one score; of a file of type 2, one of each track.

    Raises InputError if it is none, as `midi_scores` says.
    """
    return midi_scores(read_bytes(path), str(path))


def midi_scores(data: bytes, where: str) -> tuple[Score, ...]:
    """Make scores of the bytes of a MIDI file.

    Broken events are repaired or left out, and counted in the remarks of the scores. A note ends at the next
    off of its pitch in its track and channel, the first one first; while the pedal is down, when it rises.
    A division in SMPTE frames becomes one second a quarter. Raises InputError if `data` have no header, no
    track, an unknown type, or a division that is none.
    """
    file = read_events(data, where)
    ticks_per_quarter, smpte = _division(file.division, where)
    groups = [[track] for track in file.tracks] if file.type == 2 else [file.tracks]
    return tuple(_score(file, tracks, ticks_per_quarter, smpte) for tracks in groups)


def _division(division: int, where: str) -> tuple[int, int | None]:
    """Return the ticks a quarter, and how long that lasts if the file counts in SMPTE frames."""
    if division & 0x8000 == 0:
        if division == 0:
            raise InputError(where, "must have at least one tick a quarter (header)", 0)
        return division, None
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in _SMPTE or ticks == 0:
        rule = "must count 24, 25, 29 or 30 frames a second, and a tick or more a frame (header)"
        raise InputError(where, rule, f"{frames} and {ticks}")
    whole, lasting = _SMPTE[frames]
    return whole * ticks, lasting


def _score(file: EventFile, tracks: Sequence[EventTrack], ticks_per_quarter: int, smpte: int | None) -> Score:
    counts = Counter(file.faults)
    metas = sorted(chain.from_iterable(track.meta for track in tracks), key=lambda meta: meta.tick)
    programs = _Programs(tracks)
    notes: list[Note] = []
    names: list[str] = []
    for track in tracks:
        found = _Pairing(track, programs, len(names), counts).notes()
        if found:
            notes += found
            names.append(_name(track))
    counts["notes of length 0"] += sum(note.duration == 0 for note in notes)
    tempos = _tempos(metas, counts) if smpte is None else (Tempo(0, smpte),)
    title = _name(tracks[0]) if not tracks[0].channel else ""
    return Score(
        tuple(notes),
        ticks_per_quarter,
        tempos,
        _time_signatures(metas, counts),
        _key_signatures(metas, counts),
        tuple(names),
        title,
        tuple((+counts).items()),
    )


class _Programs:
    """The program that a channel has at a tick, set in any track."""

    def __init__(self, tracks: Iterable[EventTrack]) -> None:
        changes = sorted(
            (event.tick, event.status & 0xF, event.first)
            for track in tracks
            for event in track.channel
            if event.status & 0xF0 == PROGRAM
        )
        self._ticks: dict[int, list[int]] = defaultdict(list)
        self._values: dict[int, list[int]] = defaultdict(list)
        for tick, channel, value in changes:
            self._ticks[channel].append(tick)
            self._values[channel].append(value)

    def at(self, channel: int, tick: int) -> int:
        """Return the program of a channel at a tick, 0 if none was set."""
        place = bisect_right(self._ticks[channel], tick)
        return self._values[channel][place - 1] if place else 0


class _Pairing:
    """The notes of one track: each on with the first off of its channel and pitch that is left."""

    def __init__(self, track: EventTrack, programs: _Programs, number: int, counts: Counter[str]) -> None:
        self._track, self._programs, self._number, self._counts = track, programs, number, counts
        # By channel and pitch: the notes that sound, and, by channel, then pitch, those whose key is up while
        # the pedal holds them.
        self._sounding: defaultdict[tuple[int, int], deque[Note]] = defaultdict(deque)
        self._held: defaultdict[int, defaultdict[int, list[Note]]] = defaultdict(lambda: defaultdict(list))
        self._pedals: set[int] = set()
        # Several tracks may share a channel: a track that sets its own programs keeps them.
        self._own: dict[int, int] = {}
        self._notes: list[Note] = []

    def notes(self) -> list[Note]:
        """Go through the events, and return the notes."""
        for event in self._track.channel:
            tick, status, first, second = event
            kind, channel = status & 0xF0, status & 0xF
            if kind == NOTE_ON and second:
                self._begin(tick, channel, first, second)
            elif kind in (NOTE_ON, NOTE_OFF):
                self._finish(tick, channel, first)
            elif kind == CONTROL and first == _PEDAL:
                self._press(tick, channel, second >= _PEDAL_DOWN)
            elif kind == CONTROL and first in _ALL_OFF:
                self._silence(tick, channel)
            elif kind == PROGRAM:
                self._own[channel] = first
        for channel in list(self._held):
            self._press(self._track.end, channel, False)
        for waiting in self._sounding.values():
            self._counts["notes without an end, ended with their track"] += len(waiting)
            self._notes += [_until(note, self._track.end) for note in waiting]
        return self._notes

    def _begin(self, tick: int, channel: int, pitch: int, velocity: int) -> None:
        waiting = self._sounding[channel, pitch]
        if waiting:
            self._counts["notes struck while their pitch sounds"] += 1
        if channel in self._pedals:
            self._strike_held(tick, channel, pitch)
        program = self._own[channel] if channel in self._own else self._programs.at(channel, tick)
        waiting.append(Note(tick, pitch, 0, velocity, program, channel == DRUM_CHANNEL, self._number))

    def _finish(self, tick: int, channel: int, pitch: int) -> None:
        waiting = self._sounding.get((channel, pitch))
        if not waiting:
            self._counts["ends of notes that do not sound"] += 1
        elif channel in self._pedals:
            self._counts["notes lengthened by the pedal"] += 1
            self._held[channel][pitch].append(waiting.popleft())
        else:
            self._notes.append(_until(waiting.popleft(), tick))

    def _press(self, tick: int, channel: int, down: bool) -> None:
        if down and channel != DRUM_CHANNEL:
            self._pedals.add(channel)
            return
        self._pedals.discard(channel)
        for held in self._held.pop(channel, defaultdict(list)).values():
            self._notes += [_until(note, tick) for note in held]

    def _strike_held(self, tick: int, channel: int, pitch: int) -> None:
        """End the notes of a pitch that only the pedal holds: the string is struck again."""
        self._notes += [_until(note, tick) for note in self._held[channel].pop(pitch, ())]

    def _silence(self, tick: int, channel: int) -> None:
        self._press(tick, channel, False)
        for key in [key for key in self._sounding if key[0] == channel]:
            self._notes += [_until(note, tick) for note in self._sounding.pop(key)]


def _until(note: Note, tick: int) -> Note:
    return note._replace(duration=tick - note.onset)


def _put(found: list[_Change], change: _Change) -> None:
    """Add a change behind others in the order of time, in the place of one at the same tick."""
    while found and found[-1].tick >= change.tick:
        found.pop()
    found.append(change)


def _tempos(metas: Iterable[MetaEvent], counts: Counter[str]) -> tuple[Tempo, ...]:
    found: list[Tempo] = []
    for tick, kind, data in metas:
        if kind != TEMPO:
            continue
        quarter = int.from_bytes(data[:3], "big") if len(data) >= 3 else 0
        if quarter == 0:
            counts["tempos of no length"] += 1
        elif (found[-1].quarter if found else DEFAULT_TEMPO) != quarter:
            _put(found, Tempo(tick, quarter))
    return tuple(found)


def _time_signatures(metas: Iterable[MetaEvent], counts: Counter[str]) -> tuple[TimeSignature, ...]:
    found: list[TimeSignature] = []
    for tick, kind, data in metas:
        if kind != TIME_SIGNATURE:
            continue
        # The unit is written as a power of 2; a bar of units below a 64th is no bar.
        if len(data) < 2 or data[0] == 0 or data[1] > 6:
            counts["time signatures that are none"] += 1
        elif not found or found[-1][1:] != (data[0], 1 << data[1]):
            _put(found, TimeSignature(tick, data[0], 1 << data[1]))
    return tuple(found)


def _key_signatures(metas: Iterable[MetaEvent], counts: Counter[str]) -> tuple[KeySignature, ...]:
    found: list[KeySignature] = []
    for tick, kind, data in metas:
        if kind != KEY_SIGNATURE:
            continue
        sharps = int.from_bytes(data[:1], "big", signed=True)
        if len(data) < 2 or abs(sharps) > 7 or data[1] > 1:
            counts["key signatures that are none"] += 1
        elif not found or found[-1][1:] != (sharps, bool(data[1])):
            _put(found, KeySignature(tick, sharps, bool(data[1])))
    return tuple(found)


def _name(track: EventTrack) -> str:
    """Return the name of a track, in whichever of the usual encodings it is written."""
    data = next((meta.data for meta in track.meta if meta.kind == TRACK_NAME), b"").strip(b"\0 ")
    # Of Japanese text most bytes are above 127; of a European name in Latin-1 a few.
    japanese = 2 * sum(byte > 127 for byte in data) >= len(data)
    for encoding in ("utf-8", *(["shift_jis"] if japanese else [])):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    return data.decode("latin-1")
