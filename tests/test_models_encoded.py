"""Inputs that are encoded when a batch needs them: the same for any number of workers, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from threading import Lock
from threading import enumerate as threads

import pytest
import torch

from bptt.data.batches import ByLength
from bptt.errors import InputError
from bptt.models.encoded import Encoded, InMemory, ReadAhead, measure

LENGTHS = torch.tensor([(7 * n) % 11 + 1 for n in range(200)])
SIZE = 4


class Counted:
    """Encodes rows, and counts the results that are alive: at a time, and at most."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.alive, self.most, self.made = seconds, 0, 0, 0
        self._lock = Lock()

    def __call__(self, row: int, epoch: int = 0) -> Encoded:
        time.sleep(self.seconds)
        found = torch.full((int(LENGTHS[row]), 1), float(row))
        with self._lock:
            self.made += 1
            self.alive += 1
            self.most = max(self.most, self.alive)
        weakref.finalize(found, self._drop)
        return (found,)

    def _drop(self) -> None:
        with self._lock:
            self.alive -= 1


def read(inputs: ReadAhead | InMemory, places: list[tuple[int, int]]) -> Iterator[list[list[float]]]:
    """The batches at these epochs and indices, as a training run asks for them."""
    order = ByLength(LENGTHS, SIZE, seed=3)
    for epoch, index in places:
        inputs.expect(order.following(epoch, index))
        found = inputs.take(order.rows(epoch, index).tolist(), epoch)
        yield [each[0][:, 0].tolist() for each in found]


# Two epochs; one step run again, as for a diagnosis; a jump, as a resumed run begins with.
PLACES = [*((e, i) for e in (0, 1) for i in range(50)), (1, 49), (1, 49), (0, 20), (0, 21), (3, 7)]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_do_not_depend_on_the_number_of_workers(workers: int) -> None:
    whole = InMemory([Counted()(row) for row in range(len(LENGTHS))])
    assert torch.equal(whole.lengths, LENGTHS)
    lazy = ReadAhead(Counted(), LENGTHS, workers)
    assert list(read(lazy, PLACES)) == list(read(whole, PLACES))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_no_more_than_two_batches_for_each_worker_are_in_memory(workers: int) -> None:
    counted = Counted()
    lazy = ReadAhead(counted, LENGTHS, workers)
    for batch in read(lazy, [(epoch, i) for epoch in range(6) for i in range(50)]):
        del batch
    # What the caller still holds of the batch before, and what is ahead.
    budget = SIZE * (1 + max(1, 2 * workers))
    assert counted.made >= 1200 >= 40 * budget
    assert counted.most <= budget


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_first_input_that_cannot_be_read_is_named(workers: int) -> None:
    rows = ByLength(LENGTHS, SIZE, seed=3).rows(0, 2).tolist()

    def encode(row: int, epoch: int) -> Encoded:
        if row in rows[1:]:
            raise InputError(f"a.wav:{row}", "must be a recording")
        return Counted()(row)

    reading = read(ReadAhead(encode, LENGTHS, workers), PLACES)
    assert len([next(reading), next(reading)]) == 2
    with pytest.raises(InputError, match=rf"^a.wav:{rows[1]}: must be a recording$"):
        next(reading)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_lengths_are_measured_in_order(workers: int) -> None:
    counted = Counted()
    assert torch.equal(measure(counted, range(len(LENGTHS)), workers), LENGTHS)
    assert counted.made == len(LENGTHS)
    assert counted.most <= 1 + workers

    def encode(row: int) -> Encoded:
        raise InputError(f"{row}", "must be a recording")

    with pytest.raises(InputError, match=r"^0: "):
        measure(encode, range(40), workers)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_epoch_reads_its_own_inputs(workers: int) -> None:
    def encode(row: int, epoch: int) -> Encoded:
        return (torch.full((int(LENGTHS[row]), 1), float(1000 * epoch + row)),)

    lazy, order = ReadAhead(encode, LENGTHS, workers), ByLength(LENGTHS, SIZE, seed=3)
    for (epoch, index), batch in zip(PLACES, read(lazy, PLACES), strict=True):
        rows = order.rows(epoch, index).tolist()
        assert [each[0] for each in batch] == [1000 * epoch + row for row in rows]


def test_workers_end_when_what_they_read_for_is_dropped() -> None:
    counted = Counted(seconds=0.2)
    # An error that an earlier test has kept may hold the workers of that test.
    earlier = set(threads())
    lazy = ReadAhead(counted, LENGTHS, workers=3)
    lazy.expect(ByLength(LENGTHS, SIZE, seed=3).following(0, 0))
    own = [each for each in threads() if each not in earlier and each.name.startswith("bptt-worker")]
    assert len(own) == 3
    # 24 rows are ahead, 0.2 seconds each by three threads: 1.6 seconds in all.
    began = time.monotonic()
    del lazy
    assert time.monotonic() - began < 0.8
    assert not any(each.is_alive() for each in own)
    assert counted.made <= 6


INTERRUPTED = """
import os, signal, time, torch
from threading import Timer
from bptt.models.encoded import ReadAhead

def encode(row, epoch):
    time.sleep(0.1)
    return (torch.zeros(1, 1),)

lazy = ReadAhead(encode, torch.ones(6000), workers=3)
rows = [list(range(n, n + 1000)) for n in range(0, 6000, 1000)]
lazy.expect((0, each) for each in rows)
Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    lazy.take(rows[0])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_waits_for_no_batch() -> None:
    code = (
        INTERRUPTED + "import atexit; atexit.register(lambda: print(time.monotonic() - began, flush=True))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    said, seconds = found.stdout.split()
    # All that is ahead takes the three workers 200 seconds.
    assert said == "interrupted" and float(seconds) < 10
    assert found.returncode == 0, found.stderr
