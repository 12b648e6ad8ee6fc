"""The linear model of n-grams beside a classifier's network: its inputs and its fit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.models.encoded import SMALLER
from bptt.models.logistic import fit_logistic
from bptt.models.ngrams import BagEncoder, NgramList, NgramScores, gather_bags
from bptt.runs.memory import within_memory

# The inverse strength of the L2 penalty, scikit-learn's C: the best of 1, 3 and 10 on most text data sets
# tried, for vectors of norm 1.
_STRENGTH = 10.0

# The weight of the network's logits after N training examples is S N / (N + M), with S = _SHARE and
# M = _EXAMPLES. Networks are overconfident, and more so with fewer examples: a weight of 1 loses accuracy on
# most data sets tried, a weight of ½ still on those with a hundred examples.
_SHARE, _EXAMPLES = 0.5, 500


def importance_of(targets: Tensor, balance: bool) -> Tensor:
    """Return the weight of each example, (N,), 1 on average; if balanced, equal in sum for all labels."""
    if not balance:
        return torch.ones(len(targets))
    counts = torch.bincount(targets)
    return len(targets) / (len(counts) * counts[targets].float())


def fit_ngrams(
    scores: NgramScores, known: NgramList, inputs: Sequence[str], targets: Tensor, importance: Tensor
) -> None:
    """Fit the linear model to all training inputs, and set the weight of the network's logits beside it.

    Training the network changes neither.
    """
    with within_memory("the n-grams", SMALLER):
        bags = gather_bags(list(map(BagEncoder(known), inputs)))
        classes = len(scores.bias)
        weight, bias = fit_logistic(bags, targets, importance, len(known), classes, _STRENGTH)
    scores.weight.copy_(weight)
    scores.bias.copy_(bias)
    scores.share.fill_(_SHARE * len(targets) / (len(targets) + _EXAMPLES))
