"""Rounds: everybody's turn, rounds that others disturbed, what the processor and the memory tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bptt.bench import peak_memory as memory
from bptt.bench import rounds
from bptt.bench.barrier import Barrier, regime
from bptt.bench.contender import Contender
from bptt.bench.peak import Peak
from bptt.bench.peak_memory import peak_memory
from bptt.bench.request import Budget
from bptt.bench.rounds import measure

LONG = 1e9


class Recorded(Contender):
    """Writes down when its turn is."""

    def __init__(self, name: str, turns: list[str]) -> None:
        self.name, self._turns = name, turns

    def before_step(self) -> None:
        self._turns.append(f"before {self.name}")

    def step(self) -> None:
        self._turns.append(self.name)

    def numbers(self) -> Mapping[str, Tensor]:
        return {}


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A step lasts as long as a turn; nobody is waited for; the machine is quiet."""
    monkeypatch.setattr(rounds, "_TURN", 0.0)
    monkeypatch.setattr(rounds, "_PAUSES", 0)
    monkeypatch.setattr(rounds, "_LOOKS", 0)
    disturb(monkeypatch, [])
    return []


def disturb(monkeypatch: pytest.MonkeyPatch, disturbed: list[int]) -> None:
    """In the rounds of these numbers others use the processor for a thousand seconds."""

    def readings() -> Iterator[float]:
        total = 0.0
        for number in count():
            yield total
            total += 1000.0 * (number in disturbed)
            yield total

    found = readings()
    monkeypatch.setattr(rounds, "_busy_seconds", lambda: next(found))


def test_everybody_has_a_turn_and_the_order_alternates(turns: list[str]) -> None:
    found = measure([Recorded("a", turns), Recorded("b", turns)], Budget(2, LONG))
    assert turns == ["before a", "a", "before b", "b", "before b", "b", "before a", "a"]
    assert {name: len(seconds) for name, seconds in found.seconds.items()} == {"a": 2, "b": 2}
    assert (found.rejected, found.noisy) == (0, False)


def test_a_disturbed_round_does_not_count(turns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    disturb(monkeypatch, [1, 3])
    found = measure([Recorded("a", turns)], Budget(4, LONG))
    assert (len(found.seconds["a"]), found.rejected, found.noisy) == (4, 2, False)
    assert turns.count("a") == 6


def test_where_every_round_is_disturbed_all_count(turns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    disturb(monkeypatch, list(range(1000)))
    found = measure([Recorded("a", turns)], Budget(2, LONG))
    assert found.noisy and len(found.seconds["a"]) == found.rejected == 2 * rounds._TRIES


def test_a_round_begins_when_others_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    readings, waited = iter([0.0, 0.04, 0.04, 0.07, 0.07, 0.08]), list[float]()
    monkeypatch.setattr(rounds, "_busy_seconds", lambda: next(readings))
    monkeypatch.setattr(rounds.time, "sleep", waited.append)
    rounds._wait_for_others()
    assert len(waited) == 3


def test_time_that_is_up_ends_the_rounds(turns: list[str]) -> None:
    """There is always one; the fewest that count get more time, but not without end."""
    found = measure([Recorded("a", turns)], Budget(1000, 0.0))
    assert (len(found.seconds["a"]), found.noisy) == (1, True)


def test_the_processors_of_this_machine_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """user, nice, system, irq, softirq, steal are work; idle, iowait and guests, counted in user, are not."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 9 9 9 9 9 9 9 9 9 9\n")
    monkeypatch.setattr(rounds, "_STAT", stat)
    ticks = rounds.os.sysconf("SC_CLK_TCK")
    assert rounds._busy_seconds() == (1 + 2 + 4 + 8 + 16 + 32) / ticks
    monkeypatch.setattr(rounds, "_STAT", tmp_path / "none")
    assert rounds._busy_seconds() == 0


def test_short_steps_are_repeated_and_their_mean_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock on which a step takes a second, a turn of 3.5 holds four after one to warm up."""
    now = count()
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: float(next(now)))
    monkeypatch.setattr(rounds, "_TURN", 3.5)
    monkeypatch.setattr(rounds, "_PAUSES", 0)
    turns: list[str] = []
    assert rounds._turn(Recorded("a", turns)) == 1.0
    assert turns.count("a") == 5


def test_the_peak_counts_its_operations() -> None:
    """Two operations, 12 chains, 200,000 times, on four or more numbers at once; on each thread."""
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            peak = Peak()
        finally:
            torch.set_num_threads(before)
        peak.step()
        found.append(peak.flops / (2 * 12 * 200_000))
    assert found[0] in (4, 8, 16) and found[1] == 2 * found[0]


def test_a_barrier_is_between_two_threads() -> None:
    """Longer than a clock's tick and shorter than a thread takes to wake; the median of the runs counts."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        barrier = Barrier()
        assert 1e-9 < barrier.seconds() < 1e-3
    finally:
        torch.set_num_threads(before)
    found = iter([1e-7, 9e-3, 2e-7, *[1.5e-7] * 12])
    barrier._once = lambda: next(found)  # type: ignore[method-assign]
    assert barrier.seconds() == 1.5e-7
    assert (regime(9.9e-8), regime(1.01e-7)) == ("near", "apart")


@pytest.mark.skipif(not memory._CLEAR.exists(), reason="the system does not tell the peak of memory")
def test_peak_memory_sees_what_is_freed_again() -> None:
    size = 64 * 2**20

    def work() -> None:
        torch.ones(size // 4)

    # Pages come in fours of KiB, and the counts of the kernel may lag by some of them per thread.
    assert abs(peak_memory(work) - size) < 0.05 * size
    assert peak_memory(lambda: None) < 0.05 * size


def test_peak_memory_is_unknown_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "none" / "clear_refs")
    assert peak_memory(lambda: None) == 0
