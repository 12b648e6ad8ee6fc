"""Sound as it arrives: bytes of a pipe, a file, or the microphone, as samples of one channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import RawFormat, SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.audio.sound_decoder import SoundDecoder, layout_of, samples_of_piece
from bptt.data.audio.sound_file import BARE
from bptt.data.reading import open_file
from bptt.deferred import deferred

_record: Callable[..., Iterator[bytes]] = deferred("bptt.data.audio.microphone", "record")

# Bytes that are read at once at most.
_PART = 2**16


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
    decoder = SoundDecoder(name, raw)
    while decoder.layout is None:
        decoder.feed(next(parts, b""))
    pieces = _pieces(decoder, parts)
    return ArrivingSound(name, decoder.layout.rate, pieces, decoder.about, decoder.notes)


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
                yield from torch.split(piece, samples_of_piece(file.rate))

    return ArrivingSound(str(path), rate, pieces(), about)


def sound_of_microphone(raw: RawFormat) -> ArrivingSound:
    """Return the sound of the microphone, for ever.

    Raises InputError without sounddevice, MachineError if there is no microphone that can be opened.
    """
    parts = _record(raw.rate, raw.channels, samples_of_piece(raw.rate))
    decoder = SoundDecoder("microphone", raw, layout_of(raw))
    about = f"{raw.rate:,} samples a second (Ctrl-C ends)"
    return ArrivingSound("microphone", raw.rate, _pieces(decoder, parts), about)


def _parts(path: Path) -> Iterator[bytes]:
    with open_file(path) as file:
        while part := file.read(_PART):
            yield part


def _pieces(decoder: SoundDecoder, parts: Iterator[bytes]) -> Iterator[Tensor]:
    """Yield the samples of bytes as they arrive."""
    while True:
        yield from decoder.take()
        if decoder.is_over:
            return
        decoder.feed(next(parts, b""))
