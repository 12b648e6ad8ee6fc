"""Pairs cut into train.tsv, dev.tsv and test.tsv, with equal sources in one part.

`python benchmarks/split_pairs.py PAIRS FOLDER` holds 10 % of the pairs out, drawn with a seed, one half of
them for development, the other for the test.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bptt.data.readers.forms import read_grid
from bptt.data.readers.grid import Columns
from bptt.data.readers.pairs import read_pairs
from bptt.data.split import split_indices


def split(source: Path, folder: Path, seed: int) -> None:
    """Write the three files, always the same for a seed."""
    pairs = read_pairs(read_grid(source), Columns())
    train, others = split_indices(pairs.keys, None, 0.1, seed)
    held_out = pairs.take(others)
    dev, test = split_indices(held_out.keys, None, 0.5, seed)
    parts = {"train": pairs.take(train), "dev": held_out.take(dev), "test": held_out.take(test)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        lines = (f"{row.input}\t{row.target}\n" for row in part.rows)
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    split(arguments.pairs, arguments.folder, arguments.seed)
