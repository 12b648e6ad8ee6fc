"""Samples of 16 bits as the bytes of a WAV file."""

from __future__ import annotations

import io
import wave

import numpy as np
import numpy.typing as npt

from bptt.data.audio.options import RawFormat


def pcm_wav(samples: npt.NDArray[np.float32], rate: int) -> bytes:
    """Return samples (N, channels) or (N,), cut off at ±1, as a WAV file."""
    numbers = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    return _written(numbers, rate, 1 if samples.ndim == 1 else samples.shape[1])


def wav_of_bytes(data: bytes, raw: RawFormat) -> bytes:
    """Return bare samples as a WAV file; bytes of an incomplete sample are left out."""
    whole = len(data) - len(data) % (2 * raw.channels)
    numbers = np.frombuffer(data[:whole], "<i2" if raw.coding == "i16" else ">i2")
    return _written(numbers.astype("<i2"), raw.rate, raw.channels)


def _written(numbers: npt.NDArray[np.int16], rate: int, channels: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(numbers.tobytes())
    return out.getvalue()
