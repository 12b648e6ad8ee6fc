"""A table: the SHA-256 of all weights after some 200 updates, by job and by number of processes.

`PYTHONPATH=tests .venv/bin/python -m ranks_table` trains every job in 4 groups on 1 process (of two threads),
2 and 4 (of one thread each), and on 4 that a signal stops, then 1, then 2. Ends with 1 if a row differs, in
its weights or in a record of a loss, a norm or a metric.
"""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from job_files import write_file
from ranks import SIGTERM, run_ranks
from sounds import write_wav
from spoken_tones import RATE, phrases, spoken
from tiny_data import write_pairs
from tiny_task import records

from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE

ROOT = Path(__file__).parent.parent
ALL = "--groups 4 --batch-size 16 --seed 7 --log-every 10".split()


@dataclass(frozen=True)
class Row:
    """A row of the table: its name, and the arguments of `bptt train`."""

    name: str
    arguments: tuple[str, ...]
    stops: tuple[int, int] = (70, 140)


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows, with their data in `folder`."""
    # A copy: the file may change meanwhile.
    book = str(shutil.copy(ROOT / "README.md", folder))
    text = "--epochs 4 --length 24 --hidden 32 --dropout 0.2".split()
    yield Row("lm", ("lm", book, *text))
    yield Row(
        "lm, sentences, GRU, Adagrad",
        (
            "lm",
            book,
            *text,
            *"--mode sentences --cell gru".split(),
            *"--optimiser adagrad --epochs 8".split(),
        ),
    )
    words = ("lm", book, *text, *"--level word --min-count 1 --row-sparse --epochs 24".split())
    yield Row("lm, words, adaptive, row-sparse", (*words, *"--output-layer adaptive --cutoff 200".split()))
    sampled = "--output-layer sampled --samples 64 --precision bf16"
    yield Row("lm, words, sampled, bf16", (*words, *sampled.split()))
    small = "--hidden 16 --dropout 0.2".split()
    films = str(write_file("classify", folder))
    yield Row("classify", ("classify", films, *small, "--epochs", "70"))
    yield Row("tag", ("tag", str(write_file("tag", folder)), *small, "--epochs", "70"))
    pairs = str(write_pairs(folder / "reversed.tsv", 400))
    yield Row("translate", ("translate", pairs, *small, "--epochs", "10"))
    yield Row(
        "music", ("music", str(write_file("music", folder)), *small, "--epochs", "100", "--length", "8")
    )
    yield Row("mark", ("mark", str(write_dna(folder)), *small, "--epochs", "60"))
    points = str(write_points(folder))
    yield Row("regress", ("regress", points, *small, "--epochs", "20"))
    whole = ("regress", points, *"--hidden 4 --epochs 30".split())
    yield Row("regress, L-BFGS", (*whole, *"--optimiser lbfgs".split()), (10, 20))
    newton = "--optimiser gauss-newton --epochs 6 --feed-forward 4"
    yield Row("regress, Gauss-Newton", (*whole, *newton.split()), (2, 4))
    yield Row("forecast", ("forecast", str(write_past(folder)), *small, "--epochs", "20"))
    sounds = str(write_sounds(folder))
    yield Row("transcribe", ("transcribe", sounds, *small, *"--epochs 80 --workers 1".split()))


def write_dna(folder: Path) -> Path:
    """Sequences in which each run of G is marked."""
    draw = random.Random(0)
    names = {f"s{n}": "".join(draw.choices("ACGT", k=draw.randint(5, 20))) for n in range(60)}
    (folder / "genes.fasta").write_text("".join(f">{n}\n{s}\n" for n, s in names.items()), "utf-8")
    found = ((n, each.span()) for n, s in names.items() for each in re.finditer("G+", s))
    (folder / "genes.bed").write_text("".join(f"{n}\t{a}\t{b}\tg\n" for n, (a, b) in found), "utf-8")
    return folder / "genes.fasta"


def write_points(folder: Path) -> Path:
    """A table of two numbers and a function of them."""
    draw = random.Random(0)
    points = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(200)]
    lines = (f"{x:.4f},{y:.4f},{math.sin(2 * x) * y:.5f}\n" for x, y in points)
    (folder / "points.csv").write_text("".join(["x,y,target\n", *lines]), "utf-8")
    return folder / "points.csv"


def write_past(folder: Path) -> Path:
    """A series with a season of seven days."""
    lines = (f"{n},{10 + 3 * math.sin(2 * math.pi * n / 7) + 0.01 * n:.3f}\n" for n in range(240))
    (folder / "past.csv").write_text("".join(["time,value\n", *lines]), "utf-8")
    return folder / "past.csv"


def write_sounds(folder: Path) -> Path:
    """Recordings of words as tones, each beside its text."""
    for row, text in enumerate(phrases(48)):
        write_wav(folder / "sounds" / f"{row:03}.wav", spoken(text), RATE)
        (folder / "sounds" / f"{row:03}.txt").write_text(text)
    return folder / "sounds"


def weights_of(run: Path) -> tuple[int, str, str]:
    """Return the updates of a run, the SHA-256 of its last weights, and that of its records."""
    found = nested_tensors.load(run / FILE)
    names = sorted(found["weights"])
    content = b"".join(found["weights"][name].numpy().tobytes() for name in names)
    said = json.dumps(records(run)).encode()
    return found["state"]["step"], sha256(content).hexdigest(), sha256(said).hexdigest()


def measure(row: Row, folder: Path) -> tuple[int, list[str], bool]:
    """Return the updates of a row, its checksums by processes, and whether all records are equal."""
    plan = []

    def run(size: int, name: str, *more: str, threads: int = 1, stop: int = 0) -> None:
        arguments = [
            "train",
            *row.arguments,
            *ALL,
            *more,
            "-o",
            str(folder / name),
            "--threads",
            str(threads),
        ]
        fault = {"signal": SIGTERM, "rank": size - 1, "step": stop} if stop else {}
        plan.append({"size": size, "arguments": arguments, "output": str(folder / f"{name}.txt"), **fault})

    run(1, "one", threads=2)
    run(2, "two")
    run(4, "four")
    run(4, "moved", stop=row.stops[0])
    run(1, "moved", "--resume", threads=2, stop=row.stops[1])
    run(2, "moved", "--resume")
    statuses = run_ranks(plan)
    expected = [[0], [0] * 2, [0] * 4, [128 + SIGTERM] * 4, [128 + SIGTERM], [0] * 2]
    if statuses != expected:
        texts = "\n".join(path.read_text() for path in sorted(folder.glob("*.txt[0-9]")))
        raise SystemExit(f"{row.name}: {json.dumps(statuses)}\n{texts}")
    found = [weights_of(folder / name) for name in ("one", "two", "four", "moved")]
    return found[0][0], [each for _, each, _ in found], len({each for _, _, each in found}) == 1


def main() -> int:
    """Print the table."""
    names = sys.argv[1:]
    sys.stdout.write(
        "| job | updates | SHA-256 on 1 | on 2 | on 4 | 4, then 1, then 2 |\n|---|---:|---|---|---|---|\n"
    )
    differ = 0
    with TemporaryDirectory() as data:
        for row in rows(Path(data)):
            if names and row.name not in names:
                continue
            with TemporaryDirectory() as runs:
                updates, sums, same = measure(row, Path(runs))
            differ += len(set(sums)) > 1 or not same
            cells = (sums[0][:16], *("the same" if each == sums[0] else each[:16] for each in sums[1:]))
            remark = "" if same else " records differ"
            sys.stdout.write(f"| {row.name} | {updates} | {' | '.join(cells)} |{remark}\n")
            sys.stdout.flush()
    return differ > 0


if __name__ == "__main__":
    sys.exit(main())
