"""Sound: WAV of every coding, and the formats that libsndfile decodes; read from files, and as it arrives."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from random import Random

import numpy as np
import soundfile
from sounds import riff, tone

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import RawFormat, SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.audio.sound_decoder import SoundDecoder
from bptt.data.audio.survey import SoundFacts
from bptt.errors import InputError
from soak.damage import damage, damaged
from soak.target import Target

RATE = 8000
TONE = tone(0.02, RATE)
STEREO = np.stack([TONE, -TONE / 2], 1)


def wavs() -> Iterator[bytes]:
    """WAV files of every coding that is read without a library, one of a stream without a size, RF64."""
    bits16 = (TONE * 32767).astype("<i2").tobytes()
    yield riff(bits16, RATE, 1, 16)
    yield riff((STEREO * 32767).astype("<i2").tobytes(), RATE, 2, 16)
    yield riff((TONE * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes(), RATE, 1, 24)
    yield riff(TONE.astype("<f4").tobytes(), RATE, 1, 32, 3)
    yield riff(TONE.astype("<f8").tobytes(), RATE, 1, 64, 3)
    yield riff(bits16[::2], RATE, 1, 8, 6)
    yield riff(bits16, RATE, 1, 16, size=2**32 - 1)
    large = struct.pack("<4sIQQQI", b"ds64", 28, 0, len(bits16), 160, 0)
    plain = riff(bits16, RATE, 1, 16, size=2**32 - 1)
    yield b"RF64" + plain[4:12] + large + plain[12:]


def compressed(form: str, coding: str | None = None) -> bytes:
    """The tone in a format of libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, TONE, RATE, coding, format=form)
    return file.getvalue()


OTHERS = (
    *(
        compressed(form)
        for form in ("FLAC", "AU", "AIFF", "W64", "CAF", "NIST", "SVX", "VOC", "AVR", "MPC2K")
    ),
    *(compressed("WAV", coding) for coding in ("IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32")),
    *(compressed("OGG", coding) for coding in ("VORBIS", "OPUS")),
    *(compressed("NIST", "ULAW"), compressed("MP3", "MPEG_LAYER_III")),
)


def meet_file(data: bytes, folder: Path) -> None:
    """Read a file whole, and a stretch of it."""
    path = folder / "input.wav"
    path.write_bytes(data)
    for stretch in (Sound(path, 0.005, 0.01), Sound(path)):
        refused = nullcontext() if stretch.stop is None else suppress(InputError)
        with refused, open_mono(stretch, SoundOptions()) as file:
            for piece in file.pieces():
                assert piece.isfinite().all()
            assert math.isfinite(file.seconds) and file.heard.samples
            SoundFacts.of(file, SoundOptions(rate=RATE))


def meet_arriving(made: tuple[bytes, int], folder: Path) -> None:
    """Take the sound in pieces, as it arrives."""
    data, size = made
    decoder = SoundDecoder("input", RawFormat(RATE))
    for start in range(0, len(data) + size, size):
        decoder.feed(data[start : start + size])
        for piece in decoder.take():
            assert piece.isfinite().all() and len(piece)


def arriving(random: Random) -> tuple[bytes, int]:
    """A damaged WAV, or bare samples, and the size of the pieces in which it arrives."""
    data = damage(random.choice((*WAVS, TONE.astype("<i2").tobytes())), random)
    return data, random.choice((7, 50, 4096)) if len(data) < 10_000 else 4096


WAVS = tuple(wavs())
TARGETS = (
    Target("wav", damaged(WAVS), meet_file, cost=2),
    Target("sound", damaged(OTHERS), meet_file, cost=4),
    Target("arriving-sound", arriving, meet_arriving, cost=2),
)
