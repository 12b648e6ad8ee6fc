"""Decision thresholds: an offset to ln P of each label, chosen to maximise macro F1."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import torch
from torch import Tensor

from bptt.jobs.classify.metrics import confusions, decide

# Each round moves every offset once. Macro F1 rises from round to round, mostly in the first two; the limit
# bounds the time.
_MOST_ROUNDS = 10
# A threshold in a narrower gap between examples may not separate them in float32; a smaller gain may be a
# rounding error.
_LEAST_GAP, _LEAST_GAIN = 1e-4, 1e-9
# Replaces ln 0, the logarithm of a probability that was rounded to 0, so that sums stay finite.
_LEAST_LOG = -1e4
_MOST_SHOWN = 8


def choose_offsets(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return offsets (K,) float32 that maximise macro F1, given ln P (N, K) and the targets (N,).

    The answer is the label with the largest sum of ln P and offset. Starting from zero, one offset after
    another moves to its best value, by the smallest change that reaches it, until none gains (coordinate
    ascent): macro F1 is never below that of zeros, and for two labels it is the global maximum. A label
    without targets keeps the offset 0; if all targets have one label, all offsets are 0.
    """
    scores = log_probabilities.float().clamp(min=_LEAST_LOG)
    classes = scores.shape[1]
    there = torch.bincount(targets, minlength=classes)
    offsets = scores.new_zeros(classes)
    # For two labels, one threshold decides.
    moving = [k for k in range(1 if classes == 2 else 0, classes) if there[k]]
    for _ in range(_MOST_ROUNDS if int((there > 0).sum()) > 1 else 0):
        before = offsets.clone()
        for k in moving:
            offsets[k] += _best_offset((scores + offsets).double(), targets, there, k)
        if torch.equal(offsets, before):
            break
    none = torch.zeros_like(offsets)
    found, usual = (_macro_f1(targets, decide(log_probabilities, each), there) for each in (offsets, none))
    # If examples lie exactly on a threshold, rounding to float32 may undo the gain.
    return offsets if found > usual else none


def _best_offset(scores: Tensor, targets: Tensor, there: Tensor, k: int) -> float:
    """Return the change of the score of label `k` that maximises macro F1, 0 if none gains."""
    others = scores.clone()
    others[:, k] = -torch.inf
    best, rival = others.max(1)
    # The rise that makes label `k` the answer to each example.
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
    """Return macro F1 (N + 1,) if the label `k` is the answer to the first 0, 1, ..., N examples.

    The answer to the other examples is their rival; `there` (K,) counts the targets of each label.
    """
    classes = len(there)
    answered = torch.arange(len(targets) + 1)
    hits = _with_zero((targets == k).long().cumsum(0))
    f1, occurs = _f1(hits, answered, there[k])
    # Examples are grouped by rival; each rival loses its examples one by one.
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
    """Return F1, and 1 if the label occurs as target or answer; else 0 and 0."""
    count = found + there
    return 2.0 * right.double() / count.clamp(min=1), (count > 0).double()


def _with_zero(sums: Tensor) -> Tensor:
    return torch.cat([sums.new_zeros(1), sums])


def describe_offsets(offsets: Tensor, labels: Sequence[str]) -> str:
    """Describe the thresholds in words."""
    if not offsets.any():
        return "thresholds: none, the most probable label is the answer"
    if len(labels) == 2:
        # From this probability on, ln P + offset of the second label is the larger one.
        least = 1 / (1 + exp(float(offsets[1] - offsets[0])))
        return f"thresholds: {labels[1]!r} is the answer from a probability of {least:.4f} on"
    order = offsets.abs().argsort(descending=True, stable=True)[:_MOST_SHOWN]
    shown = ", ".join(f"{labels[k]} {offsets[k]:+.4f}" for k in order.tolist() if offsets[k])
    return f"thresholds: the answer is the label of the largest ln P + offset: {shown}; others 0"
