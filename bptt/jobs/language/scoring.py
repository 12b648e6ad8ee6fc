"""The probability of sentences: P(w_1 ... w_n) = Π P(w_t | w_1 ... w_{t-1}), token by token.

L2 in docs/equations.md. A line is a sentence. It is read from the initial states, after the input that
preceded a line in training: a zero vector in the mode "sentences", else `<eos>` (`DataOptions.before_line`).
`<eos>`, the newline, is its last token in both modes.
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
from bptt.jobs.language.network import START, LanguageModel, States
from bptt.jobs.language.text_read import TextRead, before_line, continued
from bptt.notebook import ShownRow
from bptt.options.checks import check_choice, check_least
from bptt.runs.evaluating import evaluating

# The bases of logarithms by name, each with its natural logarithm.
BASES: Mapping[str, float] = {"e": 1.0, "2": log(2), "10": log(10)}

# The number of lines that are sorted by length at a time, to form batches with little padding.
_WINDOW = 4096
# The number of logits computed at a time, which bounds the memory for any length of lines and any V:
# 64 MiB in float32.
_LOGITS = 1 << 24


@dataclass(frozen=True)
class LineScore(ShownRow):
    """The ln P of each token of a line, `<eos>` the last.

    `characters` counts the line and its newline, `words` those between white space.
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    characters: int
    words: int = 0

    @property
    def log_probability(self) -> float:
        """The ln P of the line, in nats."""
        return fsum(self.log_probabilities)

    @property
    def unknown(self) -> int:
        """The number of `<unk>` among the tokens."""
        return self.tokens.count(UNKNOWN)

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        counts = {"tokens": str(len(self.tokens)), "unknown": str(self.unknown)}
        return {"ln P": f"{self.log_probability:.3f}", **counts}


@dataclass(frozen=True)
class Totals:
    """Sums over lines; `known` is ln P without that of `<unk>`."""

    lines: int = 0
    tokens: int = 0
    unknown: int = 0
    characters: int = 0
    log_probability: float = 0.0
    known: float = 0.0
    words: int = 0

    def add(self, score: LineScore) -> Totals:
        """Return the sums with one more line."""
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
        """Perplexity per token, `<eos>` and `<unk>` counted."""
        return perplexity(-self.log_probability / self.tokens)

    @property
    def known_perplexity(self) -> float:
        """Perplexity per token, `<eos>` counted, `<unk>` left out."""
        return perplexity(-self.known / (self.tokens - self.unknown))

    @property
    def word_perplexity(self) -> float:
        """Perplexity per word and line end, as KenLM and SRILM count; `<unk>` counted."""
        return perplexity(-self.log_probability / (self.words + self.lines))

    @property
    def bits_per_character(self) -> float:
        """Bits per character of the text, newlines counted."""
        return -self.log_probability / log(2) / self.characters


def base_logarithm(base: str) -> float:
    """Return the divisor that converts natural logarithms to the base "e", "2" or "10".

    Raises InputError for another base.
    """
    check_choice("base", base, tuple(BASES))
    return BASES[base]


def score_lines(
    trained: Trained, lines: Iterable[str], batch_size: int = 64, behind: TextRead | None = None
) -> Iterator[LineScore]:
    """Yield the score of each line, in order, or of the rest of a line `behind` a text that has been read.

    Results do not depend on `batch_size`.

    Raises InputError if a line contains a newline, or `batch_size` is below 1.
    """
    check_least("batch_size", batch_size, 1)
    remaining = iter(lines)
    while window := list(islice(remaining, _WINDOW)):
        yield from _score_window(trained, window, batch_size, behind or before_line(trained))


def token_log_probabilities(model: LanguageModel, batch: Batch, states: States = START) -> Tensor:
    """Return ln P of each target (T, B) given the inputs before it; 0 in the padding."""
    steps = max(1, _LOGITS // (batch.inputs.shape[1] * model.vocabulary_size))
    parts = []
    for start in range(0, len(batch.inputs), steps):
        inputs, targets = (part[start : start + steps] for part in (batch.inputs, batch.targets))
        output, states = model.read(inputs, states)
        parts.append(model.score(output, targets))
    return torch.cat(parts)


def _score_window(trained: Trained, window: list[str], batch_size: int, before: TextRead) -> list[LineScore]:
    model, vocabulary, _ = trained
    for line in window:
        if "\n" in line:
            raise InputError("line", "a line to score has no newline in it", repr(line))
    joined = (continued(vocabulary, line, before) + "\n" for line in window)
    lines = Lines(vocabulary.encode("".join(joined)), before.last)
    found: dict[int, LineScore] = {}
    for rows in torch.split(torch.argsort(lines.lengths, stable=True), batch_size):
        batch = lines.batch(rows).to(model.device)
        with evaluating(model):
            states = tuple(state.expand(-1, len(rows), -1) for state in before.states)
            values = token_log_probabilities(model, batch, states).t().tolist()
        for row, target, ln in zip(rows.tolist(), batch.targets.t().tolist(), values, strict=True):
            length, line = int(lines.lengths[row]), window[row]
            counts = vocabulary.characters(line) + 1, vocabulary.words(line)
            found[row] = LineScore(tuple(target[:length]), tuple(ln[:length]), *counts)
    return [found[row] for row in range(len(window))]
