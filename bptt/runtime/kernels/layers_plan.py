"""Forward passes without a graph through a stack of layers, by arguments that are filled in beforehand."""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import torch
from torch import Tensor, nn

from bptt.runtime.arguments import check_arguments
from bptt.runtime.kernels.block_pool import give_back, take
from bptt.runtime.kernels.function import Launch, apply_directly
from bptt.runtime.kernels.layer_arguments import OUTPUT, LayerArguments, Place
from bptt.runtime.kernels.library import Library, Tensors
from bptt.runtime.kernels.recurrence import passes_of
from bptt.runtime.packing import Packed
from bptt.runtime.protocol import Recurrence, StackLayer, Storage
from bptt.runtime.saved import check_memory

# The address, shape and dtype of a tensor; and with its change count.
_Memory: TypeAlias = tuple[int, torch.Size, torch.dtype]
_Form: TypeAlias = tuple[int, torch.Size, torch.dtype, int]


@dataclass(frozen=True, eq=False)
class _Prepared:
    """The arguments of `forward_layers`, complete but for the addresses of what differs from call to call.

    `parameters` and their `forms` (address, shape, dtype and change count) are those that the arguments fit.
    `packed` are weak references: the cache of packed weights may free them. `places` are those of the missing
    addresses: of x, the output, a block of `numbers` numbers, each initial state, and each final state.
    `kept` is memory that the arguments point to.
    """

    arguments: array[int]
    parameters: tuple[weakref.ref[Tensor], ...]
    forms: list[_Form]
    packed: tuple[weakref.ref[Packed], ...]
    places: tuple[tuple[Place, ...], ...]
    numbers: int
    kept: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class _Layer:
    """The launch of a layer, and its parameters with the address, shape and dtype of each."""

    launch: Launch
    parameters: tuple[weakref.ref[Tensor], ...]
    forms: list[_Memory]

    def fits(self, tensors: Sequence[Tensor | None]) -> bool:
        """Return whether the parameters are these, where they were, in the same layout."""
        for tensor, known, (address, shape, dtype) in zip(tensors, self.parameters, self.forms, strict=True):
            # In one expression: evaluated for each parameter at every call.
            if (
                tensor is None
                or known() is not tensor
                or tensor.data_ptr() != address
                or tensor.shape != shape
                or tensor.dtype is not dtype
                or not tensor.is_contiguous()
            ):
                return False
        return True


