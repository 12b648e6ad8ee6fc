"""Minimal pairs: the preference of a language model between two sentences that differ in a word.

They measure long dependencies: L6 in docs/equations.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import sqrt

import torch
from torch import Tensor

from bptt.data.batches import Batch, Lines
from bptt.data.readers.minimal_pairs import MinimalPair, Prefix
from bptt.jobs.language.casing import CASES
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.scoring import score_lines
from bptt.nn.float64 import doubles
from bptt.options.checks import check_choice
from bptt.runs.evaluating import evaluating

# The 97.5 % quantile of the standard normal distribution: 95 % lie within ±.
_QUANTILE = 1.959964


@dataclass(frozen=True)
class Judged:
    """The judgement of a model on a pair.

    `difference` is ln P of the good sentence minus that of the bad one; `prefix_difference` is that of the
    two differing words given the prefix (the one-prefix method), None if the file has no prefix. `before` is
    the number of words before the first that differs. `unknown`: one of the sentences contains `<unk>`.
    """

    paradigm: str
    before: int
    difference: float
    prefix_difference: float | None
    unknown: bool


@dataclass(frozen=True)
class Tally:
    """Counts of pairs, of those whose good sentence is preferred (`right`), and of ties."""

    pairs: int
    right: int
    ties: int

    @property
    def accuracy(self) -> float:
        """The share of pairs that are right; a tie is not. NaN without pairs."""
        return self.right / self.pairs if self.pairs else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the accuracy (Wilson 1927). NaN without pairs."""
        if not self.pairs:
            return self.accuracy, self.accuracy
        share = _QUANTILE**2 / self.pairs
        centre = self.accuracy + share / 2
        spread = sqrt(share * (self.accuracy * (1 - self.accuracy) + share / 4))
        return (centre - spread) / (1 + share), (centre + spread) / (1 + share)


@dataclass(frozen=True)
class Summary:
    """Counts over all pairs (`whole`), over those without `<unk>` (`known`), and by the one-prefix method.

    `by_distance` has the counts by the number of words before the first that differs, in rising order.
    """

    whole: Tally
    known: Tally
    prefix: Tally
    by_distance: Mapping[int, Tally]


def judge_pairs(trained: Trained, pairs: Sequence[MinimalPair], case: str = "keep") -> list[Judged]:
    """Return the judgement on each pair, its text converted by a `case` of `CASES`.

    Raises InputError if `case` is unknown, or a sentence contains a newline.
    """
    check_choice("case", case, tuple(CASES))
    write = CASES[case]
    good = score_lines(trained, [write(pair.good) for pair in pairs])
    bad = score_lines(trained, [write(pair.bad) for pair in pairs])
    prefixes = iter(_prefix_differences(trained, [pair.prefix for pair in pairs if pair.prefix], write))
    return [
        Judged(
            pair.paradigm,
            _words_before(pair),
            # Rounding depends on the place in a batch, but equal tokens must be a tie.
            0.0 if one.tokens == other.tokens else one.log_probability - other.log_probability,
            next(prefixes) if pair.prefix else None,
            bool(one.unknown or other.unknown),
        )
        for pair, one, other in zip(pairs, good, bad, strict=True)
    ]


def summarise(judged: Sequence[Judged]) -> Summary:
    """Return the counts over `judged`."""
    distances = sorted({each.before for each in judged})
    return Summary(
        _tally(each.difference for each in judged),
        _tally(each.difference for each in judged if not each.unknown),
        _tally(each.prefix_difference for each in judged if each.prefix_difference is not None),
        {n: _tally(each.difference for each in judged if each.before == n) for n in distances},
    )


def _tally(differences: Iterable[float]) -> Tally:
    found = tuple(differences)
    return Tally(len(found), sum(each > 0 for each in found), found.count(0.0))


def beginning_log_probabilities(trained: Trained, texts: Sequence[str], batch_size: int = 64) -> list[float]:
    """Return ln P that a line begins with each text, and that the last word of the text ends there.

    A word ends if the next token does not continue it with a letter, a digit or an apostrophe.
    """
    vocabulary = trained.vocabulary
    tokens = vocabulary.encode("".join(f"{text}\n" for text in texts))
    lines = Lines(tokens, trained.config.data.before_line)
    ends = torch.tensor([not _goes_on(piece) for piece in vocabulary.pieces])  # (V,)
    found = torch.empty(len(texts), dtype=torch.float64)
    for rows in torch.split(torch.argsort(lines.lengths, stable=True), batch_size):
        found[rows] = _begin(trained.model, lines.batch(rows), lines.lengths[rows] - 1, ends)
    return [float(value) for value in found]


def _begin(model: LanguageModel, batch: Batch, last: Tensor, ends: Tensor) -> Tensor:
    """Return the same for a batch (T, B) of lines whose `<eos>` is the target at `last` (B,)."""
    batch, columns = batch.to(model.device), torch.arange(len(last))
    with evaluating(model):
        output, _ = model.read(batch.inputs)
        values = doubles(model.score(output, batch.targets))  # (T, B)
        after = doubles(model.predict(output[last, columns])).log_softmax(1)  # (B, V)
        found = values.sum(0) - values[last, columns] + after[:, ends.to(after.device)].logsumexp(1)
    return found.cpu()


def _goes_on(piece: bytes) -> bool:
    """Return whether a token continues the word before it; one that begins inside a character does."""
    first = piece.decode("utf-8", "replace")[:1]
    return first.isalnum() or first in "'’\ufffd"


def _prefix_differences(
    trained: Trained, prefixes: Sequence[Prefix], write: Callable[[str], str]
) -> list[float]:
    if not prefixes:
        return []
    good = [write(f"{each.text} {each.good}") for each in prefixes]
    bad = [write(f"{each.text} {each.bad}") for each in prefixes]
    encode = trained.vocabulary.encode
    values = (beginning_log_probabilities(trained, texts) for texts in (good, bad))
    same = (torch.equal(encode(one), encode(other)) for one, other in zip(good, bad, strict=True))
    return [0.0 if equal else x - y for equal, x, y in zip(same, *values, strict=True)]


def _words_before(pair: MinimalPair) -> int:
    words = zip(pair.good.split(), pair.bad.split(), strict=False)
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], words))
