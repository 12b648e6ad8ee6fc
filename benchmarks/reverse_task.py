"""The reverse task: lists of whole numbers to be written backwards, as files of pairs.

`python benchmarks/reverse_task.py FOLDER` writes train.tsv (50,000 pairs of 1 to 25 numbers from 0 to
49), dev.tsv and test.tsv (1,000 of 1 to 30 each): longer lists are tested than are learned. Source: the
synthetic data of JoeyNMT (Kreutzer et al. 2019).
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

PARTS = {"train": (50_000, 25), "dev": (1_000, 30), "test": (1_000, 30)}
NUMBERS = range(50)


def write(folder: Path, seed: int) -> None:
    """Write the three files, always the same for a seed."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (count, longest) in PARTS.items():
        lists = [draw.choices(NUMBERS, k=draw.randint(1, longest)) for _ in range(count)]
        lines = (f"{' '.join(map(str, each))}\t{' '.join(map(str, reversed(each)))}\n" for each in lists)
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write(arguments.folder, arguments.seed)