class LayersPlan:
    """Runs one cell's layers over inputs like x (T, B, I): see `bptt.runtime.protocol.StackPlan`.

    A call checks that the parameters are those that were packed, and fills in addresses; the kernel compares
    the parameters' checksum.
    """

    def __init__(self, library: Library, layers: Sequence[StackLayer], directions: int, x: Tensor) -> None:
        self._library, self._layers, self._directions = library, layers, directions
        self._shape, self._strides, self._dtype = x.shape, x.stride(), x.dtype
        self._names = tuple(dict.fromkeys(name for layer in layers for part in layer.parts for name in part))
        self._prepared: _Prepared | None = None
        self._layer_names = [[name for part in layer.parts for name in part] for layer in layers]
        self._launches: dict[object, _Layer] = {}

    def run(
        self,
        parameters: Mapping[str, Tensor | None],
        x: Tensor,
        initial: Sequence[Tensor],
        output: Tensor,
        final: Sequence[Tensor],
    ) -> bool:
        """Fill in the arguments and call the kernel: see `bptt.runtime.protocol.StackPlan.run`."""
        found = self._prepared
        packed = [] if found is None else [weights() for weights in found.packed]
        if found is None or None in packed or not self._are_those(found, parameters):
            found = self._prepared = self._prepare(parameters)
            if found is None:
                return False
            packed = [weights() for weights in found.packed]
        call = found.arguments[:]
        block = take(found.numbers, self._dtype) if found.numbers else output
        for places, tensor in zip(found.places, (x, output, block, *initial, *final), strict=True):
            start = tensor.data_ptr()
            for place, behind in places:
                call[place] = start + behind
        self._library.call("forward_layers", call)
        if block is not output:
            give_back(block)
        # The first number says that the checksum is another one; then nothing was computed.
        if call[0]:
            self._prepared = None
        return not call[0]

    def run_layer(
        self,
        number: int,
        storage: Storage,
        parameters: Mapping[str, Tensor | None],
        x: Tensor,
        initial: Sequence[Tensor],
        leading: tuple[int, ...],
    ) -> tuple[Tensor, ...] | None:
        """Run a node of the graph: see `bptt.runtime.protocol.StackPlan.run_layer`."""
        key, tensors = (number, storage, leading), [*map(parameters.get, self._layer_names[number])]
        known = self._launches.get(key)
        if known is None or not known.fits(tensors):
            known = self._launch(number, storage, leading, tensors, x, initial)
            if known is None:
                return None
            self._launches[key] = known
        return apply_directly(known.launch, None, None, x, *initial, *tensors)

    def _launch(
        self,
        number: int,
        storage: Storage,
        leading: tuple[int, ...],
        tensors: Sequence[Tensor | None],
        x: Tensor,
        initial: Sequence[Tensor],
    ) -> _Layer | None:
        named = self._plain(tensors, self._layer_names[number])
        if named is None:
            return None
        cell, layer = self._library.cell, self._layers[number]
        whole = tuple([state == cell.output for state in cell.states])
        recurrence = Recurrence(cell, None, layer.reverse, whole, storage)
        # Of the parts of a sum, all of one shape, the first shows the sizes.
        first = [named[part[0]] for part in layer.parts]
        shapes = [tuple([t.shape for t in given]) for given in (initial, first)]
        check_arguments(cell, x.shape, *shapes, None)
        given = Tensors(x, None, initial, first, layer.reverse)
        passes = passes_of(self._library, given, whole, storage, leading=leading)
        bound = passes.bind(self._library.read(first), layer.reverse)
        counts = tuple(map(len, layer.parts))
        launch = Launch(self._library, recurrence, passes, counts, bound)
        return _Layer(launch, tuple(map(weakref.ref, named.values())), list(map(_memory, named.values())))

    def _are_those(self, found: _Prepared, parameters: Mapping[str, Tensor | None]) -> bool:
        rows = zip(self._names, found.parameters, found.forms, strict=True)
        for name, known, (address, shape, dtype, version) in rows:
            tensor = parameters.get(name)
            # In one expression: evaluated for each parameter at every call.
            if (
                tensor is None
                or known() is not tensor
                or tensor._version != version
                or tensor.data_ptr() != address
                or tensor.shape != shape
                or tensor.dtype is not dtype
                or not tensor.is_contiguous()
            ):
                return False
        return True

    def _plain(self, tensors: Sequence[Tensor | None], names: Sequence[str]) -> dict[str, Tensor] | None:
        """Return parameters by name, or None if a kernel cannot read one of them as it is, or one is missing.

        Raises GraphError if the memory of one was freed.
        """
        found = {}
        for name, tensor in zip(names, tensors, strict=True):
            if tensor is None or type(tensor) not in (Tensor, nn.Parameter) or tensor.is_inference():
                return None
            if tensor.dtype != self._dtype or not tensor.is_cpu or not tensor.is_contiguous():
                return None
            found[name] = tensor
        check_memory(self._library.where, found.values())
        parts = [part for layer in self._layers for part in layer.parts if part[0] in found]
        return found if all(found[a].shape == found[b].shape for a, *rest in parts for b in rest) else None

    def _prepare(self, parameters: Mapping[str, Tensor | None]) -> _Prepared | None:
        named = self._plain([*map(parameters.get, self._names)], self._names)
        if named is None:
            return None
        tensors = list(named.values())
        forms, checksum = list(map(_form, tensors)), self._library.checksum(tensors)
        # Later calls may be outside this one's inference mode.
        with torch.inference_mode(False), torch.no_grad():
            families = [
                [reduce(torch.add, [named[name] for name in part]) for part in layer.parts]
                for layer in self._layers
            ]
        writer = LayerArguments(
            self._library, self._shape, self._strides, self._dtype.itemsize, self._directions
        )
        # A sum of parts has no other owner; a parameter must not outlive its module here.
        own = set(map(id, tensors))
        sums = [t for family in families for t in family if id(t) not in own]
        count, *arrays = self._library.arrays(tensors)
        writer.write(0, checksum, count, *[a.buffer_info()[0] for a in arrays], torch.get_num_threads())
        writer.write(len(self._layers) // self._directions, self._directions, writer.output_state)
        writer.point([(OUTPUT, 0)])
        packed = [
            writer.layer(layer, given, number >= len(self._layers) - self._directions)
            for number, (layer, given) in enumerate(zip(self._layers, families, strict=True))
        ]
        return _Prepared(
            array("q", writer.numbers),
            tuple(map(weakref.ref, tensors)),
            forms,
            tuple(map(weakref.ref, packed)),
            tuple(map(tuple, writer.places)),
            writer.block,
            (arrays, sums),
        )


def _memory(tensor: Tensor) -> _Memory:
    return tensor.data_ptr(), tensor.shape, tensor.dtype


def _form(tensor: Tensor) -> _Form:
    return tensor.data_ptr(), tensor.shape, tensor.dtype, tensor._version
