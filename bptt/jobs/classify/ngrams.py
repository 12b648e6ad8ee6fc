"""The linear model beside a classifier's network: what it reads, and its fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bptt.jobs.supervised import SMALLER
from bptt.models.codecs.codec import Codec
from bptt.models.logistic import fit_logistic
from bptt.models.ngrams import BagEncoder, NgramList, NgramScores, gather_bags
from bptt.runs.memory import within_memory

# The inverse strength of the penalty, scikit-learn's C: of 1, 3 and 10 the best on most sets of texts that
# were tried, for vectors of norm 1.
_STRENGTH = 10.0

# The share of a network that has learned from N examples is S N / (N + M). It is surer than it is right, and
# the more so the fewer examples it has seen: a share of 1 loses on most sets, one of a half on a hundred.
_SHARE, _EXAMPLES = 0.5, 500


def read_part(codec: Codec[Any], given: Any, limit: int) -> Any:
    """Return a text or DNA as far as the network reads it: `limit` steps (0: all)."""
    return "".join(codec.spell(given)[:limit]) if limit and isinstance(given, str) else given


def importance_of(targets: Tensor, balance: bool) -> Tensor:
    """Return the weight of each example, (N,), 1 on average: if balanced, that of each label is the same."""
    if not balance:
        return torch.ones(len(targets))
    counts = torch.bincount(targets)
    return len(targets) / (len(counts) * counts[targets].float())


def fit_ngrams(
    scores: NgramScores, known: NgramList, inputs: Sequence[str], targets: Tensor, importance: Tensor
) -> None:
    """Fit the scores to all training inputs at once, and say what the network counts for beside them.

    Training the network leaves both as they are.
    """
    with within_memory("the n-grams", SMALLER):
        bags = gather_bags(list(map(BagEncoder(known), inputs)))
        classes = len(scores.bias)
        weight, bias = fit_logistic(bags, targets, importance, len(known), classes, _STRENGTH)
    scores.weight.copy_(weight)
    scores.bias.copy_(bias)
    scores.share.fill_(_SHARE * len(targets) / (len(targets) + _EXAMPLES))
