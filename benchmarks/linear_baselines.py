"""`bptt train classify` with default options beside linear models of scikit-learn, on the same splits.

python benchmarks/linear_baselines.py names/ reviews.tsv --seeds 3
python benchmarks/linear_baselines.py promoters.data --folds 10 --seeds 3

Each file or folder holds labelled texts or DNA of one length. For each seed a share of the examples is the
test, equal inputs on one side; or all are, in folds. Texts: logistic regression on TF-IDF of words and their
pairs, and of characters, 1 to 5, within words; DNA: on one-hot k-mers by their place. C is scikit-learn's
default, 1, and 10.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import sklearn
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import bptt
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import FORMS, read_examples
from bptt.data.readers.grid import Columns
from bptt.data.split import fold_numbers, split_indices
from bptt.jobs.classify.task import Labelled

Parts = Sequence[tuple[list[int], list[int]]]


def by_place(k: int) -> Callable[[str], list[str]]:
    """The k-mers of a sequence of DNA, each with its place."""
    return lambda letters: [f"{i} {letters[i : i + k]}" for i in range(len(letters) - k + 1)]


def features(kind: str) -> dict[str, Any]:
    """What a linear model knows of an input, by name."""
    if kind == "dna":
        names = {1: "nucleotides", 2: "dinucleotides", 3: "trinucleotides"}
        return {f"{name} by place": CountVectorizer(analyzer=by_place(k)) for k, name in names.items()}
    words = TfidfVectorizer(ngram_range=(1, 2))
    return {"words": words, "characters": TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5))}


def linear(examples: Labelled, parts: Parts, kind: str) -> Iterator[tuple[str, float, float]]:
    """The name of each linear model, its accuracy over all parts, and the seconds it took."""
    for (name, vectorizer), c in product(features(kind).items(), (1, 10)):
        began, right, count = monotonic(), 0, 0
        for learned, tested in parts:
            model = make_pipeline(vectorizer, LogisticRegression(C=c, max_iter=1000))
            train, test = examples.take(learned), examples.take(tested)
            model.fit(train.inputs, train.targets)
            right += (model.predict(test.inputs) == list(test.targets)).sum()
            count += len(tested)
        yield f"{name}, C = {c}", right / count, monotonic() - began


def write(examples: Labelled, path: Path, kind: str) -> Path:
    """The examples as a file that `bptt` detects."""
    lines = []
    for n, (given, label) in enumerate(zip(examples.inputs, examples.targets, strict=True)):
        lines.append(f"{label},S{n},{given}" if kind == "dna" else f"{given}\t{label}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def ours(examples: Labelled, parts: Parts, kind: str, folds: int, seed: int) -> tuple[float, float]:
    """The accuracy of `bptt train classify` with default options, and the seconds it took."""
    began = monotonic()
    with TemporaryDirectory() as name:
        folder, run = Path(name), Path(name, "run")
        if folds:
            data = write(examples, folder / "all.data", kind)
            printed = command("train", "classify", data, "-o", run, "--folds", folds, "--seed", seed)
        else:
            [(learned, tested)] = parts
            data = write(examples.take(learned), folder / "train.data", kind)
            command("train", "classify", data, "-o", run, "--seed", seed)
            printed = command("evaluate", run, write(examples.take(tested), folder / "test.data", kind))
    found = dict(line.split("\t")[:2] for line in printed.splitlines() if "\t" in line)
    return float(found["accuracy"]), monotonic() - began


def command(*arguments: object) -> str:
    """What `bptt` prints."""
    call = [sys.executable, "-m", "bptt", *map(str, arguments)]
    return subprocess.run(
        call, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def compare(path: Path, given: argparse.Namespace) -> None:
    """Print a line for each model: the median accuracy, the range over the seeds, and the seconds."""
    form = detect(path, Columns()).form
    examples: Labelled = read_examples(path, form, Columns())
    kind = FORMS[form].kind
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(given.seeds):
        parts = split(examples, given, seed)
        for name, accuracy, seconds in linear(examples, parts, kind):
            found.setdefault(name, []).append((accuracy, seconds))
        found.setdefault("bptt", []).append(ours(examples, parts, kind, given.folds, seed))
    print(f"\n{path.name}: {len(examples):,} examples of {len(set(examples.targets))} labels")
    for name, runs in found.items():
        scores, times = zip(*runs, strict=True)
        spread = f"{min(scores):.4f} to {max(scores):.4f}" if len(scores) > 1 else ""
        print(f"{name}\t{median(scores):.4f}\t{spread}\t{median(times):.0f} s", flush=True)


def split(examples: Labelled, given: argparse.Namespace, seed: int) -> Parts:
    """The rows that are learned and tested; those of `bptt train --folds`, if in folds."""
    if not given.folds:
        return [split_indices(examples.keys, examples.targets, given.test, seed)]
    numbers = fold_numbers(examples.keys, examples.targets, given.folds, seed)
    rows = range(len(numbers))
    return [
        ([i for i in rows if numbers[i] != k], [i for i in rows if numbers[i] == k])
        for k in range(given.folds)
    ]


def main() -> None:
    """Compare on each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--folds", type=int, default=0, help="cross-validate (0: one test part)")
    parser.add_argument("--test", type=float, default=0.2, help="share of the test part")
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    versions = f"bptt {bptt.__version__}, torch {torch.__version__}, scikit-learn {sklearn.__version__}"
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {versions}")
    print("python", *sys.argv)
    for path in given.data:
        compare(path, given)


if __name__ == "__main__":
    main()
