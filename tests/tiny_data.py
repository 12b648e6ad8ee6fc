"""Files of tiny data that several jobs' tests learn from."""

from __future__ import annotations

import random
from pathlib import Path


def write_pairs(path: Path, count: int, seed: int = 0) -> Path:
    """Four symbols, to be written backwards."""
    draw = random.Random(seed)
    lists = [draw.choices(["a", "b", "中", "d"], k=4) for _ in range(count)]
    lines = (f"{' '.join(each)}\t{' '.join(reversed(each))}\n" for each in lists)
    path.write_text("".join(lines), encoding="utf-8")
    return path
