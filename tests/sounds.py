"""Sounds made by the tests: tones in WAV files of any coding, rate and number of channels."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

RIFF = "<4sI4s4sIHHIIHH"


def tone(seconds: float = 0.5, rate: int = 16_000, frequency: float = 440.0, loud: float = 0.3) -> np.ndarray:
    """Return a sine, (N,) float64."""
    return loud * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def riff(data: bytes, rate: int, channels: int, bits: int, tag: int = 1, size: int | None = None) -> bytes:
    """Return a WAV file; `size` is the size of the samples that the header claims."""
    block = channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    claimed = len(data) if size is None else size
    head = struct.pack("<4sI4s4sI", b"RIFF", min(36 + claimed, 2**32 - 1), b"WAVE", b"fmt ", len(body))
    return head + body + struct.pack("<4sI", b"data", claimed) + data


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    """Write samples (N,) or (N, C) in ±1 as a WAV file of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    numbers = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2")
    path.write_bytes(riff(numbers.tobytes(), rate, channels, 16))
    return path
