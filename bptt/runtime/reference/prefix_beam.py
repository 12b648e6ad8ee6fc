"""The prefix beam search in Python: for machines without a compiler, and to compare the kernel with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from math import exp, inf, log1p
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from bptt.runtime.prefix_beam import BeamFacts, Entered, HeardSymbol

_Text: TypeAlias = tuple[int, ...]


class _Path(NamedTuple):
    """The alignments of a prefix with one kind of ending: their sum, the best of them, and its symbols."""

    mass: float = -inf
    best: float = -inf
    heard: tuple[HeardSymbol, ...] = ()

    def then(self, ln: float) -> _Path:
        return self._replace(mass=self.mass + ln, best=self.best + ln)

    def joined(self, other: _Path) -> _Path:
        better = self if self.best >= other.best else other
        return better._replace(mass=_log_add(self.mass, other.mass))

    def begun(self, symbol: int, ln: float, frame: int) -> _Path:
        """Return the alignments that go on with a new symbol."""
        return self.then(ln)._replace(heard=(*self.heard, HeardSymbol(symbol, frame, frame, ln)))

    def prolonged(self, ln: float, frame: int) -> _Path:
        """Return the alignments that go on with their last symbol; there are none before the first."""
        if not self.heard:
            return _Path()
        before = self.heard[-1]
        last = before._replace(last=frame, peak=max(before.peak, ln))
        return self.then(ln)._replace(heard=(*self.heard[:-1], last))


@dataclass(frozen=True, eq=False)
class _Prefix:
    """A prefix of the beam: its alignments that end in a blank, and those that end in its last symbol."""

    slot: int
    blank: _Path
    label: _Path
    language: float = 0.0
    bonus: float = 0.0

    @cached_property
    def whole(self) -> _Path:
        return self.blank.joined(self.label)


class ReferenceBeam:
    """The prefix beam search in Python: see `bptt.runtime.prefix_beam.Beam`."""

    def __init__(
        self,
        symbols: int,
        width: int,
        blank: int,
        tables: tuple[Tensor, Tensor] | None = None,
        weight: float = 0.0,
    ) -> None:
        self._width, self._blank, self._tables, self._weight = width, blank, tables, weight
        self.entered: list[Entered] = []
        # Best first. Texts begin with the last symbol that was committed, NONE at the start.
        self._live: dict[_Text, _Prefix] = {(_NONE,): _Prefix(0, _Path(0.0, 0.0), _Path())}
        self._slots = list(range(2 * width - 1, 0, -1))
        self._frame = 0

    def run(self, frames: Tensor, first: int, pause: bool) -> int:
        """Read frames from `first` on; see the protocol."""
        for read, row in enumerate(frames[first:], 1):
            self._step(row)
            if not self._live:
                return -1
            if pause and self.entered:
                return read
        return len(frames) - first

    def add(self, language: Sequence[float], bonus: Sequence[float]) -> None:
        """Add to the scores of the prefixes that have just entered."""
        more = {slot: pair for (slot, _, _), *pair in zip(self.entered, language, bonus, strict=True)}
        for text, prefix in self._live.items():
            if prefix.slot in more:
                ln, extra = more[prefix.slot]
                self._live[text] = _Prefix(
                    prefix.slot, prefix.blank, prefix.label, prefix.language + ln, prefix.bonus + extra
                )
        self._live = dict(sorted(self._live.items(), key=lambda item: -self._score(item[1])))

    def counts(self) -> tuple[int, int, int]:
        """Return the number of prefixes, of symbols that are stable, and of objects held in memory."""
        texts = list(self._live)
        # Texts of the same beginning lie between the first and the last in order.
        pairs = zip(min(texts), max(texts), strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        return len(texts), same - 1, sum(map(len, texts))

    def facts(self, rank: int) -> BeamFacts:
        """Return the numbers of the prefix of a rank."""
        text, prefix = self._ranked(rank)
        return BeamFacts(prefix.whole.mass, prefix.language, prefix.bonus, prefix.slot, len(text) - 1)

    def read(self, rank: int) -> list[HeardSymbol]:
        """Return the symbols of the prefix of a rank as the most probable alignment has them."""
        text, prefix = self._ranked(rank)
        return list(prefix.whole.heard[-len(text[1:]) :]) if text[1:] else []

    def commit(self, count: int) -> None:
        """Forget the first `count` symbols."""

        def cut(path: _Path, text: _Text) -> _Path:
            return path._replace(heard=path.heard[-len(text) :])

        best = next(iter(self._live))[: count + 1]
        self._slots += [prefix.slot for text, prefix in self._live.items() if text[: count + 1] != best]
        self._live = {
            text[count:]: _Prefix(
                prefix.slot,
                cut(prefix.blank, text[count:]),
                cut(prefix.label, text[count:]),
                prefix.language,
                prefix.bonus,
            )
            for text, prefix in self._live.items()
            if text[: count + 1] == best
        }

    def _step(self, row: Tensor) -> None:
        texts, before, ln = list(self._live), list(self._live.values()), row.tolist()
        stays = [self._stay(text, prefix, ln) for text, prefix in self._live.items()]
        # In the column of the blank, texts that stay; in the others, those with one more symbol.
        scores = torch.tensor([self._score(prefix) for prefix in before], dtype=torch.float64)[:, None] + row
        if self._tables is not None:
            language, bonus = (table[[prefix.slot for prefix in before]] for table in self._tables)
            scores += self._weight * language + bonus
        for place, (text, prefix) in enumerate(self._live.items()):
            if text[-1] != _NONE:
                scores[place, text[-1]] += prefix.blank.mass - prefix.whole.mass
            if text[:-1] in self._live:
                scores[texts.index(text[:-1]), text[-1]] = -inf
        scores[:, self._blank] = torch.tensor(list(map(self._score, stays)), dtype=torch.float64)
        scores = scores.nan_to_num(nan=-inf, neginf=-inf).flatten()
        # Of equal ones the first, as the kernel has them.
        order = scores.sort(descending=True, stable=True).indices[: self._width]
        places = order[scores[order] > -inf].tolist()
        self._live, self.entered = {}, []
        for place in places:
            k, symbol = divmod(place, len(row))
            if symbol == self._blank:
                self._live[texts[k]] = stays[k]
            else:
                slot = self._slots.pop()
                self.entered.append((slot, before[k].slot, symbol))
                source = before[k].blank if symbol == texts[k][-1] else before[k].whole
                label = source.begun(symbol, ln[symbol], self._frame)
                self._live[(*texts[k], symbol)] = self._extended(before[k], slot, symbol, label)
        self._slots += [
            prefix.slot for text, prefix in zip(texts, before, strict=True) if text not in self._live
        ]
        self._frame += 1

    def _stay(self, text: _Text, prefix: _Prefix, row: list[float]) -> _Prefix:
        """Return a prefix if no symbol is added. It may also come from its parent, if that is in the beam."""
        blank, label = prefix.whole.then(row[self._blank]), prefix.label
        if text[-1] != _NONE:
            label = label.prolonged(row[text[-1]], self._frame)
            if text[:-1] in self._live:
                parent = self._live[text[:-1]]
                source = parent.blank if text[-2] == text[-1] else parent.whole
                label = label.joined(source.begun(text[-1], row[text[-1]], self._frame))
        return _Prefix(prefix.slot, blank, label, prefix.language, prefix.bonus)

    def _extended(self, prefix: _Prefix, slot: int, symbol: int, label: _Path) -> _Prefix:
        ln, bonus = (float(t[prefix.slot, symbol]) for t in self._tables) if self._tables else (0.0, 0.0)
        return _Prefix(slot, _Path(), label, prefix.language + ln, prefix.bonus + bonus)

    def _score(self, prefix: _Prefix) -> float:
        return prefix.whole.mass + self._weight * prefix.language + prefix.bonus

    def _ranked(self, rank: int) -> tuple[_Text, _Prefix]:
        return list(self._live.items())[rank]


_NONE = -1


def _log_add(a: float, b: float) -> float:
    most, least = (a, b) if a >= b else (b, a)
    return most if least == -inf else most + log1p(exp(least - most))
