"""Whole trainings of language models, beside the same model in a plain PyTorch script.

    python benchmarks/whole_runs.py TEXT [--words TEXT] [--rounds 3] [--most-seconds 90]

`bptt train lm` and `benchmarks/plain_language_model.py` take turns, each a process of its own, on the same
text for an epoch. Tokens a second are those learned in the time of the updates. Processor seconds are those
of the whole process, with imports, reading, the held-out text and the files; beside other work they are
steadier than the clock, and with `--threads 1` no waiting is among them. Each round has a seed of its own,
0, 1 and so on, for the loss after an epoch depends on it. Ratios are those of a round; of ratios and losses
the median of the rounds is printed with the least and the greatest. On the words, the script with its softmax
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
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

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
    """Result of a training: tokens a second of updates, held-out loss, processor seconds of the process."""

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
    """Run a training; return what it printed, and the processor seconds of the process."""
    before = processor_seconds()
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    return done.stdout, processor_seconds() - before


def processor_seconds() -> float:
    """Return the processor time that all processes started here and ended so far have taken."""
    taken = getrusage(RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime


def train_ours(case: Case, text: Path, folder: Path, both: Sequence[str]) -> Training:
    """Train by the command."""
    given = [*case.both, *case.ours, "--epochs", "1", "--log-every", "1000000", *both]
    _, seconds = run(["-m", "bptt", "train", "lm", str(text), "-o", str(folder), *given])
    lines = map(json.loads, (folder / "metrics.jsonl").read_text("utf-8").splitlines())
    records = {line["kind"]: line for line in lines}
    learned = records["train"]
    return Training(learned["units"] / learned["seconds"], records["held-out"]["loss"], seconds)


def train_plain(case: Case, text: Path, folder: Path, both: Sequence[str]) -> Training:
    """Train by the script."""
    given = [*case.both, *case.plain, *both]
    printed, seconds = run([str(PLAIN), str(text), str(folder), *given])
    record = json.loads(printed)
    return Training(record["tokens"] / record["seconds"], record["loss"], seconds)


def row(case: Case, rounds: Sequence[tuple[Training, Training]]) -> str:
    """Return the row of a model in the table."""
    ratio = spread([ours.rate / plain.rate for ours, plain in rounds], ".2f")
    losses = (spread([pair[side].loss for pair in rounds], ".3f") for side in (0, 1))
    rates, seconds = (
        [f"{median(getattr(pair[side], part) for pair in rounds):,.0f}" for side in (0, 1)]
        for part in ("rate", "seconds")
    )
    return f"| {' | '.join([case.name, *rates, ratio, *losses, *seconds])} |\n"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median of values, with the least and the greatest if there are several."""
    least, middle, most = (format(value, form) for value in (min(values), median(values), max(values)))
    return f"{middle} ({least} to {most})" if len(values) > 1 else middle


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
        "| model | bptt tokens/s | plain tokens/s | ratio "
        "| bptt loss | plain loss | bptt CPU s | plain CPU s |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    for case in cases(given.most_seconds):
        text = given.words if "--vocab-size" in case.both else given.text
        if text is None:
            continue
        found = []
        for seed in range(given.rounds):
            both = "--threads", str(given.threads), "--seed", str(seed)
            with TemporaryDirectory() as name:
                ours = train_ours(case, text, Path(name, "ours"), both)
                found.append((ours, train_plain(case, text, Path(name, "plain"), both)))
        sys.stdout.write(row(case, found))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
