"""Cross-validation of `bptt train classify`: every example is answered by a model that has not seen it.

python benchmarks/cross_validation.py splice.data --folds 10 --epochs 40 --pooling attention
python benchmarks/cross_validation.py promoters.data --folds 0 --windows

With --windows sequences of DNA, which must be of one length, are rows of four numbers a letter, and a network
without recurrence reads them: --hidden is the width of its hidden layer.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import torch

from bptt.cells import load
from bptt.cli.machine import prepare
from bptt.data.nucleotides import LETTERS
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.data.split import fold_numbers
from bptt.tasks.classify.config import ClassifierConfig, HeadOptions, SourceOptions
from bptt.tasks.classify.task import ClassifyTask, Labelled
from bptt.tasks.encoder import EncoderOptions
from bptt.tasks.inputs import DnaInput
from bptt.tasks.supervised import ExampleOptions
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.report import Silent


def read(given: argparse.Namespace) -> tuple[Labelled, str]:
    """The examples, and the form in which a classifier takes them."""
    form = detect(given.data, Columns()).form
    examples: Labelled = read_examples(given.data, form, Columns())
    if not given.windows:
        return examples, form
    table = DnaInput().probabilities.numpy()
    rows = [
        replace(row, input=table[[LETTERS.index(letter) for letter in row.input]].reshape(-1))
        for row in examples.rows
    ]
    names = tuple(f"{place}{base}" for place in range(len(examples.inputs[0])) for base in "ACGT")
    return replace(examples, rows=tuple(rows), columns=names), "table"


def answers(given: argparse.Namespace, k: int) -> dict[int, str]:
    """The label found for each example of fold k, after a fixed number of epochs on the others."""
    prepare(threads=1)
    examples, form = read(given)
    folds = fold_numbers(examples.keys, examples.targets, given.folds or len(set(examples.keys)), given.seed)
    there = [i for i, fold in enumerate(folds) if fold == k]
    config = ClassifierConfig(
        load(given.cell),
        SourceOptions(form, both_strands=given.both_strands),
        EncoderOptions(
            given.hidden,
            given.layers,
            given.dropout,
            feed_forward=(given.hidden,) if given.windows else (),
            input_dropout=given.input_dropout,
        ),
        HeadOptions(given.pooling),
        data=ExampleOptions(given.batch_size, seed=given.seed),
    )
    torch.manual_seed(given.seed)
    task = ClassifyTask(examples.take(i for i, f in enumerate(folds) if f != k), examples.take(there), config)
    # The held-out fold chooses nothing: the weights are those of the last epoch.
    options = TrainingOptions(given.epochs, learning_rate=given.lr, seed=given.seed)
    with TemporaryDirectory() as folder:
        train(task, options, Path(folder) / "run", Silent())
    found = task.trained.predict(examples.take(there).inputs)
    return {i: each.label for i, each in zip(there, found, strict=True)}


def main() -> None:
    """Print the errors of each label, and of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folds", type=int, default=10, help="0: leave one out")
    for name, usual in (("epochs", 30), ("hidden", 64), ("layers", 1), ("batch-size", 32), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    for name, share in (("dropout", 0.3), ("input-dropout", 0.0), ("lr", 0.004)):
        parser.add_argument(f"--{name}", type=float, default=share)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--pooling", default="attention")
    parser.add_argument("--both-strands", action="store_true")
    parser.add_argument("--windows", action="store_true")
    given, began = parser.parse_args(), monotonic()
    examples, _ = read(given)
    folds = given.folds or len(set(examples.keys))
    with ProcessPoolExecutor() as pool:
        parts = list(pool.map(partial(answers, given), range(folds)))
    found = {i: label for part in parts for i, label in part.items()}
    wrong = Counter(label for i, label in enumerate(examples.targets) if found[i] != label)
    for label, count in sorted(Counter(examples.targets).items()):
        print(f"{label}\t{wrong[label]} of {count}\t{wrong[label] / count:.2%}")
    total = sum(wrong.values())
    print(f"all\t{total} of {len(examples)}\t{total / len(examples):.2%}\t{monotonic() - began:.0f} s")
    print(json.dumps({key: str(value) for key, value in vars(given).items() if key != "data"}))


if __name__ == "__main__":
    main()
