"""Prefix beam search: against all alignments, kernel against plain Python, in parts, with a scorer."""

from __future__ import annotations

import copy
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.prefix_beam import BestPath, PrefixBeam
from bptt.runtime.backend import backend
from bptt.runtime.kernels.prefix_beam import KernelBeam
from bptt.runtime.prefix_beam import Entered, HeardSymbol
from bptt.runtime.reference.prefix_beam import ReferenceBeam

BACKENDS = ("cpu", "reference")
# A sum of at most 4**6 terms in float64, in another order.
CLOSE = 1e-11


def frames_of(seed: int, steps: int, symbols: int, spread: float = 1.5) -> Tensor:
    """ln P (T, V) of a network that is never sure."""
    draw = torch.Generator().manual_seed(seed)
    return (spread * torch.randn(steps, symbols, generator=draw)).log_softmax(-1)


def collapse(alignment: Sequence[int], blank: int) -> tuple[int, ...]:
    """A text: repeats are one, then blanks are removed."""
    return tuple(symbol for symbol, _ in itertools.groupby(alignment) if symbol != blank)


def all_texts(frames: Tensor, blank: int) -> dict[tuple[int, ...], float]:
    """ln P of every text, over all alignments."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    steps, symbols = frames.shape
    for alignment in itertools.product(range(symbols), repeat=steps):
        found[collapse(alignment, blank)] += math.exp(
            sum(float(frames[t, symbol]) for t, symbol in enumerate(alignment))
        )
    return {text: math.log(p) for text, p in found.items()}


def best_alignment(frames: Tensor, text: tuple[int, ...], blank: int) -> tuple[HeardSymbol, ...]:
    """The symbols of a text as its most probable alignment has them."""
    steps, symbols = frames.shape
    alignments = (a for a in itertools.product(range(symbols), repeat=steps) if collapse(a, blank) == text)
    best = max(alignments, key=lambda a: math.fsum(float(frames[t, s]) for t, s in enumerate(a)))
    runs, t = [], 0
    for symbol, run in itertools.groupby(best):
        length = len(list(run))
        if symbol != blank:
            peak = max(float(frames[t + k, symbol]) for k in range(length))
            runs.append(HeardSymbol(symbol, t, t + length - 1, peak))
        t += length
    return tuple(runs)


class Pairs:
    """A scorer with ln P of each symbol after the one before, row 0 at the start; `late` comes afterwards."""

    def __init__(self, ln: Tensor, bonus: Tensor, end: Tensor, late: Tensor) -> None:
        self.ln, self.bonus, self.ends, self.late = ln.double(), bonus.double(), end.double(), late.double()
        self.last: dict[int, int] = {}
        self.evaluated = 0

    def open(self, tables: tuple[Tensor, Tensor]) -> None:
        self.language, self.given = tables
        self.last[0] = 0
        self.language[0], self.given[0] = self.ln[0], self.bonus

    def enter(self, entered: Sequence[Entered]) -> tuple[list[float], list[float]]:
        for slot, _, symbol in entered:
            self.last[slot] = symbol
            self.language[slot], self.given[slot] = self.ln[symbol], self.bonus
        self.evaluated += len(entered)
        late = [float(self.late[symbol]) for _, _, symbol in entered]
        return late, [-each for each in late]

    def end(self, slots: Sequence[int]) -> tuple[list[float], list[float]]:
        return [float(self.ends[self.last[slot]]) for slot in slots], [0.5] * len(slots)

    def score(self, text: Sequence[int]) -> tuple[float, float]:
        before = 0
        ln = bonus = 0.0
        for symbol in text:
            ln += float(self.ln[before, symbol] + self.late[symbol])
            bonus += float(self.bonus[symbol] - self.late[symbol])
            before = symbol
        return ln + float(self.ends[before]), bonus + 0.5


def pairs_of(seed: int, symbols: int) -> Pairs:
    draw = torch.Generator().manual_seed(seed)
    parts = [torch.randn(shape, generator=draw) for shape in ((symbols, symbols), symbols, symbols, symbols)]
    return Pairs(parts[0].log_softmax(-1), *parts[1:])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("blank", [0, 1, 2])
def test_a_wide_beam_finds_every_text(name: str, blank: int) -> None:
    frames = frames_of(blank, 6, 3)
    want = all_texts(frames, blank)
    with backend(name):
        search = PrefixBeam(3, width=len(want), blank=blank)
    search.push(frames)
    found = search.final(len(want))
    assert [one.symbols for one in found] == sorted(want, key=lambda text: -want[text])
    for one in found:
        assert one.acoustic == pytest.approx(want[one.symbols], abs=CLOSE)
        assert one.score == one.acoustic
    assert math.fsum(math.exp(one.acoustic) for one in found) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", BACKENDS)
def test_symbols_are_where_the_best_alignment_has_them(name: str) -> None:
    frames = frames_of(3, 6, 3)
    with backend(name):
        search = PrefixBeam(3, width=200)
    search.push(frames)
    for one in search.final(40):
        assert one.heard == best_alignment(frames, one.symbols, 0)


@pytest.mark.parametrize(("symbols", "width", "steps"), [(4, 1, 30), (5, 3, 40), (3, 90, 9), (12, 8, 40)])
@pytest.mark.parametrize("scored", [False, True])
def test_the_kernel_does_as_plain_python(symbols: int, width: int, steps: int, scored: bool) -> None:
    frames = frames_of(width, steps, symbols).double()
    tables = None
    if scored:
        draw = torch.Generator().manual_seed(1)
        language, bonus = torch.randn(2, 2 * width, symbols, dtype=torch.float64, generator=draw)
        tables = language, bonus
    kernel, plain = (kind(symbols, width, 0, tables, 0.7) for kind in (KernelBeam, ReferenceBeam))
    for t in range(steps):
        assert kernel.run(frames, t, True) == plain.run(frames, t, True)
        if not kernel.entered:
            break
        assert kernel.entered == plain.entered
        if scored:
            late = [0.25 * (slot % 3) for slot, _, _ in kernel.entered]
            kernel.add(late, late)
            plain.add(late, late)
        assert kernel.counts()[:2] == plain.counts()[:2]
        for rank in range(kernel.counts()[0]):
            assert kernel.facts(rank) == pytest.approx(plain.facts(rank), abs=CLOSE)
            assert kernel.read(rank) == plain.read(rank)
        if t % 5 == 4:
            # More than is stable, so that prefixes leave.
            count = kernel.facts(0).length // 2
            kernel.commit(count)
            plain.commit(count)


@pytest.mark.parametrize("search", [lambda: PrefixBeam(6, 5), lambda: BestPath(6)], ids=["beam", "best path"])
def test_parts_do_not_matter(search: object) -> None:
    frames = frames_of(5, 60, 6)
    assert callable(search)
    whole = search()
    whole.push(frames)
    for size in (1, 7, 59):
        parts = search()
        for part in (frames[:0], *frames.split(size)):
            parts.push(part)
        assert parts.final(5) == whole.final(5)
        assert parts.stable() == whole.stable()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_scorer_is_as_if_all_texts_were_rescored(name: str) -> None:
    frames, scorer, weight = frames_of(7, 6, 3), pairs_of(8, 3), 0.8
    acoustic = all_texts(frames, 0)
    with backend(name):
        search = PrefixBeam(3, width=len(acoustic), scorer=scorer, weight=weight)
    search.push(frames)
    found = search.final(len(acoustic))
    assert len(found) == len(acoustic)
    for one in found:
        language, bonus = scorer.score(one.symbols)
        assert one.language == pytest.approx(language, abs=CLOSE)
        assert one.bonus == pytest.approx(bonus, abs=CLOSE)
        assert one.score == pytest.approx(acoustic[one.symbols] + weight * language + bonus, abs=CLOSE)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_a_scorer_sees_only_texts_that_enter() -> None:
    frames = frames_of(9, 50, 8)
    scorer = pairs_of(9, 8)
    search = PrefixBeam(8, width=4, scorer=scorer, weight=0.5)
    search.push(frames)
    assert scorer.evaluated <= 4 * 50
    parts = PrefixBeam(8, width=4, scorer=pairs_of(9, 8), weight=0.5)
    for frame in frames.split(3):
        parts.push(frame)
    assert parts.final(4) == search.final(4)


def test_doubled_letters_need_a_blank() -> None:
    certain = torch.tensor([[0.01, 0.98, 0.01], [0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.01, 0.98, 0.01]])
    for search in (PrefixBeam(3), BestPath(3)):
        search.push(certain[:2].log())
        assert search.best().symbols == (1,)
        search.push(certain[2:].log())
        assert search.best().symbols == (1, 1)
        assert [(one.first, one.last) for one in search.best().heard] == [(0, 1), (3, 3)]


def test_nothing_heard() -> None:
    silence = torch.tensor([[0.99, 0.01]]).log().expand(20, 2)
    for search in (PrefixBeam(2), BestPath(2)):
        assert search.best().symbols == ()
        assert search.final(3)[0].acoustic == 0
        search.push(silence)
        assert search.best().symbols == ()
        assert search.stable() == 0


def test_the_best_path_is_the_argmax() -> None:
    frames = frames_of(11, 50, 5)
    search = BestPath(5, blank=4)
    search.push(frames)
    assert search.best().symbols == collapse(frames.argmax(-1).tolist(), 4)
    assert search.best().acoustic == pytest.approx(float(frames.double().max(-1).values.sum()), abs=1e-12)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_stable_remains(name: str) -> None:
    frames = frames_of(13, 40, 5, spread=4)
    with backend(name):
        search = PrefixBeam(5, width=4)
    promised: tuple[int, ...] = ()
    for frame in frames.split(1):
        search.push(frame)
        now = search.best().symbols
        assert now[: len(promised)] == promised
        promised = now[: search.stable()]
    assert promised


@pytest.mark.parametrize("name", BACKENDS)
def test_a_commitment_changes_no_result(name: str) -> None:
    frames = frames_of(13, 60, 5, spread=4)
    with backend(name):
        whole, parts = PrefixBeam(5, width=4), PrefixBeam(5, width=4)
    whole.push(frames)
    said: tuple[HeardSymbol, ...] = ()
    for frame in frames.split(5):
        parts.push(frame)
        said += parts.commit(parts.stable())
    assert said
    for one, other in zip(parts.final(4), whole.final(4), strict=True):
        assert tuple(each.symbol for each in said) + one.symbols == other.symbols
        assert one.heard == other.heard[len(said) :]
        assert one.score == other.score


@pytest.mark.parametrize("name", BACKENDS)
def test_memory_is_bounded(name: str) -> None:
    steps = 6000 if name == "cpu" else 600
    frames = frames_of(17, steps, 5)
    with backend(name):
        search = PrefixBeam(5, width=6)
    most = [0, 0]
    for number, part in enumerate(frames.split(20)):
        search.push(part)
        search.commit(max(0, len(search.best().heard) - 15))
        late = number >= steps // 40
        most[late] = max(most[late], search._beam.counts()[2])
    assert most[1] < 1.5 * most[0]


def test_what_cannot_be() -> None:
    search = PrefixBeam(3)
    good = frames_of(0, 4, 3)
    with pytest.raises(InputError, match=r"log-probabilities \(T, 3\)"):
        search.push(frames_of(0, 4, 5))
    with pytest.raises(InputError, match="at most 0"):
        search.push(torch.tensor([[0.3, -1.0, 2.0]]))
    broken = good.clone()
    broken[2, 1] = math.nan
    for reader in (search, BestPath(3)):
        with pytest.raises(InputError, match="nan for symbol 1 in frame 2"):
            reader.push(broken)
    assert search.final()[0].acoustic == 0
    with pytest.raises(InputError, match="must have a probability"):
        search.push(torch.full((1, 3), -math.inf))
    for arguments in ({"width": 0}, {"blank": 3}, {"symbols": 0}):
        with pytest.raises(InputError):
            PrefixBeam(**{"symbols": 3, **arguments})
    with pytest.raises(InputError, match="from 0 to 0"):
        PrefixBeam(3).commit(1)
    with pytest.raises(TypeError, match="cannot copy"):
        copy.copy(KernelBeam(3, 2, 0))


def test_symbols_without_a_probability_are_in_no_text() -> None:
    frames = torch.tensor([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]).log()
    search = PrefixBeam(3)
    search.push(frames)
    assert {one.symbols for one in search.final(9)} == {(1,), (2,)}
