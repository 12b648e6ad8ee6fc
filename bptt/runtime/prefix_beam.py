"""The prefix beam search over outputs of CTC, by a kernel or in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

from torch import Tensor

from bptt.deferred import deferred
from bptt.errors import MachineError
from bptt.runtime.backend import AUTO, get_backend
from bptt.runtime.notice import say_once

_kernel = deferred("bptt.runtime.kernels.prefix_beam", "KernelBeam")
_plain = deferred("bptt.runtime.reference.prefix_beam", "ReferenceBeam")

# A prefix that has entered the beam: its slot, the slot of the prefix that it extends, and its last symbol.
Entered: TypeAlias = tuple[int, int, int]


class HeardSymbol(NamedTuple):
    """A symbol of a text, first and last frame in which an alignment has it, and its highest ln P there."""

    symbol: int
    first: int
    last: int
    peak: float


class BeamFacts(NamedTuple):
    """The ln P of a prefix, that of the language model, its bonus, its slot, and its number of symbols.

    Symbols that were committed are not counted.
    """

    acoustic: float
    language: float
    bonus: float
    slot: int
    length: int


class Beam(Protocol):
    """A search over `symbols` symbols, with at most `width` prefixes after each frame.

    A prefix is ranked by its acoustic ln P + weight · language + bonus. While it is in the beam it has one of
    2 · width slots; the empty prefix is in slot 0. `tables` are (2 · width, symbols) float64 each: for the
    prefix of a slot, what each next symbol adds to language and bonus. Fill the rows of the prefixes in
    `entered` before the next frame; without tables nothing is added.
    """

    entered: list[Entered]

    def run(self, frames: Tensor, first: int, pause: bool) -> int:
        """Read ln P, `frames` (T, symbols) float64 contiguous on the CPU, from frame `first` on.

        With `pause` it ends after a frame in which prefixes have entered. Return the number of frames read,
        or -1 if no prefix has a probability any more.
        """

    def add(self, language: Sequence[float], bonus: Sequence[float]) -> None:
        """Add to the scores of the prefixes in `entered`, in their order."""

    def counts(self) -> tuple[int, int, int]:
        """Return the number of prefixes, of symbols that they all begin with, and of objects in memory."""

    def facts(self, rank: int) -> BeamFacts:
        """Return the numbers of the prefix of a rank, 0 the best."""

    def read(self, rank: int) -> list[HeardSymbol]:
        """Return the symbols of the prefix of a rank as the most probable alignment has them."""

    def commit(self, count: int) -> None:
        """Forget the first `count` symbols of the best prefix: no longer read them.

        Prefixes that begin otherwise leave the beam.
        """


def make_beam(
    symbols: int,
    width: int,
    blank: int,
    tables: tuple[Tensor, Tensor] | None = None,
    weight: float = 0.0,
) -> Beam:
    """Return a search by a kernel, or in Python if the backend in force is `reference`.

    Python also runs where kernels cannot be built, unless the user chose them by name. Raises
    MachineError then.
    """
    chosen = get_backend()
    if chosen != "reference":
        try:
            beam: Beam = _kernel(symbols, width, blank, tables, weight)
            return beam
        except MachineError as error:
            if chosen != AUTO:
                raise
            say_once("beam", f"bptt: the beam search runs in Python, many times slower: {error}")
    plain: Beam = _plain(symbols, width, blank, tables, weight)
    return plain
