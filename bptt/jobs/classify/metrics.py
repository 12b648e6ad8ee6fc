"""Metrics of classification: accuracy, macro F1, confusion matrix and calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bptt.jobs.classify.network import decide as decide
from bptt.notebook import ShownMetrics, table_html

# Answers to inputs with one right label, as lists of many classes are measured.
_TOP = 5
# Bins of confidence in the calibration error: 15, as Guo et al. 2017.
_BINS = 15
# Labels whose confusion matrix fits into a notebook.
_FEW = 20


@dataclass(frozen=True)
class Scores(ShownMetrics):
    """The metrics by name, and the confusion matrix.

    `confusion` (K, K) counts examples by label (rows) and answer (columns), both in the order of `labels`.
    """

    metrics: dict[str, float]
    confusion: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]

    def _repr_html_(self) -> str:
        """Return the metrics, and the confusion matrix of few labels, for a notebook."""
        html = super()._repr_html_()
        if len(self.labels) <= _FEW:
            rows = [(f"is {n}", *map(str, row)) for n, row in zip(self.labels, self.confusion, strict=True)]
            html += table_html(("", *self.labels), rows)
        return html


def confusions(targets: Tensor, answers: Tensor, classes: int) -> Tensor:
    """Return the confusion matrix (K, K): counts by target (rows) and answer (columns)."""
    return torch.bincount(targets * classes + answers, minlength=classes**2).view(classes, classes)


def scores(
    log_probabilities: Tensor, targets: Tensor, labels: tuple[str, ...], offsets: Tensor | None = None
) -> Scores:
    """Return the scores of ln P (N, K) for targets (N,); answers are those of `decide` with the offsets.

    "loss" is the mean of -ln P of the target, in nats; "macro_f1" the mean of F1 over the labels that occur
    as target or answer; "calibration_error" the expected calibration error: the mean absolute difference
    between confidence and accuracy, over 15 equal bins of confidence (Guo et al. 2017, eq. 3). Of more than
    five labels, "top5_accuracy" is the share of targets among the five most probable ones.
    """
    answers = decide(log_probabilities, offsets)
    confidence = log_probabilities.exp().gather(1, answers[:, None])[:, 0]
    pairs = confusions(targets, answers, len(labels))
    right = answers == targets
    top = {}
    if len(labels) > _TOP:
        among = log_probabilities.topk(_TOP).indices == targets[:, None]  # (N, 5)
        top = {f"top{_TOP}_accuracy": among.any(1).double().mean().item()}
    metrics = {
        "loss": functional.nll_loss(log_probabilities, targets).item(),
        "accuracy": right.double().mean().item(),
        **top,
        "macro_f1": _macro_f1(pairs),
        "calibration_error": _calibration_error(confidence, right),
        "examples": len(targets),
    }
    return Scores(metrics, tuple(map(tuple, pairs.tolist())), labels)


def _macro_f1(pairs: Tensor) -> float:
    found, there = pairs.sum(0), pairs.sum(1)
    occurs = found + there > 0
    return (2 * pairs.diagonal()[occurs] / (found + there)[occurs]).double().mean().item()


def _calibration_error(confidence: Tensor, right: Tensor) -> float:
    bins = (confidence * _BINS).long().clamp(max=_BINS - 1)
    differences = (right.double() - confidence.double()).new_zeros(_BINS)
    differences.index_add_(0, bins, right.double() - confidence.double())
    return (differences.abs().sum() / len(right)).item()


def scores_of_folds(answers: Sequence[tuple[tuple[str, ...], Tensor, Sequence[str]]]) -> Scores:
    """Return the scores of all folds together, given the labels, ln P (N, K) and N targets of each fold.

    A label that does not occur in the training rows of a fold has probability 0 there.
    """
    known = {label for labels, _, targets in answers for label in (*labels, *targets)}
    every = tuple(sorted(known))
    wide = []
    for labels, found, targets in answers:
        columns = [every.index(label) for label in labels]
        wide.append(found.new_full((len(targets), len(every)), -torch.inf))
        wide[-1][:, columns] = found
    numbers = [every.index(label) for _, _, targets in answers for label in targets]
    return scores(torch.cat(wide), torch.tensor(numbers), every)
