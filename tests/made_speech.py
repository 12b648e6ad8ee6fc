"""Speech for tests, made of frames: each letter is a tone in a band of its own, between noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

LETTERS = "abcdef"


def frames_of(text: str, draw: np.random.Generator, around: tuple[int, int] = (3, 9)) -> np.ndarray:
    """The frames (T, 6) of a text; a space is silence. `around` bounds the frames of noise at each end."""

    def noise(low: int, high: int) -> np.ndarray:
        return draw.normal(0, 0.3, (draw.integers(low, high), len(LETTERS)))

    parts = [noise(*around)]
    for letter in text:
        tone = noise(5, 9)
        if letter != " ":
            tone[:, LETTERS.index(letter)] += 2
        parts += [tone, noise(1, 4)]
    return np.concatenate([*parts, noise(*around)]).astype(np.float32)


def phrases(count: int, seed: int = 0) -> list[str]:
    """Two words of one to three letters each."""
    draw = np.random.default_rng(seed)

    def word() -> str:
        return "".join(draw.choice(list(LETTERS), draw.integers(1, 4)))

    return [f"{word()} {word()}" for _ in range(count)]


def write_speech(path: Path, texts: Sequence[str], seed: int = 0, around: tuple[int, int] = (3, 9)) -> Path:
    """Write recordings of texts as an `.npz` file."""
    draw = np.random.default_rng((seed, 1))
    made = [frames_of(text, draw, around) for text in texts]
    lengths = np.array([len(each) for each in made])
    padded = np.full((len(made), lengths.max(), len(LETTERS)), np.nan, np.float32)
    for row, each in zip(padded, made, strict=True):
        row[: len(each)] = each
    np.savez(path, X=padded, y=np.array(texts), lengths=lengths)
    return path
