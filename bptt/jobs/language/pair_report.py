"""The report on minimal pairs: the share of pairs whose good sentence a language model prefers."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.document import read_document
from bptt.data.readers.minimal_pairs import MinimalPair, holds_minimal_pairs, read_minimal_pairs
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.language.casing import case_note, detect_case
from bptt.jobs.language.minimal_pairs import judge_pairs, summarise
from bptt.jobs.language.model import Trained


def read_pairs(data: Path) -> tuple[MinimalPair, ...]:
    """Return the pairs of a file, or of all files *.jsonl in a folder; () if a file has other content."""
    files = sorted(data.glob("*.jsonl")) if data.is_dir() else [data]
    if not data.is_dir() and read_bytes(data).startswith(PARQUET):
        return ()
    documents = [read_document(file) for file in files]
    if not all(map(holds_minimal_pairs, documents)):
        return ()
    return tuple(pair for document in documents for pair in read_minimal_pairs(document))


def report_pairs(trained: Trained, pairs: tuple[MinimalPair, ...]) -> EvaluationReport:
    """Return the accuracy by paradigm, and by the number of words before the first that differs."""
    case = detect_case(trained, (pair.good for pair in pairs))
    judged = judge_pairs(trained, pairs, case)
    names = dict.fromkeys(each.paradigm for each in judged)
    found = {name: summarise([each for each in judged if each.paradigm == name]) for name in names}
    paradigms = ScoreTable(
        ("paradigm", "pairs", "accuracy", "ties", "with <unk>", "accuracy without", "one-prefix accuracy"),
        tuple(
            (
                name,
                each.whole.pairs,
                f"{each.whole.accuracy:.4f}",
                each.whole.ties,
                each.whole.pairs - each.known.pairs,
                f"{each.known.accuracy:.4f}",
                f"{each.prefix.accuracy:.4f}",
            )
            for name, each in found.items()
        ),
    )
    distances = ScoreTable(
        ("paradigm", "words before", "pairs", "accuracy", "95 % from", "to"),
        tuple(
            (name, distance, tally.pairs, *(f"{share:.4f}" for share in (tally.accuracy, *tally.interval)))
            for name, each in found.items()
            for distance, tally in each.by_distance.items()
        ),
    )
    notes = (trained.config.data.line_context, *case_note(case))
    return EvaluationReport({}, (paradigms, distances), notes, found, "agreement.png")
