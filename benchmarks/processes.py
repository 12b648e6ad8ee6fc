"""Updates per second by processes, threads and groups: strong and weak scaling on this machine.

`PYTHONPATH=tests .venv/bin/python benchmarks/processes.py [--rounds 3]`: a language model of 2 x 256 units by
characters. All rows are measured in each round, one after the other; the median of the ratios to the first is
printed.
"""

from __future__ import annotations

import json
import statistics
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ranks import run_ranks

# Updates before the clock, and on it.
WARM, TIMED = 10, 40
BATCH = 32
MODEL = "--hidden 256 --layers 2 --length 50 --epochs 1 --log-every 10 --held-out 0".split()


@dataclass(frozen=True)
class Row:
    """A division of the work: processes, threads of each, groups, rows of a batch."""

    name: str
    size: int
    threads: int
    options: tuple[str, ...]
    batch: int = BATCH


ROWS = (
    Row("1 process, 2 threads", 1, 2, ()),
    Row("1 process, 1 thread", 1, 1, ()),
    Row("1 process, 2 threads, 2 groups", 1, 2, ("--groups", "2")),
    Row("1 process, 2 threads, 8 groups", 1, 2, ("--groups", "8")),
    Row("2 processes, 1 thread each, 2 groups", 2, 1, ("--groups", "2")),
    Row("2 processes, 1 thread each, 8 groups", 2, 1, ("--groups", "8")),
    Row("2 processes, 1 thread each, fast", 2, 1, ("--reduce", "fast")),
    Row("1 process, 1 thread, batch of 16", 1, 1, (), BATCH // 2),
)


def measure(row: Row, text: Path, folder: Path) -> float:
    """Return the characters per second of the updates on the clock."""
    run = folder / "run"
    given = [*MODEL, *row.options, "--batch-size", str(row.batch), "--threads", str(row.threads)]
    arguments = ["train", "lm", str(text), "-o", str(run), *given]
    statuses = run_ranks([{"size": row.size, "arguments": arguments, "output": str(folder / "out")}])
    if any(statuses[0]):
        raise SystemExit((folder / "out0").read_text("utf-8"))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    at = {line["step"]: line["seconds"] for line in lines if line["kind"] == "train"}
    units = sum(
        line["units"] for line in lines if line["kind"] == "train" and WARM < line["step"] <= WARM + TIMED
    )
    return units / (at[WARM + TIMED] - at[WARM])


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    book = Path(__file__).parent.parent.joinpath("README.md").read_text("utf-8")
    found: dict[str, list[float]] = {row.name: [] for row in ROWS}
    for _ in range(rounds):
        for row in ROWS:
            with TemporaryDirectory() as name:
                text = Path(name, "text.txt")
                length = (WARM + TIMED) * row.batch * 50
                text.write_text((book * (length // len(book) + 1))[:length], "utf-8")
                found[row.name].append(measure(row, text, Path(name)))
    first = found[ROWS[0].name]
    sys.stdout.write("| | characters a second | beside the first |\n|---|---:|---:|\n")
    for row in ROWS:
        rates = found[row.name]
        ratio = statistics.median(rate / base for rate, base in zip(rates, first, strict=True))
        sys.stdout.write(f"| {row.name} | {statistics.median(rates):,.0f} | {ratio:.2f} |\n")


if __name__ == "__main__":
    main()
