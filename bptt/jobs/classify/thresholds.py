"""Decision thresholds: an offset to ln P of each label, chosen where macro F1 is the largest."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import torch
from torch import Tensor

from bptt.jobs.classify.metrics import confusions, decide

# Each round moves every offset once; the score rises from round to round, mostly in the first two.
_MOST_ROUNDS = 10
# A smaller gap between examples might be none in float32, and a smaller gain is one of rounding.
_LEAST_GAP, _LEAST_GAIN = 1e-4, 1e-9
# What ln 0, the logarithm of a probability that was rounded to 0, counts as.
_LEAST_LOG = -1e4
_MOST_SHOWN = 8


def choose_offsets(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return the offsets (K,) float32 that make macro F1 large, given ln P (N, K) and the targets (N,).

    The answer is the label with the largest sum of ln P and offset. From zero on, one offset after another
    moves to its best value, as little as it takes, until none gains: macro F1 is never below that of zeros.
    For two labels it is the largest there is. A label that no target has keeps the offset 0, and of targets
    of one label alone nothing is chosen.
    """
    scores = log_probabilities.float().clamp(min=_LEAST_LOG)
    classes = scores.shape[1]
    there = torch.bincount(targets, minlength=classes)
    offsets = scores.new_zeros(classes)
    # Of two labels one threshold decides.
    moving = [k for k in range(1 if classes == 2 else 0, classes) if there[k]]
    for _ in range(_MOST_ROUNDS if int((there > 0).sum()) > 1 else 0):
        before = offsets.clone()
        for k in moving:
            offsets[k] += _best_offset((scores + offsets).double(), targets, there, k)
        if torch.equal(offsets, before):
            break
    none = torch.zeros_like(offsets)
    found, usual = (_macro_f1(targets, decide(log_probabilities, each), there) for each in (offsets, none))
    # Where examples lie on a threshold to the last digit, rounding may take back what was gained.
    return offsets if found > usual else none


def _best_offset(scores: Tensor, targets: Tensor, there: Tensor, k: int) -> float:
    """Return by how much the score of label `k` is to rise, or to fall if below 0."""
    others = scores.clone()
    others[:, k] = -torch.inf
    best, rival = others.max(1)
    # What it has to rise by, to become the answer to each example.
    rises, order = (best - scores[:, k]).sort(stable=True)
    values = _macro_f1_after(targets[order], rival[order], there, k)
    edges = torch.cat([rises[:1] - 2, rises, rises[-1:] + 2])
    middles, gaps = (edges[1:] + edges[:-1]) / 2, edges.diff()
    now = _macro_f1(targets, scores.max(1).indices, there)
    values = torch.where(gaps > _LEAST_GAP, values, -torch.inf)
    if values.max() <= now + _LEAST_GAIN:
        return 0.0
    is_best = values > values.max() - _LEAST_GAIN
    return middles[is_best][middles[is_best].abs().argmin()].item()


def _macro_f1(targets: Tensor, answers: Tensor, there: Tensor) -> float:
    """Return the mean of F1 over the labels that occur."""
    pairs = confusions(targets, answers, len(there))
    f1, occurs = _f1(pairs.diagonal(), pairs.sum(0), there)
    return float(f1.sum() / occurs.sum())


def _macro_f1_after(targets: Tensor, rivals: Tensor, there: Tensor, k: int) -> Tensor:
    """Return macro F1 (N + 1,) when the label `k` is the answer to the first 0, 1, ..., N examples.

    To the others the answer is their rival; `there` (K,) counts the targets of each label.
    """
    classes = len(there)
    answered = torch.arange(len(targets) + 1)
    hits = _with_zero((targets == k).long().cumsum(0))
    f1, occurs = _f1(hits, answered, there[k])
    # In groups of one rival, which loses its examples one by one.
    group = rivals.sort(stable=True)
    label, places = group.values, group.indices
    right = (targets[places] == label).long()
    found = torch.bincount(rivals, minlength=classes)
    kept = right.new_zeros(classes).index_add(0, label, right)
    first = found.cumsum(0) - found
    lost = torch.arange(len(targets)) - first[label] + 1
    lost_right = right.cumsum(0) - (right.cumsum(0) - right)[first[label]]
    after = _f1(kept[label] - lost_right, found[label] - lost, there[label])
    before = _f1(kept[label] - lost_right + right, found[label] - lost + 1, there[label])
    rest = [other for other in range(classes) if other != k]
    start = _f1(kept[rest], found[rest], there[rest])
    sums = []
    for one, other, begin in zip(after, before, start, strict=True):
        changes = torch.zeros(len(targets), dtype=torch.float64).index_add(0, places, one - other)
        sums.append(begin.sum() + _with_zero(changes.cumsum(0)))
    return (f1 + sums[0]) / (occurs + sums[1])


def _f1(right: Tensor, found: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """Return F1, and 1 if the label occurs as target or as answer, else 0 for both."""
    count = found + there
    return 2.0 * right.double() / count.clamp(min=1), (count > 0).double()


def _with_zero(sums: Tensor) -> Tensor:
    return torch.cat([sums.new_zeros(1), sums])


def describe_offsets(offsets: Tensor, labels: Sequence[str]) -> str:
    """Return the thresholds in words."""
    if not offsets.any():
        return "thresholds: none, the most probable label is the answer"
    if len(labels) == 2:
        # ln P + offset of the second label is the larger one from here on.
        least = 1 / (1 + exp(float(offsets[1] - offsets[0])))
        return f"thresholds: {labels[1]!r} is the answer from a probability of {least:.4f} on"
    order = offsets.abs().argsort(descending=True, stable=True)[:_MOST_SHOWN]
    shown = ", ".join(f"{labels[k]} {offsets[k]:+.4f}" for k in order.tolist() if offsets[k])
    return f"thresholds: the answer is the label of the largest ln P + offset: {shown}; others 0"
