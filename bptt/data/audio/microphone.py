"""The one door to sounddevice: the microphone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bptt.errors import InputError, MachineError

try:
    import sounddevice
except ImportError:
    sounddevice, _MISSING = None, "no such package"
except OSError:  # The package is there, its library is not.
    sounddevice, _MISSING = None, "no library PortAudio"


def record(rate: int, channels: int, block: int) -> Iterator[bytes]:
    """Yield 16-bit samples of the default microphone, `block` of each channel at a time, for ever.

    Raises InputError if sounddevice is not installed, MachineError if no microphone can be opened.
    """
    if sounddevice is None:
        cure = "Install it: pip install 'bptt[microphone]' (on Linux also: apt install libportaudio2)"
        raise InputError("microphone", "listening to it needs sounddevice", _MISSING, cure)
    try:
        stream = sounddevice.RawInputStream(
            samplerate=rate, channels=channels, dtype="int16", blocksize=block
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        cure = "Plug one in, or pipe sound in (`stream`)"
        raise MachineError("microphone", "must be one that can be opened", error, cure) from error
    return _blocks(stream, block)


def _blocks(stream: Any, block: int) -> Iterator[bytes]:
    with stream:
        while True:
            yield bytes(stream.read(block)[0])
