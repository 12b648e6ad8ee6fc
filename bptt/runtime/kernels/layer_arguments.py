"""The arguments of a forward pass through several layers, but for addresses that differ from call to call."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.runtime.arguments import check_arguments
from bptt.runtime.kernels.library import Library, Tensors
from bptt.runtime.packing import Packed
from bptt.runtime.protocol import StackLayer

# The memories that addresses differ in from call to call; those of the initial and final states follow.
X, OUTPUT, BLOCK, STATES = range(4)
# Two numbers: which of these memories, or a place in the arguments; and the bytes from the start of the
# memory to an address.
Place = tuple[int, int]


class LayerArguments:
    """Writes the arguments of `forward_layers`; notes the places of addresses that are not known yet.

    `places` are those of x, the output, each initial state, each final state, and the block, of which
    `block` numbers are used.
    """

    def __init__(
        self, library: Library, shape: Sequence[int], strides: Sequence[int], size: int, directions: int
    ) -> None:
        self._library, self._directions = library, directions
        (self._steps, self._batch, self._width), self._strides = shape, tuple(strides[:2])
        states, output = library.cell.states, library.cell.output
        self.output_state = states.index(output) if output in states else -1
        self.numbers: list[int] = []
        self.places: list[list[Place]] = [[] for _ in range(STATES + 2 * len(states))]
        self.block, self._row, self._x, self._size = 0, 0, (X, 0), size

    def write(self, *numbers: int) -> None:
        """Append numbers that are the same at each call."""
        self.numbers += numbers

    def point(self, places: Sequence[Place]) -> None:
        """Append addresses, each that number of bytes behind the start of a memory; one 0 for none."""
        for memory, behind in places:
            self.places[memory].append((len(self.numbers), behind))
            self.numbers.append(0)
        if not places:
            self.numbers.append(0)

    def _take(self, count: int) -> Place:
        """Return the place of `count` more numbers of the block."""
        place, self.block = (BLOCK, self.block * self._size), self.block + count
        return place

    def layer(self, layer: StackLayer, parameters: Sequence[Tensor], last: bool) -> Packed:
        """Append the arguments of one layer in one direction; return its packed weights."""
        library, steps, batch, size = self._library, self._steps, self._batch, self._size
        # Tensors of these shapes, without memory for their numbers.
        like = parameters[0].detach().new_empty(1)
        x, initial = like.expand(steps, batch, self._width), [like.expand(batch, w) for w in layer.widths]
        shapes = [tuple([t.shape for t in tensors]) for tensors in (initial, parameters)]
        check_arguments(library.cell, x.shape, *shapes, None)
        sizes = library.sizes(Tensors(x, None, initial, parameters, layer.reverse))
        weights = library.weights(sizes, parameters)
        count, row, rings = len(layer.widths), self._row, [0] * len(layer.widths)
        final = [(STATES + count + k, row * batch * w * size) for k, w in enumerate(layer.widths)]
        before = [(STATES + k, behind) for k, (_, behind) in enumerate(final)]
        single = last and self._directions == 1
        output = (OUTPUT, 0) if single else self._take(steps * batch * layer.output)
        # A single step needs no memory but that of the final state, others need two in turns.
        states = list(final)
        for k, width in enumerate(layer.widths):
            if k == self.output_state:
                states[k] = output
            elif steps > 1:
                states[k], rings[k] = self._take(2 * batch * width), 2
        self.write(steps, batch, torch.get_num_threads(), int(layer.reverse), 0, *sizes)
        self.point([self._x])
        self.write(*self._strides)
        self.point(before)
        self.point(states)
        self.write(*(rings or [0]))
        self.point([output])
        self.write(0)
        self.point(final)
        vectors = [
            parameters[family].data_ptr() + place * size
            for _, family, place in library.vector_places(sizes, 0)
        ]
        rest = [0] * max(1, count)
        self.write(weights.block.data_ptr(), *(vectors or [0]), 0, *rest, 0, *rest)
        self._row += 1
        if not last and self._row % self._directions == 0:
            self._x = output if self._directions == 1 else self._take(2 * steps * batch * layer.output)
            self._width = self._directions * layer.output
            self._strides = batch * self._width, self._width
        return weights
