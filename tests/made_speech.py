"""Speech for tests, made of frames: each letter is a tone in a band of its own, between noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sounds import write_wav

LETTERS = "abcdef"
RATE = 8000


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


def write_tones(folder: Path, texts: Sequence[str], seed: int = 0) -> Path:
    """Write sounds in which each letter is a tone of its own pitch, and a table of them."""
    draw = np.random.default_rng(seed)
    rows, quiet = ["path\ttext\tspeaker"], np.zeros(RATE // 10)
    for number, text in enumerate(texts):
        parts = [quiet]
        for letter in text:
            pitch = 0 if letter == " " else 300 * (1 + LETTERS.index(letter))
            parts += [np.sin(2 * np.pi * pitch * np.arange(int(0.12 * RATE)) / RATE), quiet[:400]]
        sound = np.concatenate([*parts, quiet])
        write_wav(folder / f"{number}.wav", 0.3 * sound + draw.normal(0, 0.01, len(sound)), RATE)
        rows.append(f"{number}.wav\t{text}\tspeaker{number % 4}")
    path = folder / "speech.tsv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
