"""Bags of n-grams: an input as weighted n-grams of a list, and the linear model on them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.data.reading import read_bytes
from bptt.deferred import deferred
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.ngrams import NgramRule

_decode_text = deferred("bptt.data.text", "decode_text")

FILE = "ngrams.json"

# An n-gram of one example says nothing about others.
_LEAST_EXAMPLES = 2


class Bags(NamedTuple):
    """The n-grams of B inputs, one behind the other: `numbers` (N,) int64 in the list, `values` (N,)
    float32, and `starts` (B,) int64, where each input begins.
    """

    numbers: Tensor
    values: Tensor
    starts: Tensor

    def to(self, device: torch.device) -> Bags:
        """Return the same on another device."""
        return Bags(*(tensor.to(device) for tensor in self))


Bag = tuple[Tensor, Tensor]


def gather_bags(bags: Sequence[Bag]) -> Bags:
    """Return the numbers and values of several inputs as one batch."""
    sizes = torch.tensor([len(numbers) for numbers, _ in bags])
    numbers, values = (torch.cat(each) for each in zip(*bags, strict=True))
    return Bags(numbers, values, sizes.cumsum(0) - sizes)


def sum_bags(bags: Bags, weights: Tensor) -> Tensor:
    """Return Σ_n v_n w_n of each bag, (B, K), for `weights` (V, K) of the dtype of the values."""
    return functional.embedding_bag(
        bags.numbers, weights, bags.starts, mode="sum", per_sample_weights=bags.values
    )


@dataclass(frozen=True)
class NgramList:
    """The n-grams that a linear model knows, in `groups`, each with its inverse document frequency.

    A bag holds for each of its n-grams (1 + ln count) · idf, divided by the norm of the group. `placed`
    says that k-mers of DNA are known by their place, as in windows of one length.
    """

    rule: NgramRule
    placed: bool
    groups: tuple[Mapping[str, float], ...]

    @classmethod
    def build(cls, rule: NgramRule, inputs: Sequence[str]) -> NgramList:
        """Know the n-grams that two inputs or more have."""
        placed = rule.may_be_placed and len({len(each) for each in inputs}) == 1
        counts: list[Counter[str]] = []
        for each in inputs:
            groups = rule.cut(each, placed)
            counts = counts or [Counter() for _ in groups]
            for counter, grams in zip(counts, groups, strict=True):
                counter.update(set(grams))
        idf = _inverse_frequency(len(inputs)) if rule.weighs else lambda _: 1.0
        known = (
            {gram: idf(n) for gram, n in sorted(counter.items()) if n >= _LEAST_EXAMPLES}
            for counter in counts
        )
        return cls(rule, placed, tuple(known))

    @classmethod
    def load(cls, run: Path, rule: NgramRule) -> NgramList:
        """Read what `to_bytes` gave. Raises InputError if the file is missing or damaged."""
        path, cure = run / FILE, "Restore the file, or train again"
        text: str = _decode_text(read_bytes(path, cure), str(path), packed=False)
        try:
            found = json.loads(text)
            placed, groups = found["placed"], found["groups"]
            fits = isinstance(placed, bool) and all(_is_group(group) for group in groups)
        except (ValueError, RecursionError, TypeError, KeyError):
            fits = False
        if not fits or len(groups) != len(rule.cut("", False)):
            raise InputError(str(path), 'must hold "placed" and the "groups" of n-grams', "others", cure)
        return cls(rule, placed, tuple(groups))

    def __len__(self) -> int:
        return sum(map(len, self.groups))

    def to_bytes(self) -> bytes:
        """Return the list as JSON."""
        content = {"placed": self.placed, "groups": self.groups}
        return (json.dumps(content, ensure_ascii=False, indent=0) + "\n").encode("utf-8")

    def describe(self) -> str:
        """Return a line on their number, for the user."""
        what = self.rule.describe([len(group) for group in self.groups], self.placed)
        return f"beside the recurrent network: logistic regression on {what} (`no_ngrams` leaves it out)"


class BagEncoder:
    """Makes the bags of inputs; n-grams that the list does not know are left out."""

    def __init__(self, known: NgramList) -> None:
        self.known = known
        self._numbers: list[dict[str, int]] = []
        for group in known.groups:
            first = sum(map(len, self._numbers))
            self._numbers.append({gram: first + n for n, gram in enumerate(group)})

    def __call__(self, given: str) -> Bag:
        """Return the numbers and the values of the n-grams of an input."""
        found: list[int] = []
        values: list[float] = []
        groups = self.known.rule.cut(given, self.known.placed)
        for grams, group, number in zip(groups, self.known.groups, self._numbers, strict=True):
            counts = Counter(gram for gram in grams if gram in group)
            weights = [(1 + log(count)) * group[gram] for gram, count in counts.items()]
            norm = sum(weight * weight for weight in weights) ** 0.5
            found += [number[gram] for gram in counts]
            values += [weight / norm for weight in weights]
        return torch.tensor(found, dtype=torch.int64), torch.tensor(values, dtype=torch.float32)


class NgramScores(nn.Module):
    """The linear model Σ_n v_n w_n + b on bags: V n-grams, K classes. Its weights are fitted, not trained.

    `share`, a number, is what the logits of a network count for beside these.
    """

    weight: Tensor
    bias: Tensor
    share: Tensor

    def __init__(self, ngrams: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(ngrams, classes))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("share", torch.zeros(()))

    def forward(self, bags: Bags) -> Tensor:
        """Return the logits (B, K) of bags."""
        return sum_bags(bags._replace(values=bags.values.to(self.weight.dtype)), self.weight) + self.bias


def _inverse_frequency(examples: int) -> Callable[[int], float]:
    """Return ln((1 + N) / (1 + n)) + 1 for an n-gram of n examples, as scikit-learn does."""
    return lambda count: log((1 + examples) / (1 + count)) + 1


def _is_group(group: object) -> bool:
    return isinstance(group, dict) and all(_is_weight(value) for value in group.values())


def _is_weight(value: object) -> bool:
    return isinstance(value, float) and 0 < value < float("inf")
