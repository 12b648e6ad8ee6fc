"""Several labels of an example, each true or false by itself: their rule and their metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from bptt.errors import InputError
from bptt.jobs.answers import Cell, ScoreTable
from bptt.jobs.classify.network import Labelling, unknown_label
from bptt.notebook import ShownMetrics
from bptt.runs.labels import check_line

if TYPE_CHECKING:
    from bptt.data.examples import Examples, X

# The least probability of a label that is answered.
_LEAST = 0.5
# Replaces ln 0, the logarithm of a probability that was rounded to 0, so that sums stay finite.
_LEAST_LOG = -1e4


class SeveralLabels(Labelling):
    """The logistic function: each label is true or false by itself. Targets are (N, K), 1 for a true label.

    A target names its labels, `separator` between them, or is a list of them in JSON; it may have none. The
    loss is the logistic one, −Σ [t ln p + (1 − t) ln(1 − p)], summed over the labels.
    """

    def __init__(self, separator: str) -> None:
        self._separator = separator

    def split(self, target: str) -> list[str]:
        """Return the labels of a target, each once."""
        # Lists in JSON are read as lines.
        parts = (part for line in target.split("\n") for part in line.split(self._separator))
        return list(dict.fromkeys(part.strip() for part in parts if part.strip()))

    def labels_of(self, examples: Examples[X, str]) -> tuple[str, ...]:
        """Return the labels of all examples. Raises InputError for fewer than two."""
        found: set[str] = set()
        for row in examples.rows:
            for label in self.split(row.target or ""):
                check_line(label, row.place)
                found.add(label)
        if len(found) < 2:
            rule = f"need two labels at least, {self._separator!r} between those of an example"
            cure = "Name the separator (`label_separator`), or leave `multi_label` out"
            raise InputError("labels", rule, ", ".join(sorted(found)) or "none", cure)
        return tuple(sorted(found))

    def number(self, target: str, place: str, labels: Sequence[str]) -> Tensor:
        """Return a row (K,) with a 1 for each label of the target."""
        row = torch.zeros(len(labels))
        for label in self.split(target):
            if label not in labels:
                raise unknown_label(label, place, labels)
            row[labels.index(label)] = 1
        return row

    @property
    def loss_name(self) -> str:
        """The logistic loss."""
        return "logistic"

    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """Return the logistic loss, summed over the labels."""
        return _loss(logits, targets)

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return ln σ of each logit."""
        return functional.logsigmoid(logits)

    def decide(self, log_probabilities: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return a 1 for each label whose probability is ½ at least."""
        return _decide(log_probabilities)

    def show(self, answer: Tensor, labels: Sequence[str]) -> str:
        """Return the true labels, separated; an empty text for none."""
        return self._separator.join(self.named(answer, labels))

    def named(self, answer: Tensor, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the true labels, in the order of `labels`."""
        return tuple(label for label, true in zip(labels, answer, strict=True) if true)


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)


def _decide(log_probabilities: Tensor) -> Tensor:
    return (log_probabilities.exp() >= _LEAST).to(log_probabilities.dtype)


@dataclass(frozen=True)
class SetScores(ShownMetrics):
    """The metrics by name, and a table with the precision, recall and F1 of each label."""

    metrics: dict[str, float]
    table: ScoreTable

    def _repr_html_(self) -> str:
        """Return the metrics, and those of each label, for a notebook."""
        return super()._repr_html_() + self.table._repr_html_()


def scores_of_sets(
    log_probabilities: Tensor, targets: Tensor, labels: tuple[str, ...], offsets: Tensor | None = None
) -> SetScores:
    """Return the scores of ln P (N, K) for targets (N, K), 1 for a true label.

    "loss" is the mean logistic loss of an example, in nats; "accuracy" the share of examples all of whose
    labels are right, "label_accuracy" the share of right labels; "micro_f1" F1 over all labels of all
    examples, "macro_f1" the mean of F1 over the labels that occur as target or answer.
    """
    answers, wanted = _decide(log_probabilities) > 0, targets > 0
    right = answers == wanted
    # ln (1 − p) without a difference of nearly equal numbers.
    log_p = log_probabilities.double()
    logits = log_p - torch.expm1(log_p).neg().log().clamp(min=_LEAST_LOG)
    hits, found, there = (each.sum(0).double() for each in (answers & wanted, answers, wanted))
    occurs = found + there > 0
    f1 = 2 * hits / (found + there).clamp(min=1)
    metrics = {
        "loss": _loss(logits, targets.double()).mean().item(),
        "accuracy": right.all(1).double().mean().item(),
        "label_accuracy": right.double().mean().item(),
        "micro_f1": (2 * hits.sum() / (found + there).sum().clamp(min=1)).item(),
        "macro_f1": f1[occurs].mean().item() if occurs.any() else 0.0,
        "examples": len(targets),
    }
    columns = zip(labels, hits / found.clamp(min=1), hits / there.clamp(min=1), f1, there, strict=True)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (label, *(f"{float(x):.4f}" for x in values), int(count)) for label, *values, count in columns
    )
    return SetScores(metrics, ScoreTable(("label", "precision", "recall", "f1", "of"), rows))
