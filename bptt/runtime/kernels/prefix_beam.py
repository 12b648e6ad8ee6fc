"""The prefix beam search by a kernel."""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Callable, Mapping, Sequence
from ctypes import addressof, c_double, c_int64, c_void_p
from functools import cache
from typing import NoReturn

from torch import Tensor

from bptt.deferred import imported
from bptt.runtime.loaded import kernels_of
from bptt.runtime.prefix_beam import BeamFacts, Entered, HeardSymbol

_Doors = Mapping[str, Callable[[int], int]]


class KernelBeam:
    """The prefix beam search by a kernel: see `bptt.runtime.prefix_beam.Beam`.

    The tables are read by each step, so they must be contiguous and float64.
    """

    def __init__(
        self,
        symbols: int,
        width: int,
        blank: int,
        tables: tuple[Tensor, Tensor] | None = None,
        weight: float = 0.0,
    ) -> None:
        self._doors, self._tables, self._weight = doors(), tables, c_double(weight)
        self.entered: list[Entered] = []
        handle = c_int64()
        language, bonus = (0, 0) if tables is None else (table.data_ptr() for table in tables)
        settings = array("q", [symbols, width, blank, language, bonus, addressof(self._weight)])
        _call(self._doors, "beam_open", [addressof(handle), settings.buffer_info()[0]])
        self._handle = handle.value
        self._counts = (c_int64 * 3)()
        self._found = (c_int64 * (3 * width))()
        weakref.finalize(self, _call, self._doors, "beam_close", [handle.value])

    def run(self, frames: Tensor, first: int, pause: bool) -> int:
        """Read frames from `first` on; see the protocol."""
        place = frames.data_ptr() + first * frames.stride(0) * frames.element_size()
        counts, found = addressof(self._counts), addressof(self._found)
        self._call("beam_run", place, len(frames) - first, pause, counts, found)
        read, entered = self._counts[0], self._found[: 3 * self._counts[1]]
        self.entered = [(entered[k], entered[k + 1], entered[k + 2]) for k in range(0, len(entered), 3)]
        return int(read)

    def add(self, language: Sequence[float], bonus: Sequence[float]) -> None:
        """Add to the scores of the prefixes that have just entered."""
        numbers = array("d", language), array("d", bonus)
        self._call("beam_add", *(each.buffer_info()[0] for each in numbers))

    def counts(self) -> tuple[int, int, int]:
        """Return the number of prefixes, of symbols that are stable, and of objects held in memory."""
        self._call("beam_count", addressof(self._counts))
        return self._counts[0], self._counts[1], self._counts[2]

    def facts(self, rank: int) -> BeamFacts:
        """Return the numbers of the prefix of a rank."""
        # Three of float64, two of int64.
        found = array("d", bytes(8 * 5))
        self._call("beam_facts", rank, found.buffer_info()[0])
        slot, length = memoryview(found).cast("B").cast("q")[3:].tolist()
        return BeamFacts(found[0], found[1], found[2], slot, length)

    def read(self, rank: int) -> list[HeardSymbol]:
        """Return the symbols of the prefix of a rank as the most probable alignment has them."""
        length = self.facts(rank).length
        if not length:
            return []
        numbers, peaks = array("q", bytes(8 * 3 * length)), array("d", bytes(8 * length))
        place, step = numbers.buffer_info()[0], 8 * length
        self._call("beam_read", rank, place, place + step, place + 2 * step, peaks.buffer_info()[0])
        parts = (numbers[k * length : (k + 1) * length] for k in range(3))
        return list(map(HeardSymbol, *parts, peaks))

    def commit(self, count: int) -> None:
        """Forget the first `count` symbols."""
        self._call("beam_commit", count)

    def __reduce__(self) -> NoReturn:
        """Raise TypeError: the memory of the kernel cannot be shared."""
        raise TypeError(f"cannot copy or pickle {type(self).__name__}: make another one")

    def _call(self, door: str, *arguments: int) -> None:
        _call(self._doors, door, [self._handle, *arguments])


def _call(doors: _Doors, door: str, arguments: Sequence[int]) -> None:
    numbers = array("q", arguments)
    if doors[door](numbers.buffer_info()[0]):
        raise MemoryError(f"prefix beam search: too little memory for {door}")


@cache
def doors() -> _Doors:
    """Return the functions of the kernel by name. Raises MachineError if it cannot be built."""
    source = imported("bptt.codegen.cpp.prefix_beam", "SOURCE")
    library = kernels_of(source)
    for name in source.doors:
        door = getattr(library, name)
        door.restype, door.argtypes = c_int64, [c_void_p]
    return {name: getattr(library, name) for name in source.doors}
