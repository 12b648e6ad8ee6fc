"""Sound as it arrives: bytes of a pipe, a file, or the microphone, as samples of one channel."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import RawFormat, SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.audio.sound_file import BARE
from bptt.data.audio.wav import PcmLayout, decode_pcm, find_pcm
from bptt.data.reading import open_file
from bptt.deferred import deferred
from bptt.errors import InputError, counted

_record: Callable[..., Iterator[bytes]] = deferred("bptt.data.audio.microphone", "record")

# Seconds of sound that are answered at once: nobody notices a delay as short as this.
PIECE = 0.1
# Bytes that are read at once at most, and those in which the samples of a WAV file begin.
_PART, _HEAD = 2**16, 2**16
# More samples than a stream ever has: the end of one is not known.
_ENDLESS = 2**62
# First bytes of files of sound that are neither bare samples nor WAV.
_OTHERS = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"FORM": "AIFF",
    b"NIST_1A": "SPHERE",
    b".snd": "AU",
    b"caff": "CAF",
    b"\x1a\x45\xdf\xa3": "WebM",
}


@dataclass(frozen=True)
class ArrivingSound:
    """Sound called `name` that arrives in `pieces` of 0.1 s or less, (N,) in ±1 each, at `rate` a second.

    `about` says how it is read. `notes` are lines for the user about its end, known when all pieces are read.
    """

    name: str
    rate: int
    pieces: Iterator[Tensor]
    about: str
    notes: list[str] = field(default_factory=list)


def sound_of_bytes(parts: Iterator[bytes], name: str, raw: RawFormat) -> ArrivingSound:
    """Return the sound of bytes as they arrive: `raw` samples, or a WAV file, whose header says what follows.

    Raises InputError if there are no bytes, or if they are a file in another format.
    """
    start = _beginning(parts, 12)
    if not start:
        cure = "Pipe sound in: arecord -f S16_LE -r 16000 | ..."
        raise InputError(name, "must hold sound", "no bytes", cure)
    other = next((kind for magic, kind in _OTHERS.items() if start.startswith(magic)), "")
    if other:
        cure = "Name the file, or convert it: ffmpeg -i FILE -f s16le -ac 1 -"
        raise InputError(name, "must be bare samples of 16 bits, or WAV", other, cure)
    if start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE":
        start, layout = _wav(parts, start, name)
        kind = f"WAV, {layout.coding}"
    else:
        layout = PcmLayout(raw.rate, raw.channels, "i16", 0, _ENDLESS)
        kind = "bare samples of 16 bits"
    about = f"{kind}, {layout.rate:,} a second, channels: {layout.channels}"
    notes: list[str] = []
    pieces = _decoded(parts, start, layout, name, raw.channel, notes)
    return ArrivingSound(name, layout.rate, pieces, about, notes)


def sound_of_file(path: Path, raw: RawFormat) -> ArrivingSound:
    """Return the sound of a file in any format; one without a header holds `raw` samples.

    Raises InputError if there is no such file, or if it is no sound.
    """
    if path.suffix.lower() in BARE:
        return sound_of_bytes(_parts(path), str(path), raw)
    options = SoundOptions(channel=raw.channel)
    with open_mono(Sound(path), options) as file:
        rate, about = file.rate, f"{file.rate:,} samples a second, channels: {file.channels}"

    def pieces() -> Iterator[Tensor]:
        with open_mono(Sound(path), options) as file:
            for piece in file.pieces():
                yield from torch.split(piece, _samples(file.rate))

    return ArrivingSound(str(path), rate, pieces(), about)


def sound_of_microphone(raw: RawFormat) -> ArrivingSound:
    """Return the sound of the microphone, for ever.

    Raises InputError without sounddevice, MachineError if there is no microphone that can be opened.
    """
    parts = _record(raw.rate, raw.channels, _samples(raw.rate))
    layout = PcmLayout(raw.rate, raw.channels, "i16", 0, _ENDLESS)
    pieces = _decoded(parts, b"", layout, "microphone", raw.channel, [])
    return ArrivingSound("microphone", raw.rate, pieces, f"{raw.rate:,} samples a second (Ctrl-C ends)")


def _parts(path: Path) -> Iterator[bytes]:
    with open_file(path) as file:
        while part := file.read(_PART):
            yield part


def _samples(rate: int) -> int:
    return max(1, round(PIECE * rate))


def _beginning(parts: Iterator[bytes], count: int) -> bytes:
    """Return the first bytes, `count` or more, fewer if there are no more."""
    start = b""
    while len(start) < count and (part := next(parts, b"")):
        start += part
    return start


def _wav(parts: Iterator[bytes], start: bytes, name: str) -> tuple[bytes, PcmLayout]:
    """Return the bytes behind the header of a WAV file that have arrived, and what they hold."""
    while True:
        place = start.find(b"data", 12)
        if 0 <= place <= len(start) - 8:
            try:
                layout = find_pcm(io.BytesIO(start), _ENDLESS, name)
            except InputError:
                # These letters were in a chunk before the samples.
                if len(start) > _HEAD:
                    raise
            else:
                if layout is None:
                    cure = "Name the file, or convert it: ffmpeg -i FILE -f s16le -ac 1 -"
                    raise InputError(name, "must be WAV of plain numbers", "another coding", cure)
                return start[layout.start :], layout
        more = next(parts, b"")
        if not more or len(start) > _HEAD:
            rule = "must be a WAV file with a chunk of samples"
            raise InputError(name, rule, f"{len(start):,} bytes without one", "Is it cut? Send it again")
        start += more


def _decoded(
    parts: Iterator[bytes], held: bytes, layout: PcmLayout, name: str, channel: int, notes: list[str]
) -> Iterator[Tensor]:
    """Yield samples of one channel. Part of one waits for the rest; at the end it is noted, and left out."""
    if channel > layout.channels:
        raise InputError(
            name, f"must have a channel {channel} (`channel`)", counted(layout.channels, "channels")
        )
    width, most, left = layout.frame_bytes, _samples(layout.rate), layout.frames
    while left:
        whole = min(len(held) // width, most, left)
        if whole:
            numbers = decode_pcm(held[: whole * width], layout)
            held, left = held[whole * width :], left - whole
            if not np.isfinite(numbers).all():
                raise InputError(name, "must be finite numbers", "NaN or infinity", "Repair the sound")
            mono = numbers[:, channel - 1] if channel else numbers.mean(1, dtype=np.float32)
            yield torch.from_numpy(np.ascontiguousarray(mono))
        if len(held) < width:
            more: Any = next(parts, b"")
            if not more:
                if held:
                    notes.append(f"left out at the end: {counted(len(held), 'bytes')}, part of a sample")
                return
            held += more
