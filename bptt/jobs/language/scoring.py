"""The probability of sentences: P(w_1 ... w_n) = Π P(w_t | w_1 ... w_{t-1}), token by token (L2).

A line is a sentence. It is read from the initial states, after what came before a line in training: a zero
vector where sentences were learned, else `<eos>` (`DataOptions.before_line`). `<eos>`, the newline, is its
last token in both modes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import fsum, log

import torch
from torch import Tensor

from bptt.data.batches import Batch, Lines
from bptt.data.vocabulary_options import UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.evaluation import perplexity
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import START, LanguageModel
from bptt.options.checks import check_choice, check_least
from bptt.runs.evaluating import evaluating

# What a user calls the base of a logarithm -> its natural logarithm.
BASES: Mapping[str, float] = {"e": 1.0, "2": log(2), "10": log(10)}

# So many lines are looked at to find some of similar length for a batch.
_WINDOW = 4096
# So many logits are computed at a time, whatever the length of the lines and the size of V.
_LOGITS = 1 << 24


@dataclass(frozen=True)
class LineScore:
    """ln P of each token of a line, `<eos>` the last; `characters` counts the line and its newline, `words`
    what is between white space.
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    characters: int
    words: int = 0

    @property
    def log_probability(self) -> float:
        """The line's ln P, in nats."""
        return fsum(self.log_probabilities)

    @property
    def unknown(self) -> int:
        """How many of the tokens are `<unk>`."""
        return self.tokens.count(UNKNOWN)


@dataclass(frozen=True)
class Totals:
    """Sums over lines; `known` is the part of ln P that is not of `<unk>`."""

    lines: int = 0
    tokens: int = 0
    unknown: int = 0
    characters: int = 0
    log_probability: float = 0.0
    known: float = 0.0
    words: int = 0

    def add(self, score: LineScore) -> Totals:
        """The sums with one line more."""
        pairs = zip(score.tokens, score.log_probabilities, strict=True)
        return Totals(
            self.lines + 1,
            self.tokens + len(score.tokens),
            self.unknown + score.unknown,
            self.characters + score.characters,
            self.log_probability + score.log_probability,
            self.known + fsum(value for token, value in pairs if token != UNKNOWN),
            self.words + score.words,
        )

    @property
    def perplexity(self) -> float:
        """Per token, `<eos>` and `<unk>` counted."""
        return perplexity(-self.log_probability / self.tokens)

    @property
    def known_perplexity(self) -> float:
        """Per token, `<eos>` counted, `<unk>` left out."""
        return perplexity(-self.known / (self.tokens - self.unknown))

    @property
    def word_perplexity(self) -> float:
        """Per word between white space and line end, as KenLM and SRILM count; `<unk>` counted."""
        return perplexity(-self.log_probability / (self.words + self.lines))

    @property
    def bits_per_character(self) -> float:
        """Per character of the text, newlines counted."""
        return -self.log_probability / log(2) / self.characters


def base_logarithm(base: str) -> float:
    """What natural logarithms are divided by to have the base "e", "2" or "10". Raises InputError."""
    check_choice("base", base, tuple(BASES))
    return BASES[base]


def score_lines(trained: Trained, lines: Iterable[str], batch_size: int = 64) -> Iterator[LineScore]:
    """The score of each line, in their order. The result does not depend on `batch_size`.

    Raises InputError for a line with a newline in it, and for a `batch_size` below 1.
    """
    check_least("batch_size", batch_size, 1)
    remaining = iter(lines)
    while window := list(islice(remaining, _WINDOW)):
        yield from _score_window(trained, window, batch_size)


def token_log_probabilities(model: LanguageModel, batch: Batch) -> Tensor:
    """The ln P of each target (T, B) given what was read before it; 0 in the padding."""
    states = START
    steps = max(1, _LOGITS // (batch.inputs.shape[1] * model.vocabulary_size))
    parts = []
    for start in range(0, len(batch.inputs), steps):
        inputs, targets = (part[start : start + steps] for part in (batch.inputs, batch.targets))
        output, states = model.read(inputs, states)
        parts.append(model.score(output, targets))
    return torch.cat(parts)


def _score_window(trained: Trained, window: list[str], batch_size: int) -> list[LineScore]:
    model, vocabulary, config = trained
    for line in window:
        if "\n" in line:
            raise InputError("line", "a line to score has no newline in it", repr(line))
    tokens = vocabulary.encode("".join(line + "\n" for line in window))
    lines = Lines(tokens, config.data.before_line)
    found: dict[int, LineScore] = {}
    for rows in torch.split(torch.argsort(lines.lengths, stable=True), batch_size):
        batch = lines.batch(rows).to(model.device)
        with evaluating(model):
            values = token_log_probabilities(model, batch).t().tolist()
        for row, target, ln in zip(rows.tolist(), batch.targets.t().tolist(), values, strict=True):
            length, line = int(lines.lengths[row]), window[row]
            counts = vocabulary.characters(line) + 1, vocabulary.words(line)
            found[row] = LineScore(tuple(target[:length]), tuple(ln[:length]), *counts)
    return [found[row] for row in range(len(window))]
