"""What an update takes of a core, by processes and groups: strong and weak scaling on this machine.

`PYTHONPATH=tests .venv/bin/python benchmarks/processes.py [--rounds 3]`: a language model of 2 x 256 units by
characters, one thread in each process. All rows are measured in each round, one after the other. Printed is
processor time, which other work on the machine changes little: the median of the updates in the slower
process, and of the rounds the least.
"""

from __future__ import annotations

import json
import statistics
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ranks import run_ranks
from update_clock import PARTS

# Updates before the clock, and on it.
WARM, TIMED = 4, 16
BATCH, LENGTH = 32, 50
MODEL = f"--hidden 256 --layers 2 --length {LENGTH} --epochs 1 --held-out 0 --threads 1".split()


@dataclass(frozen=True)
class Row:
    """A division of the work: processes, options, rows of a batch."""

    name: str
    size: int
    options: tuple[str, ...] = ()
    batch: int = BATCH


ROWS = (
    Row("1 process", 1),
    Row("1 process, 2 groups", 1, ("--groups", "2")),
    Row("1 process, 4 groups", 1, ("--groups", "4")),
    Row("2 processes, 2 groups", 2, ("--groups", "2")),
    Row("2 processes, 4 groups", 2, ("--groups", "4")),
    Row("2 processes, fast", 2, ("--reduce", "fast")),
    Row("2 processes, 2 groups, twice the batch", 2, ("--groups", "2"), 2 * BATCH),
)


def plan(row: Row, number: int, book: str, folder: Path) -> dict[str, Any]:
    """Return the run of a row, as `run_ranks` takes it, and write its text."""
    length = (WARM + TIMED) * row.batch * LENGTH
    text = folder / f"text{number}.txt"
    text.write_text((book * (length // len(book) + 1))[:length], "utf-8")
    given = [*MODEL, *row.options, "--batch-size", str(row.batch)]
    arguments = ["train", "lm", str(text), "-o", str(folder / f"run{number}"), *given]
    output, clock = (str(folder / f"{name}{number}-") for name in ("out", "clock"))
    return {"size": row.size, "arguments": arguments, "output": output, "clock": clock}


def medians(row: Row, number: int, folder: Path) -> dict[str, float]:
    """Return the median seconds of each part of an update, in the process in which it is longest."""
    of_rank = []
    for rank in range(row.size):
        updates = json.loads((folder / f"clock{number}-{rank}").read_text("utf-8"))[WARM:]
        of_rank.append({part: statistics.median(each[part] for each in updates) for part in PARTS})
    return {part: max(each[part] for each in of_rank) for part in PARTS}


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    book = Path(__file__).parent.parent.joinpath("README.md").read_text("utf-8")
    found: list[list[dict[str, float]]] = [[] for _ in ROWS]
    for _ in range(rounds):
        with TemporaryDirectory() as name:
            folder = Path(name)
            statuses = run_ranks([plan(row, n, book, folder) for n, row in enumerate(ROWS)])
            if any(map(any, statuses)):
                raise SystemExit("\n".join(path.read_text("utf-8") for path in folder.glob("out*")))
            for number, row in enumerate(ROWS):
                found[number].append(medians(row, number, folder))
    sys.stdout.write(
        "| ms of a core an update | passes | sum of groups | exchange | norm, optimiser | all |\n"
        "|---|---:|---:|---:|---:|---:|\n"
    )
    for number, row in enumerate(ROWS):
        best = min(found[number], key=lambda each: sum(each.values()) - each["wall"])
        parts = [1000 * best[part] for part in PARTS if part != "wall"]
        cells = " | ".join(f"{each:.1f}" for each in (*parts, sum(parts)))
        sys.stdout.write(f"| {row.name} | {cells} |\n")


if __name__ == "__main__":
    main()
