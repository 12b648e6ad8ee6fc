"""Scores of entities by seqeval, the library that papers cite, in both of its modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from bptt.data.examples import Words
from bptt.data.schemes import BIO, IOB1, Scheme, in_roles
from bptt.errors import InputError
from bptt.jobs.tag.metrics import EntityScores, Score

try:
    import seqeval.metrics
    import seqeval.scheme
except ImportError:
    seqeval = None

INSTALLED = seqeval is not None

_MEANS = ("micro avg", "macro avg", "weighted avg")


def seqeval_scores(gold: Sequence[Words], found: Sequence[Words], written: Scheme) -> list[EntityScores]:
    """Return the scores of entities in tags of the scheme `written`, by both modes of seqeval.

    The default mode reads tags as conlleval does; the strict mode ignores entities that break the scheme.
    Raises InputError if seqeval is not installed.
    """
    if seqeval is None:
        cure = "Install it: pip install 'bptt[metrics]'"
        raise InputError("strict mode", "needs seqeval", "no such package", cure)
    # seqeval has no schemes with letters such as M and W: their tags are rewritten with the letters of IOBES.
    name = {IOB1: "IOB1", BIO: "IOB2"}.get(written, "IOBES")
    gold_tags, found_tags = ([list(in_roles(tags)) for tags in sentences] for sentences in (gold, found))
    scheme = getattr(seqeval.scheme, name)
    default, strict = (
        seqeval.metrics.classification_report(
            gold_tags, found_tags, output_dict=True, mode=mode, scheme=scheme, zero_division=0
        )
        for mode in (None, "strict")
    )
    by = f"seqeval {version('seqeval')}"
    return [_read(f"{by}, default mode", default), _read(f"{by}, strict mode ({name})", strict)]


def _read(rule: str, report: Mapping[str, Mapping[str, Any]]) -> EntityScores:
    types = {kind: _score(values) for kind, values in report.items() if kind not in _MEANS}
    return EntityScores(rule, _score(report["micro avg"]), types)


def _score(values: Mapping[str, Any]) -> Score:
    precision, recall, f1 = (float(values[name]) for name in ("precision", "recall", "f1-score"))
    return Score(precision, recall, f1, int(values["support"]))
