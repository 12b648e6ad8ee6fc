"""Speech of tones: a letter is a tone, between words is silence; and a run that has learned it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sounds import tone, write_wav

import bptt

RATE = 8000
PITCH = {"a": 400, "b": 900, "c": 1700}
LEARNED = {
    "bidirectional": False,
    "hidden_size": 24,
    "num_layers": 1,
    "bands": 12,
    "batch_size": 8,
    "epochs": 10,
    "learning_rate": 0.02,
    "speed": 0.0,
    "time_masks": 0,
    "band_masks": 0,
    "dropout": 0.0,
}


def spoken(text: str, rate: int = RATE, pause: float = 0.3) -> np.ndarray:
    """Return a text as tones, with silence around each word, (N,) in ±1."""
    quiet = np.zeros(round(pause * rate))
    parts = [quiet]
    for word in text.split():
        for letter in word:
            parts += [tone(0.12, rate, PITCH[letter]), np.zeros(round(0.06 * rate))]
        parts.append(quiet)
    noise = np.random.default_rng(len(text)).normal(0, 1e-3, sum(map(len, parts)))
    return np.concatenate(parts) + noise


def phrases(count: int, seed: int = 0) -> list[str]:
    """Return texts of one to three words."""
    draw = np.random.default_rng(seed)
    words = ["".join(draw.choice(list(PITCH), draw.integers(1, 4))) for _ in range(3 * count)]
    return [" ".join(words[3 * n : 3 * n + draw.integers(1, 4)]) for n in range(count)]


def train_on_tones(folder: Path, count: int = 120, **options: object) -> Path:
    """Return a run folder in `folder` of a transcriber of one direction."""
    for row, text in enumerate(phrases(count)):
        write_wav(folder / "data" / f"{row:03}.wav", spoken(text), RATE)
        (folder / "data" / f"{row:03}.txt").write_text(text)
    bptt.train("transcribe", folder / "data", folder / "run", progress=False, **(LEARNED | options))
    return folder / "run"
