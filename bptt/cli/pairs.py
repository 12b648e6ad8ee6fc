"""What `bptt evaluate` prints about minimal pairs: how often a language model prefers the right sentence."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.cli.answers import one_line
from bptt.cli.casing import case_for
from bptt.files import make_folder

if TYPE_CHECKING:
    from bptt.data.readers.minimal_pairs import MinimalPair
    from bptt.jobs.language.minimal_pairs import Summary
    from bptt.jobs.language.model import Trained


def read_pairs(data: Path) -> tuple[MinimalPair, ...]:
    """The pairs of a file, or of all files *.jsonl of a folder; none if they hold something else."""
    from bptt.data.readers.document import read_document
    from bptt.data.readers.minimal_pairs import holds_minimal_pairs, read_minimal_pairs
    from bptt.data.reading import read_bytes
    from bptt.data.signatures import PARQUET

    files = sorted(data.glob("*.jsonl")) if data.is_dir() else [data]
    if not data.is_dir() and read_bytes(data).startswith(PARQUET):
        return ()
    documents = [read_document(file) for file in files]
    if not all(map(holds_minimal_pairs, documents)):
        return ()
    return tuple(pair for document in documents for pair in read_minimal_pairs(document))


def print_pairs(trained: Trained, pairs: tuple[MinimalPair, ...], figures: Path | None) -> None:
    """For each paradigm the accuracy; then by the number of words before the one that differs."""
    from bptt.jobs.language.minimal_pairs import judge_pairs, summarise

    print(trained.config.data.line_context, file=sys.stderr)
    judged = judge_pairs(trained, pairs, case_for(trained, (pair.good for pair in pairs)))
    names = dict.fromkeys(each.paradigm for each in judged)
    found = {name: summarise([each for each in judged if each.paradigm == name]) for name in names}
    print("paradigm\tpairs\taccuracy\tties\twith <unk>\taccuracy without\tone-prefix accuracy")
    for name, each in found.items():
        counts = each.whole.ties, each.whole.pairs - each.known.pairs
        rates = f"{each.known.accuracy:.4f}", f"{each.prefix.accuracy:.4f}"
        print(one_line(name), each.whole.pairs, f"{each.whole.accuracy:.4f}", *counts, *rates, sep="\t")
    print("\nparadigm\twords before\tpairs\taccuracy\t95 % from\tto")
    for name, each in found.items():
        for distance, tally in each.by_distance.items():
            shares = (f"{share:.4f}" for share in (tally.accuracy, *tally.interval))
            print(one_line(name), distance, tally.pairs, *shares, sep="\t")
    if figures is not None:
        _draw(found, figures)


def _draw(found: Mapping[str, Summary], figures: Path) -> None:
    from bptt.report.agreement import AgreementPoint, draw_agreement

    curves = {
        f"{name}: {each.whole.accuracy:.1%}": [
            AgreementPoint(distance, tally.pairs, tally.accuracy, tally.interval)
            for distance, tally in each.by_distance.items()
        ]
        for name, each in found.items()
    }
    make_folder(figures)
    picture = figures / "agreement.png"
    draw_agreement(curves, picture)
    print(f"\npicture: {picture}")
