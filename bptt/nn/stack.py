"""Layers upon layers of cells, in one direction or both: the base of LSTM and Recurrent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from torch.types import Device

from bptt.cells.load import Cells, layers_of, per_layer
from bptt.deferred import deferred
from bptt.errors import InputError, WrongTypeError
from bptt.nn.base import CellModule, LayerStates, States, check_flag
from bptt.nn.initial import (
    Initial,
    check_initial,
    initial_states,
    register_initial,
    reset_initial,
)
from bptt.nn.layer import Layer
from bptt.nn.parameters import Names, check_counts, plain
from bptt.nn.prepared_calls import PreparedCalls
from bptt.nn.sequences import InputSequences, Lengths, read_resets, read_sequences
from bptt.nn.strangers import delegate, is_strange
from bptt.runtime.autocast import autocast_dtype
from bptt.runtime.dispatch import has_fused, runs_fused
from bptt.runtime.operators import Sequences as Run

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.runtime.fused.function import LayersRun
    from bptt.runtime.norms import Norms, Observer
    from bptt.runtime.operators import Storage

# For GPUs alone.
_run_layers = deferred("bptt.runtime.fused.function", "run_layers")

# The states (B, width) of every layer and direction that sequences start from.
_Starts: TypeAlias = list[tuple[Tensor, ...]]


class Stack(CellModule):
    """`num_layers` layers of one cell, or of a cell for each layer, each reading the output of the one below,
    in both directions if asked. The order is torch's: layer 0 forward, layer 0 backward, layer 1 forward,
    ...; also that of the rows of the states.

    `storage`, an attribute, says what a forward pass stores for the backward pass on the CPU: "keep"
    every value that it reads, "recompute" from the states of all steps, or "segments", from the states of
    every √T-th step. `bptt derive CELL --stage storage` prints how much each is.

    `observer`, another one, is called in each backward pass with the number of a layer and direction, in
    torch's order, and the norms of the gradients that pass through it. `bptt.probe.watch` sets it.
    """

    storage: Storage = "keep"
    observer: Callable[[int, Norms], None] | None = None

    defaults: Mapping[str, object] = {
        "proj_size": 0,
        "num_layers": 1,
        "bias": True,
        "batch_first": False,
        "dropout": 0.0,
        "bidirectional": False,
        "initial": "zero",
        "storage": "keep",
    }

    def __init__(
        self,
        cells: Cells,
        naming: Callable[[Cell], Names],
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int = 0,
        initial: Initial = "zero",
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(per_layer(cells, 1), naming, input_size, hidden_size, bias, proj_size)
        self.num_layers: int = layers_of(self.where, cells, plain(num_layers), 1)
        self.batch_first: bool = plain(batch_first)
        self.dropout: float = plain(dropout)
        self.bidirectional: bool = plain(bidirectional)
        self.initial: Initial = initial
        self._check_options()
        if len(self.cells) == 1:
            self.cells *= self.num_layers
        self.register_layers(tuple(self._make_layers()), self.num_directions, device, dtype)
        self._calls = PreparedCalls()
        if initial == "learned":
            for layer in self.layers:
                register_initial(self, layer, device, dtype)
        self.reset_parameters()

    @property
    def num_directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction, as torch lists them."""
        return [[getattr(self, name) for name in layer.parameter_names] for layer in self.layers]

    def flatten_parameters(self) -> None:
        """Do nothing: programs written for torch call it, where cuDNN needs it."""

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as torch does; learned initial states start at zero."""
        super().reset_parameters()
        if self.initial == "learned":
            for layer in self.layers:
                reset_initial(self, layer)

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | Sequence[Tensor] | None = None,
        *,
        lengths: Lengths | None = None,
        resets: Tensor | None = None,
        return_states: bool = False,
    ) -> tuple[object, ...]:
        """Run over sequences: return the output, the final states, and every state if `return_states`.

        `input` is (T, B, I), or (B, T, I) with batch_first, or (T, I), or a PackedSequence; the output has
        the same form, and the width directions * output_size. `hx` and the final states are a tensor for a
        cell with one state, else a tuple: (num_layers * directions, B, width) each, without B for a single
        sequence; a state as wide as the input is as wide as in the widest layer, and zeros follow in the
        others. Of layers with different states each has tensors of its own, (directions, B, width), lowest
        layer first: (h_l0, c_l0, h_l1) of an LSTM below a GRU. `lengths` (B,) counts the valid steps of each
        row, in any order, zero allowed: the result of a row does not depend on the others, zero follows in
        the output, and the final state is the one after the last valid step. `resets`, booleans of the shape
        of the input without I, (T, B) for packed sequences in the order of their batch, marks the steps with
        which a sequence begins inside a row, a packed document or an episode: the results are those of
        running each alone, in every layer and both directions. It begins as a call without `hx` does, at
        zero, at the learned state, whose gradient sums over all beginnings, or at a random one, drawn once
        for a row; no state and no gradient crosses a beginning. So `hx` acts on the steps before the first
        mark of a row, or in the backward direction from the last mark on. Marks in the padding have no
        effect. The third result is one LayerStates per layer. Under autocast the layers compute in the dtype
        of their parameters; results are in autocast's, as `torch.nn.LSTM` returns them. Raises InputError for
        shapes, lengths or states that do not fit.
        """
        if type(input) is not Tensor and is_strange(self.where, input, (Tensor, PackedSequence)):
            options = {"lengths": lengths, "resets": resets, "return_states": return_states}
            return delegate(self, input, hx, **options)  # type: ignore[no-any-return]
        if type(input) is Tensor and lengths is None and resets is None and not return_states:
            found = self._calls.run(self, input, hx)
            if found is not None:
                return found
        sequences, starts = self.begin(input, hx, lengths)
        restart = starts
        if resets is not None:
            sequences = replace(sequences, resets=read_resets(self.where, resets, sequences))
            restart = starts if hx is None else self._starts(None, sequences)
        runs, output = self._run(sequences, starts, restart, return_states)
        dtype = autocast_dtype(output)
        if dtype is not None:
            runs, output = [run.to(dtype) for run in runs], output.to(dtype)
        result = sequences.restore_output(output), self._final(runs, sequences)
        return (*result, self._histories(runs, sequences)) if return_states else result

    def begin(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | Sequence[Tensor] | None,
        lengths: Lengths | None,
    ) -> tuple[InputSequences, _Starts]:
        """Return the start of a forward pass: the sequences as (T, B, I), and the initial states, (B, width)
        each, of every layer and direction. Raises InputError for shapes, lengths or states that do not fit.
        """
        sequences = read_sequences(self.where, input, self.input_size, self.batch_first, lengths)
        sequences = replace(sequences, values=self.check_kind("input", sequences.values))
        return sequences, self._starts(hx, sequences)

    def _check_options(self) -> None:
        check_flag(self.where, "batch_first", self.batch_first)
        check_flag(self.where, "bidirectional", self.bidirectional)
        check_initial(self.where, self.initial)
        check_counts(self.where, 1, num_layers=self.num_layers)
        number = isinstance(self.dropout, int | float) and not isinstance(self.dropout, bool)
        if not number or not 0 <= self.dropout <= 1:
            error = InputError if number else WrongTypeError
            raise error(self.where, "dropout is a number from 0 to 1", repr(self.dropout))
        if self.dropout > 0 and self.num_layers == 1:
            text = "dropout acts between layers, and with num_layers=1 there is nothing between"
            warnings.warn(f"{self.where}: {text}", stacklevel=4)

    def _make_layers(self) -> Iterator[Layer]:
        width = self.input_size
        for index, cell in enumerate(self.cells):
            layer = self.make_layer(cell, width, f"_l{index}")
            yield layer
            if self.bidirectional:
                yield self.make_layer(cell, width, f"_l{index}_reverse", reverse=True)
            width = self.num_directions * layer.output_size

    def _starts(self, hx: Tensor | Sequence[Tensor] | None, sequences: InputSequences) -> _Starts:
        """Return the initial states (B, width) of every layer and direction, from `hx` or as `initial`
        says.
        """
        batch, values = sequences.batch, sequences.values
        if hx is None:
            return [initial_states(self, la, self.initial, batch, values) for la in self.layers]
        given = self.check_states(hx, "" if sequences.single else "B", batch)
        if sequences.single:
            given = tuple(state.unsqueeze(1) for state in given)
        return self.state_form.split(given)

    def _run(
        self, sequences: InputSequences, starts: _Starts, restart: _Starts, all_states: bool
    ) -> tuple[list[Run], Tensor]:
        """Return every layer's run, and the output (T, B, directions * width) of the last.

        Of layers that torch's operator runs in one call only the last has an output.
        """
        runs: list[Run] = []
        values, count = sequences.values, self.num_directions
        share = self.dropout if self.training else 0.0
        first = 0
        while first < len(self.layers):
            if first:
                values = sequences.dropout(values, share)
            both = range(first, first + count)
            if not all_states and sequences.resets is None and has_fused(values.device):
                alike = self._alike(first, bool(share))
                found = self._run_fused(alike, sequences, values, starts)
                if found is not None:
                    values, first = found.output, alike.stop
                    runs += [Run(values, final, ()) for final in found.final]
                    continue
            here = [
                self.layers[k].run(
                    self,
                    values,
                    starts[k],
                    sequences.lengths,
                    all_states,
                    self.storage,
                    self._observer(k),
                    sequences.resets,
                    restart[k],
                )
                for k in both
            ]
            values = torch.cat([run.output for run in here], -1) if count > 1 else here[0].output
            runs += here
            first = both.stop
        return runs, values

    def _alike(self, first: int, apart: bool) -> range:
        """Return the layers and directions from `first` on that are of one cell; of one layer if `apart`."""
        stop = first + self.num_directions
        while not apart and stop < len(self.layers) and self.layers[stop].cell == self.layers[first].cell:
            stop += 1
        return range(first, stop)

    def _run_fused(
        self, rows: range, sequences: InputSequences, values: Tensor, starts: _Starts
    ) -> LayersRun | None:
        """Return the run of layers and directions by torch's operator, None if the equations run them."""
        layers = self.layers[rows.start : rows.stop]
        # A probe puts a layer of its own kind in the place of the one that it looks into.
        if self.observer is not None or any(type(layer) is not Layer for layer in layers):
            return None
        cell, initial = layers[0].cell, starts[rows.start : rows.stop]
        parts = [layer.parts(self) for layer in layers]
        tensors = (values, *chain(*initial), *(tensor for each in parts for tensor in chain(*each)))
        if not runs_fused(cell, tensors, self.storage):
            return None
        lengths, directions = sequences.lengths, self.num_directions
        found: LayersRun = _run_layers(cell, values, initial, parts, lengths=lengths, directions=directions)
        return found

    def _observer(self, number: int) -> Observer | None:
        return None if self.observer is None else partial(self.observer, number)

    def _final(self, runs: list[Run], sequences: InputSequences) -> States:
        final = self.state_form.join([run.final for run in runs])
        return self.hand_over(tuple(s.squeeze(1) for s in final) if sequences.single else final)

    def _histories(self, runs: list[Run], sequences: InputSequences) -> tuple[LayerStates, ...]:
        states = [tuple(map(sequences.restore, run.states)) for run in runs]
        count = self.num_directions
        backward = states[1::2] if count == 2 else [()] * self.num_layers
        return tuple(map(LayerStates, states[::count], backward))
