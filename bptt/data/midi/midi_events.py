"""The bytes of a standard MIDI file as events, track by track; what is broken is passed over and counted.

Not mido: it refuses a whole file for one bad byte, a cut end or a RIFF wrapper (see docs/decisions.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bptt.errors import InputError

# Kinds of meta events that are kept.
TRACK_NAME, END_OF_TRACK, TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x03, 0x2F, 0x51, 0x58, 0x59
# High halves of the status bytes of channel messages.
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
# Data bytes of each channel message by the high half of its status, and of F0 to FF.
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
# A wrapper before the first chunk has at most this size: that of RIFF has 20 bytes, of MacBinary 128.
_WRAPPER = 256
# By the standard; a longer one is no time but other bytes.
_LONGEST_QUANTITY = 4
_CURE = "Fetch it again, or leave it out"


class ChannelEvent(NamedTuple):
    """A message of one channel; a message with one data byte has 0 as `second`."""

    tick: int
    status: int
    first: int
    second: int


class MetaEvent(NamedTuple):
    """A meta event of a `kind` and its bytes."""

    tick: int
    kind: int
    data: bytes


@dataclass
class EventTrack:
    """The events of a track in their order, and the tick at which it ends."""

    channel: list[ChannelEvent] = field(default_factory=list)
    meta: list[MetaEvent] = field(default_factory=list)
    end: int = 0


@dataclass
class EventFile:
    """A file as it is written: `type` 0, 1 or 2, `division` as in its header, and what was passed over."""

    type: int
    division: int
    tracks: list[EventTrack]
    faults: Counter[str]


def read_events(data: bytes, where: str) -> EventFile:
    """Read the chunks of a MIDI file. Raises InputError if it has no header, no track, or an unknown type."""
    begin = data.find(b"MThd", 0, _WRAPPER)
    if begin < 0 or len(data) < begin + 14:
        got = f"bytes {data[:4]!r}" if begin < 0 else f"a header of {len(data) - begin} bytes"
        raise InputError(where, "must begin with the header of a MIDI file, MThd and 10 bytes", got, _CURE)
    type_, announced, division = (int.from_bytes(data[begin + i : begin + i + 2], "big") for i in (8, 10, 12))
    if type_ > 2:
        raise InputError(where, "must be a MIDI file of type 0, 1 or 2", type_, _CURE)
    faults: Counter[str] = Counter()
    tracks = [_read_track(chunk, faults) for chunk in _track_chunks(data, begin, faults)]
    if not tracks:
        raise InputError(where, "must hold a track (a chunk MTrk)", "none", _CURE)
    faults["tracks that the header counts and that are missing"] += max(0, announced - len(tracks))
    return EventFile(type_, division, tracks, +faults)


def _track_chunks(data: bytes, place: int, faults: Counter[str]) -> Iterator[bytes]:
    """Yield the bytes of the track chunks; chunks of other names are passed over."""
    while place + 8 <= len(data):
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "big")
        chunk = data[place + 8 : place + 8 + size]
        if name == b"MTrk":
            if len(chunk) < size:
                faults["tracks whose end is cut off"] += 1
            yield chunk
        place += 8 + size


def _read_track(data: bytes, faults: Counter[str]) -> EventTrack:
    track = EventTrack()
    place = tick = status = 0
    try:
        while place < len(data):
            delta, place = _quantity(data, place)
            tick += delta
            byte = data[place]
            while byte < 0x80 and not status:
                faults["data bytes before the first status"] += 1
                place += 1
                byte = data[place]
            if byte >= 0x80:
                place += 1
            # The standard lets meta events and system messages end a running status; many writers do not.
            if byte >= 0xF0:
                place, ended = _read_system(data, place, byte, tick, track)
                if ended:
                    break
                continue
            status = byte if byte >= 0x80 else status
            size = _DATA_BYTES[status & 0xF0]
            first, second = data[place], data[place + 1] if size == 2 else 0
            place += size
            if first > 127 or second > 127:
                faults["data bytes above 127"] += 1
                # A velocity is taken as the loudest; any other message is meaningless.
                if first > 127 or status & 0xF0 not in (NOTE_ON, NOTE_OFF):
                    continue
                second = 127
            track.channel.append(ChannelEvent(tick, status, first, second))
    except IndexError:
        faults["tracks that end within an event"] += 1
    except OverflowError:
        faults["tracks left at a time of more than 4 bytes"] += 1
    track.end = tick
    return track


def _read_system(data: bytes, place: int, status: int, tick: int, track: EventTrack) -> tuple[int, bool]:
    """Read a meta event or pass over a system message; return the place behind it, and whether the track
    ends. Raises IndexError if the data end within it.
    """
    if status == 0xFF:
        kind = data[place]
        size, place = _quantity(data, place + 1)
        if place + size > len(data):
            raise IndexError
        track.meta.append(MetaEvent(tick, kind, data[place : place + size]))
        return place + size, kind == END_OF_TRACK
    if status in (0xF0, 0xF7):
        size, place = _quantity(data, place)
        if place + size > len(data):
            raise IndexError
        return place + size, False
    return place + _SYSTEM_BYTES.get(status, 0), False


def _quantity(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, the highest first, and the place behind it. Raises OverflowError if
    it has more than 4 bytes.
    """
    byte = data[place]
    if byte < 0x80:
        return byte, place + 1
    value = 0
    for size in range(1, _LONGEST_QUANTITY + 1):
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + size
        byte = data[place + size]
    raise OverflowError
