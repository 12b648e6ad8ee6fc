"""Whole trainings of language models, beside the same model in a plain PyTorch script.

    python benchmarks/whole_runs.py TEXT [--words TEXT] [--rounds 3] [--most-seconds 90]

`bptt train lm` and `benchmarks/plain_language_model.py` take turns, each a process of its own, on the same
text for an epoch. Tokens a second are those learned in the time of the updates; the seconds of the
processes also hold imports, reading, the held-out text and the files. Ratios are those of a round, the
median of the rounds is printed with the least and the greatest. On the words, the script with its softmax
over the whole vocabulary ends after `--most-seconds`; `bptt` takes the layer of its default, adaptive, and
once more the full softmax.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

PLAIN = Path(__file__).with_name("plain_language_model.py")
WORDS = "--level whitespace --vocab-size 50000 --layers 1 --embedding 256 --batch-size 20 --length 35".split()


@dataclass(frozen=True)
class Case:
    """A model: the options of both programs, and those of each."""

    name: str
    both: tuple[str, ...]
    ours: tuple[str, ...]
    plain: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """What came of a training: tokens a second of updates, loss held out, seconds of the process."""

    rate: float
    loss: float
    seconds: float


def cases(most_seconds: float) -> tuple[Case, ...]:
    """Return the models by characters and by words."""
    ended = ("--cell", "LSTM", "--most-seconds", str(most_seconds))
    words = ("--cell", "lstm", "--min-count", "1")
    return (
        Case("2 x 256 LSTM, characters", (), ("--cell", "lstm"), ("--cell", "LSTM")),
        Case("2 x 256 GRU, characters", (), ("--cell", "gru-torch"), ("--cell", "GRU")),
        Case("1 x 256 LSTM, V = 50,000", tuple(WORDS), words, ended),
        Case("the same, full softmax", tuple(WORDS), (*words, "--output-layer", "full"), ended),
    )


def run(command: Sequence[str]) -> tuple[str, float]:
    """Run a training; return what it printed, and the seconds of the process."""
    start = perf_counter()
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    return done.stdout, perf_counter() - start


def train_ours(case: Case, text: Path, folder: Path, threads: int) -> Training:
    """Train by the command."""
    given = [*case.both, *case.ours, "--epochs", "1", "--log-every", "1000000", "--threads", str(threads)]
    _, seconds = run(["-m", "bptt", "train", "lm", str(text), "-o", str(folder), *given])
    lines = map(json.loads, (folder / "metrics.jsonl").read_text("utf-8").splitlines())
    records = {line["kind"]: line for line in lines}
    learned = records["train"]
    return Training(learned["units"] / learned["seconds"], records["held-out"]["loss"], seconds)


def train_plain(case: Case, text: Path, folder: Path, threads: int) -> Training:
    """Train by the script."""
    given = [*case.both, *case.plain, "--threads", str(threads)]
    printed, seconds = run([str(PLAIN), str(text), str(folder), *given])
    record = json.loads(printed)
    return Training(record["tokens"] / record["seconds"], record["loss"], seconds)


def row(case: Case, rounds: Sequence[tuple[Training, Training]]) -> str:
    """Return the row of a model in the table."""
    ratios = [ours.rate / plain.rate for ours, plain in rounds]
    spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    rates, losses, seconds = (
        [f"{median(getattr(pair[side], part) for pair in rounds):{form}}" for side in (0, 1)]
        for part, form in (("rate", ",.0f"), ("loss", ".3f"), ("seconds", ",.0f"))
    )
    return (
        f"| {case.name} | {' | '.join(rates)} | {spread} | {' | '.join(losses)} | {' | '.join(seconds)} |\n"
    )


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("--words", type=Path, help="text of the models by words; without it, none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--most-seconds", type=float, default=90.0)
    given = parser.parse_args()
    sys.stdout.write(
        "| model | bptt tokens/s | plain tokens/s | ratio | bptt loss | plain loss | bptt s | plain s |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    for case in cases(given.most_seconds):
        text = given.words if "--vocab-size" in case.both else given.text
        if text is None:
            continue
        found = []
        for _ in range(given.rounds):
            with TemporaryDirectory() as name:
                ours = train_ours(case, text, Path(name, "ours"), given.threads)
                found.append((ours, train_plain(case, text, Path(name, "plain"), given.threads)))
        sys.stdout.write(row(case, found))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
