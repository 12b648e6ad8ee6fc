"""Texts from the outputs of a network that was trained with CTC: prefix beam search, and best path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.parameters import is_count
from bptt.runtime.prefix_beam import Beam, make_beam
from bptt.runtime.prefix_beam import Entered as Entered
from bptt.runtime.prefix_beam import HeardSymbol as HeardSymbol

_WHERE = "CTC search"
# Log-probabilities in float32 exceed 0 by no more than a rounding error; logits usually do.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class CTCHypothesis:
    """A text that a search has found.

    `heard` are its symbols, with the frames in which the most probable alignment has them. `acoustic` is ln P
    of the text, summed over alignments; `language` is ln P of the language model, `bonus` the sum of bonuses.
    The search ranks by `score` = acoustic + weight · language + bonus.
    """

    heard: tuple[HeardSymbol, ...]
    acoustic: float
    language: float
    bonus: float
    score: float

    @property
    def symbols(self) -> tuple[int, ...]:
        """The text as numbers of symbols."""
        return tuple(each.symbol for each in self.heard)


class Scorer(Protocol):
    """A language model and bonuses, which score the texts of one search.

    A text of the beam has a slot. The empty text is in slot 0.
    """

    def open(self, tables: tuple[Tensor, Tensor]) -> None:
        """Begin an utterance: fill row 0 of the tables `language` and `bonus`, (slots, symbols) float64 each.

        A row says what each next symbol adds to ln P of the language model and to the bonus of a text.
        """

    def enter(self, entered: Sequence[Entered]) -> tuple[Sequence[float], Sequence[float]] | None:
        """Fill the rows of texts that have entered the beam: (slot, slot of the text they extend, symbol).

        Return what is to be added to language and bonus of each, which the table did not say; None for
        nothing.
        """

    def end(self, slots: Sequence[int]) -> tuple[Sequence[float], Sequence[float]]:
        """Return what the end of the utterance adds to language and bonus of the texts in `slots`."""


class PrefixBeam:
    """Prefix beam search (Hannun et al. 2014): the most probable texts, summed over alignments.

    It reads frames of ln P of `symbols` symbols, of which `blank` is none of the text, in parts of any size;
    results do not depend on the parts. After each frame `width` texts remain. A `scorer` adds
    weight · language + bonus to ln P of each text. It runs on the CPU, in C++ where that can be compiled.

    Raises InputError if `symbols`, `width` or `blank` is impossible.
    """

    def __init__(
        self,
        symbols: int,
        width: int = 20,
        blank: int = 0,
        scorer: Scorer | None = None,
        weight: float = 0.0,
    ) -> None:
        _check_symbols(symbols, blank)
        if not is_count(width) or width < 1:
            raise InputError("PrefixBeam", "width is a positive integer", repr(width))
        self._symbols, self._scorer, self._weight = symbols, scorer, weight
        tables = None
        if scorer is not None:
            language = torch.zeros(2 * width, symbols, dtype=torch.float64, device="cpu")
            tables = language, language.clone()
            scorer.open(tables)
        self._beam: Beam = make_beam(symbols, width, blank, tables, weight)

    def push(self, log_probabilities: Tensor) -> None:
        """Read the next frames, ln P (t, symbols).

        Raises InputError for another shape, if a number is NaN or above 0, or if no text has a probability
        any more.
        """
        frames = _checked(log_probabilities, self._symbols)
        first = 0
        while first < len(frames):
            read = self._beam.run(frames, first, self._scorer is not None)
            if read < 0:
                raise InputError(_WHERE, "some symbol must have a probability in each frame", "0 for all")
            first += read
            if self._scorer is not None and self._beam.entered:
                more = self._scorer.enter(self._beam.entered)
                if more is not None:
                    self._beam.add(*more)

    def best(self) -> CTCHypothesis:
        """Return the best text so far."""
        return self._hypothesis(0)

    def stable(self) -> int:
        """Return how many of the first symbols of `best` will not change: all texts of the beam have them."""
        return self._beam.counts()[1]

    def commit(self, count: int) -> tuple[HeardSymbol, ...]:
        """Decide on the first `count` symbols of `best`, return them, and forget them.

        Afterwards no hypothesis has them, but frames are counted on, and scores are those of the whole text.
        Texts that begin otherwise leave the beam, so that memory stays bounded. Raises InputError if there
        are fewer symbols.
        """
        found = self.best().heard
        _check_count(count, len(found))
        self._beam.commit(count)
        return found[:count]

    def final(self, n: int = 1) -> list[CTCHypothesis]:
        """Return the `n` best texts if the utterance ends here, best first; fewer if the beam has fewer."""
        ranks = range(self._beam.counts()[0])
        more: tuple[Sequence[float], Sequence[float]] = ([0.0] * len(ranks), [0.0] * len(ranks))
        if self._scorer is not None:
            more = self._scorer.end([self._beam.facts(rank).slot for rank in ranks])
        ended = []
        for rank, language, bonus in zip(ranks, *more, strict=True):
            facts = self._beam.facts(rank)
            score = facts.acoustic + self._weight * (facts.language + language) + facts.bonus + bonus
            ended.append((-score, rank, language, bonus))
        return [self._hypothesis(rank, ln, extra) for _, rank, ln, extra in sorted(ended)[:n]]

    def _hypothesis(self, rank: int, language: float = 0.0, bonus: float = 0.0) -> CTCHypothesis:
        facts = self._beam.facts(rank)
        language, bonus = facts.language + language, facts.bonus + bonus
        score = facts.acoustic + self._weight * language + bonus
        return CTCHypothesis(tuple(self._beam.read(rank)), facts.acoustic, language, bonus, score)


class BestPath:
    """Best path decoding: the most probable symbol of each frame; repeats, then blanks are removed.

    It is used as `PrefixBeam` is. Each symbol is stable at once. `acoustic` is ln P of the one alignment.
    """

    def __init__(self, symbols: int, blank: int = 0) -> None:
        _check_symbols(symbols, blank)
        self._symbols, self._blank, self._frame, self._before = symbols, blank, 0, blank
        self._heard: list[HeardSymbol] = []
        self._acoustic = 0.0

    def push(self, log_probabilities: Tensor) -> None:
        """Read the next frames, ln P (t, symbols). Raises InputError as `PrefixBeam.push` does."""
        most = _checked(log_probabilities, self._symbols).max(-1)
        for symbol, ln in zip(most.indices.tolist(), most.values.tolist(), strict=True):
            if symbol not in (self._blank, self._before):
                self._heard.append(HeardSymbol(symbol, self._frame, self._frame, ln))
            # A symbol that was committed may go on.
            elif symbol != self._blank and self._heard:
                last = self._heard[-1]
                self._heard[-1] = last._replace(last=self._frame, peak=max(last.peak, ln))
            self._before, self._frame, self._acoustic = symbol, self._frame + 1, self._acoustic + ln

    def best(self) -> CTCHypothesis:
        """Return the text so far."""
        return CTCHypothesis(tuple(self._heard), self._acoustic, 0.0, 0.0, self._acoustic)

    def stable(self) -> int:
        """Return the number of symbols."""
        return len(self._heard)

    def commit(self, count: int) -> tuple[HeardSymbol, ...]:
        """Return the first `count` symbols and forget them. Raises InputError if there are fewer."""
        _check_count(count, len(self._heard))
        found = tuple(self._heard[:count])
        del self._heard[:count]
        return found

    def final(self, n: int = 1) -> list[CTCHypothesis]:
        """Return the text, as a list of one."""
        return [self.best()][:n]


def _check_symbols(symbols: int, blank: int) -> None:
    if not is_count(symbols) or symbols < 1:
        raise InputError(_WHERE, "symbols is a positive integer", repr(symbols))
    if not is_count(blank) or blank >= symbols:
        raise InputError(_WHERE, f"blank is a symbol, 0 to {symbols - 1}", repr(blank))


def _check_count(count: int, symbols: int) -> None:
    if not 0 <= count <= symbols:
        raise InputError("commit", f"count is from 0 to {symbols}", count)


def _checked(frames: Tensor, symbols: int) -> Tensor:
    """Return frames as kernels read them. Raises InputError unless they are ln P (t, symbols)."""
    if frames.dim() != 2 or frames.shape[1] != symbols or not frames.is_floating_point():
        got = f"{tuple(frames.shape)} of {frames.dtype}"
        raise InputError(_WHERE, f"expected log-probabilities (T, {symbols})", got)
    frames = frames.detach().to("cpu", torch.float64).contiguous()
    wrong = ~(frames <= _ROUNDING)
    if wrong.any():
        t, symbol = wrong.nonzero()[0].tolist()
        cure = "Take log_softmax(-1) of logits"
        got = f"{float(frames[t, symbol])} for symbol {symbol} in frame {t}"
        raise InputError(_WHERE, "log-probabilities are at most 0", got, cure)
    return frames
