"""A score as a MIDI file of type 1: a track of tempo, time and key, then the tracks of the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bptt.data.midi.midi_events import END_OF_TRACK, KEY_SIGNATURE, TEMPO, TIME_SIGNATURE, TRACK_NAME
from bptt.data.midi.read_midi import DRUM_CHANNEL
from bptt.data.midi.score import DEFAULT_TEMPO, Note, Score, Tempo
from bptt.errors import InputError
from bptt.files import write_new

_MELODIC = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
# The greatest numbers that the header and a tempo hold.
_MOST_TICKS, _SLOWEST = 0x7FFF, 0xFFFFFF
# At one tick, what ends comes before what begins, so that a repeated note does not end itself.
_OFF, _ON, _OFF_AT_ONCE = range(3)

# Tick, turn among those of the tick, bytes.
_Event = tuple[int, int, bytes]


def write_midi(score: Score, path: Path) -> None:
    """Write a score as a MIDI file. Raises InputError if there is a file of that name already, MachineError
    if it cannot be written.
    """
    write_new(path, midi_bytes(score))


def midi_bytes(score: Score) -> bytes:
    """Return a score as the bytes of a MIDI file, which reads as an equal score.

    Each program of each track has a channel of its own, as far as there are channels. Of two notes of one
    pitch and channel that lie within each other the ends come back exchanged: MIDI ends the first one first.
    Raises InputError if a number is outside of what the format holds.
    """
    _check(score)
    channels = _channels(score.notes)
    tracks = [_conductor(score)]
    for number in range(score.tracks):
        name = score.track_names[number] if number < len(score.track_names) else ""
        notes = [note for note in score.notes if note.track == number]
        tracks.append(_chunk([*_named(name), *_played(notes, channels)]))
    header = b"".join(number.to_bytes(2, "big") for number in (1, len(tracks), score.ticks_per_quarter))
    return b"MThd" + len(header).to_bytes(4, "big") + header + b"".join(tracks)


def _check(score: Score) -> None:
    for note in score.notes:
        inside = 0 <= note.pitch < 128 and 0 < note.velocity < 128 and 0 <= note.program < 128
        if not inside or note.onset < 0 or note.duration < 0:
            rule = "a note has pitch and program from 0 to 127, velocity from 1 to 127, and no time below 0"
            raise InputError("notes", rule, note)
    if not 0 < score.ticks_per_quarter <= _MOST_TICKS:
        raise InputError("ticks_per_quarter", f"must be from 1 to {_MOST_TICKS:,}", score.ticks_per_quarter)


def _channels(notes: Iterable[Note]) -> dict[tuple[int, int, bool], int]:
    """Return a channel for each track, program and whether it is percussion.

    Beyond 15 melodic ones, those of one program share a channel; beyond 15 programs, several share it.
    """
    parts = sorted({(note.track, note.program, note.drum) for note in notes})
    melodic = [part for part in parts if not part[2]]
    keys: Sequence[object] = melodic
    if len(melodic) > len(_MELODIC):
        keys = sorted({program for _, program, _ in melodic})
    place = {key: _MELODIC[number % len(_MELODIC)] for number, key in enumerate(keys)}
    return {part: DRUM_CHANNEL if part[2] else place[part if part in place else part[1]] for part in parts}


def _conductor(score: Score) -> bytes:
    events = _named(score.title)
    tempos = score.tempos
    # Said even if it is what a file without a tempo means: some programs start at another one.
    if not tempos or tempos[0].tick > 0:
        tempos = (Tempo(0, DEFAULT_TEMPO), *tempos)
    events += [(tick, 0, _meta(TEMPO, min(quarter, _SLOWEST).to_bytes(3, "big"))) for tick, quarter in tempos]
    # The two last bytes are the usual ones: a click every 24 MIDI clocks, 8 notated 32nds a quarter.
    events += [
        (tick, 0, _meta(TIME_SIGNATURE, bytes([beats, unit.bit_length() - 1, 24, 8])))
        for tick, beats, unit in score.time_signatures
    ]
    events += [
        (tick, 0, _meta(KEY_SIGNATURE, bytes([sharps & 0xFF, minor])))
        for tick, sharps, minor in score.key_signatures
    ]
    return _chunk(events)


def _named(name: str) -> list[_Event]:
    return [(0, 0, _meta(TRACK_NAME, name.encode()))] if name else []


def _played(notes: Sequence[Note], channels: dict[tuple[int, int, bool], int]) -> list[_Event]:
    """Return the programs, ons and offs of the notes of one track."""
    events: list[_Event] = []
    programs: dict[int, int] = {}
    for note in notes:
        channel = channels[note.track, note.program, note.drum]
        if programs.get(channel) != note.program:
            programs[channel] = note.program
            events.append((note.onset, _ON, bytes([0xC0 | channel, note.program])))
        on, off = bytes([0x90 | channel, note.pitch, note.velocity]), bytes([0x80 | channel, note.pitch, 64])
        events.append((note.onset, _ON, on))
        events.append((note.end, _OFF if note.duration else _OFF_AT_ONCE, off))
    return events


def _chunk(events: Iterable[_Event]) -> bytes:
    parts = []
    now = 0
    for tick, _, data in sorted(events, key=lambda event: event[:2]):
        parts.append(_quantity(tick - now) + data)
        now = tick
    parts.append(b"\0" + _meta(END_OF_TRACK, b""))
    body = b"".join(parts)
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _quantity(len(data)) + data


def _quantity(value: int) -> bytes:
    """Write a number with 7 bits a byte, the highest first; all bytes but the last have the eighth bit."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))
