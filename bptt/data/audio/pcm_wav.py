"""Samples as the bytes of a WAV file of 16 bits."""

from __future__ import annotations

import io
import wave

import numpy as np
import numpy.typing as npt


def pcm_wav(samples: npt.NDArray[np.float32], rate: int) -> bytes:
    """Return samples (N, channels) or (N,), cut off at ±1, as a WAV file."""
    numbers = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(numbers.tobytes())
    return out.getvalue()
