"""The loaded kernels of a cell, and the conversion of tensors to the sizes and addresses that they take."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from ctypes import CDLL, addressof, c_int64, c_void_p
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from bptt.cells.caching import KEPT
from bptt.cells.cell import Cell
from bptt.deferred import deferred
from bptt.runtime.kernels.block_pool import take
from bptt.runtime.kernels.index import NO_COLUMN, CallLayout, KnownKernel, recall, remember
from bptt.runtime.loaded import kernels_of
from bptt.runtime.packing import Packed, packed

if TYPE_CHECKING:
    from bptt.codegen.kernel_source import KernelSource
    from bptt.runtime.norms import Norms

# Derives the cell: for kernels that no process has made before.
_make = deferred("bptt.runtime.kernels.making", "make_kernel")
_norms = deferred("bptt.runtime.norms", "Norms")

# Kinds of kernels by the dtype of the factors of products; with bfloat16 and int8, all else is float32.
KINDS = {torch.float32: "float32", torch.float64: "float64", torch.bfloat16: "bfloat16", torch.int8: "int8"}

# How to find a letter's size: the index of a tensor in (x, *initial, *parameters), a dimension, a divisor.
_Size = tuple[int, int, int]


class Tensors(NamedTuple):
    """The tensors of a recurrence: x (T, B, I), lengths (B,) or None, states (B, width), parameters.

    With `restarts` (T, B) the states are (2 B, width): see `bptt.runtime.protocol.Recurrence`.
    """

    x: Tensor
    lengths: Tensor | None
    initial: Sequence[Tensor]
    parameters: Sequence[Tensor]
    reverse: bool
    restarts: Tensor | None = None

    @property
    def read(self) -> tuple[Tensor, ...]:
        """The tensors that gradients flow to."""
        return (self.x, *self.initial, *self.parameters)

    @property
    def all(self) -> tuple[Tensor | None, ...]:
        """Every tensor."""
        return (self.x, self.lengths, self.restarts, *self.initial, *self.parameters)


class Library:
    """The kernels of a cell in one dtype; each function of the library is called with one array of int64.

    The order of the numbers in that array is the order in which the generated C++ reads them.
    """

    def __init__(
        self, cell: Cell, layout: CallLayout, library: CDLL, doors: Sequence[str], factors: torch.dtype
    ) -> None:
        self.cell, self.layout, self._library = cell, layout, library
        # Kernels turn float32 into factors of 8 bits themselves.
        self._matrix_dtype = torch.float32 if factors == torch.int8 else factors
        # That of all tensors but narrow matrices.
        self.dtype = _computed_in(self._matrix_dtype)
        self.narrow = self._matrix_dtype != self.dtype
        self._widths = dict(layout.widths)
        self._recipe = _recipe(cell, layout)
        self._measured: dict[tuple[int, ...], tuple[int, int, int]] = {}
        self.matrix_families = [k for k, f in enumerate(cell.families) if f.columns is not None]
        self._vectors = _vector_places(cell)
        # These allocate the gradient of each parameter: zeros if no equation's result depends on one of its
        # members, else the kernel writes every number of it.
        unread = [each and k in self.matrix_families for k, each in enumerate(layout.unread)]
        makers: list[Callable[..., Tensor]] = [torch.zeros_like if u else torch.empty_like for u in unread]
        self.gradients: list[Callable[[Tensor], Tensor]] = [*makers]
        if self.narrow:
            self.gradients = [partial(make, dtype=self.dtype) for make in makers]
        self.doors: dict[str, Callable[..., int]] = {}
        for name in doors:
            door = getattr(library, name)
            door.restype, door.argtypes = c_int64, [c_void_p]
            self.doors[name] = door

    @property
    def where(self) -> str:
        """The subject of an error message."""
        return f"recurrence({self.cell.name})"

    def sizes(self, given: Tensors) -> tuple[int, ...]:
        """Return the size of every letter, in the kernel's order."""
        tensors = (given.x, *given.initial, *given.parameters)
        return (1, *[tensors[k].shape[d] // n for k, d, n in self._recipe])

    def width(self, sizes: Sequence[int], name: str) -> int:
        """Return the width of a named value."""
        return sizes[self.layout.letters.index(self._widths[name])]

    def call(self, door: str, arguments: Sequence[int]) -> None:
        """Call a kernel, with the GIL released. Raises MemoryError if the kernel cannot allocate memory."""
        numbers = arguments if isinstance(arguments, array) else array("q", arguments)
        if self.doors[door](numbers.buffer_info()[0]):
            raise MemoryError(f"{self.cell.name}: too little memory for the pass {door}")

    def weights(self, sizes: Sequence[int], parameters: Sequence[Tensor]) -> Packed:
        """Return the matrices packed for the forward pass, from a cache while they do not change."""
        matrices = [parameters[k] for k in self.matrix_families]
        if not matrices:
            return Packed(self.pack(sizes, parameters))
        return packed(matrices, self, lambda: self.pack(sizes, parameters), self.checksum)

    def pack(
        self, sizes: Sequence[int], parameters: Sequence[Tensor], *, transposed: bool = False, rows: int = 0
    ) -> Tensor:
        """Return the current matrices packed for the forward pass.

        `rows` is the number of rows that will be multiplied with them, if it is always the same, else 0.
        Return the result to the pool with `block_pool.give_back` when no pass reads it any more.
        """
        matrices = self.read(parameters)
        if not matrices:
            return torch.empty(0, device="cpu")
        to = take(self.measure(sizes)[0], _computed_in(matrices[0].dtype))
        threads = torch.get_num_threads()
        self.call("pack", [*sizes, *addresses(matrices), to.data_ptr(), 0, 0, threads, rows])
        return to

    def read(self, parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the matrices as kernels read them."""
        return tuple([parameters[k].to(self._matrix_dtype) for k in self.matrix_families])

    def measure(self, sizes: Sequence[int]) -> tuple[int, int, int]:
        """Return the counts of packed weights, forward and transposed, and of kept values per row and step.

        The kernel computes them from the sizes; the answers are cached.
        """
        key = tuple(sizes)
        if key in self._measured:
            return self._measured[key]
        found = (c_int64 * 3)()
        self.call("measure", [*sizes, *[0] * max(1, len(self.matrix_families)), 0, 0, addressof(found), 1, 0])
        self._measured[key] = found[0], found[1], found[2]
        return self._measured[key]

    def room_for_norms(self, x: Tensor) -> Tensor:
        """Allocate the norms that a backward pass measures, (T, B, number of δ and states), in float64."""
        count = self.layout.deltas + len(self.cell.states)
        return torch.zeros(*x.shape[:2], count, dtype=torch.float64, device="cpu")

    def norms(self, found: Tensor) -> Norms:
        """Return the norms that a backward pass wrote into `room_for_norms`."""
        layout = self.layout
        read = torch.tensor([column != NO_COLUMN for column in layout.sum_columns])
        delta = torch.where(read, found[..., list(layout.sum_columns)], 0.0)
        norms: Norms = _norms(layout.sums, delta, self.cell.states, found[..., layout.deltas :])
        return norms

    def matrices(self, stacks: Sequence[Tensor | None]) -> list[int]:
        """Return the addresses of the matrices among the parameters (or among their gradients)."""
        return addresses([stacks[k] for k in self.matrix_families])

    def vector_places(self, sizes: Sequence[int], first: int) -> list[tuple[int, int, int]]:
        """Return for each vector parameter its place in arguments, from `first` on; the index of its family;
        and the number of numbers before it there.
        """
        letters, vectors = self.layout.letters, self.cell.vectors
        widths = [sizes[letters.index(letter)] for letter in vectors.values()]
        found = zip(self._vectors, widths, strict=True)
        return [(at, k, member * width) for at, ((k, member), width) in enumerate(found, first)]

    @staticmethod
    def arrays(tensors: Sequence[Tensor]) -> tuple[int, array[int], array[int]]:
        """Return the number of tensors, their sizes in bytes and their addresses, for kernels."""
        return len(tensors), array("q", [t.nbytes for t in tensors]), array("q", addresses(tensors))

    def checksum(self, tensors: Sequence[Tensor]) -> int:
        """Return a checksum of the numbers in these tensors."""
        found, (count, *places) = c_int64(), self.arrays(tensors)
        arrays = [place.buffer_info()[0] for place in places]
        self.call("checksum", [addressof(found), torch.get_num_threads(), count, *arrays])
        return found.value


def dense(x: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors in the layout of kernels: each row of x contiguous, all others contiguous."""
    return (x if x.stride(-1) == 1 else x.contiguous(), *[t.contiguous() for t in others])


def addresses(tensors: Sequence[Tensor | None]) -> list[int]:
    """Return the addresses of tensors, 0 for None; one 0 for no tensors, as C++ has no empty array."""
    return [0 if t is None else t.data_ptr() for t in tensors] or [0]


def _recipe(cell: Cell, layout: CallLayout) -> list[_Size]:
    found: dict[str, _Size] = {cell.width(s): (k, 1, 1) for k, s in enumerate(cell.states, 1)}
    found[cell.width(cell.inputs[0])] = (0, 2, 1)
    for k, family in enumerate(cell.families, 1 + len(cell.states)):
        found[family.rows] = (k, 0, len(family.members))
        if family.columns is not None:
            found.setdefault(family.columns, (k, 1, 1))
    # The first letter is that of a single number.
    return [found[letter] for letter in layout.letters[1:]]


def _vector_places(cell: Cell) -> list[tuple[int, int]]:
    """Return, for each vector parameter, the index of its family and its place there."""
    places = {
        name: (k, place)
        for k, family in enumerate(cell.families)
        for place, name in enumerate(family.members)
    }
    return [places[name] for name in cell.vectors]


@lru_cache(maxsize=KEPT)
def library_of(cell: Cell, kind: str) -> Library:
    """Return the kernels of a cell, of a kind from `KINDS`. Raises MachineError if they cannot be built."""
    source, layout = _known(cell, kind)
    factors = next(dtype for dtype, name in KINDS.items() if name == kind)
    library = Library(cell, layout, kernels_of(source), source.doors, factors)
    if not isinstance(source, KnownKernel):
        remember(cell, kind, source, layout)
    return library


# Apart from `library_of`: where kernels cannot be built, each call asks for them anew.
@lru_cache(maxsize=KEPT)
def _known(cell: Cell, kind: str) -> tuple[KernelSource | KnownKernel, CallLayout]:
    made: tuple[KernelSource | KnownKernel, CallLayout] = recall(cell, kind) or _make(cell, kind)
    return made


def _computed_in(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which products with a matrix are summed; packed factors take as much memory."""
    return torch.promote_types(dtype, torch.float32)
