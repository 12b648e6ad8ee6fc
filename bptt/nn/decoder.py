"""A decoder: a recurrent stack that starts where an encoder ended, and attends to a memory if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bptt.cells.cell import Cell
from bptt.errors import InputError
from bptt.nn.attention import Attention, Memory, ScoreName
from bptt.nn.base import StateForm
from bptt.nn.recurrent import Recurrent
from bptt.nn.sequences import Lengths
from bptt.nn.stack import Stack
from bptt.shapes import check_shape


@dataclass(frozen=True)
class DecoderState:
    """All that a decoder needs for the next step of N rows.

    `recurrent` holds one (num_layers, N, width) per state of the cell, or those of each layer in a stack of
    mixed cells; `output` (N, width) is the last
    output, zero at the start, `memory` is None if there is no attention.
    """

    recurrent: tuple[Tensor, ...]
    output: Tensor
    memory: Memory | None

    def select(self, rows: Tensor) -> DecoderState:
        """Return the state of the rows `rows` (N,) int64, in that order; a row may be taken several times."""
        recurrent = tuple(state[:, rows] for state in self.recurrent)
        memory = None if self.memory is None else self.memory.select(rows)
        return DecoderState(recurrent, self.output[rows], memory)


class Bridge(nn.Module):
    """Initial states of a decoder from the final states of an encoder: s = tanh(W e + b) for each layer.

    e joins all final states of a layer of the encoder, in all its directions; s all states of a layer of
    the decoder, whose cells, widths and depth may be others. Layers are matched from the top; layers of
    the decoder that are left over read the encoder's lowest. `widths` are those of the encoder's states, or
    their form in an encoder of mixed cells. Source: Bahdanau et al. 2015, A.2.2.
    """

    def __init__(
        self, widths: Sequence[int] | StateForm, num_layers: int, num_directions: int, decoder: Stack
    ) -> None:
        super().__init__()
        if not isinstance(widths, StateForm):
            names = tuple(f"s_{k}" for k, _ in enumerate(widths))
            widths = StateForm.shared(names, (tuple(widths),) * (num_layers * num_directions))
        self.source, self.target, self.num_directions = widths, decoder.state_form, num_directions
        surplus = num_layers - decoder.num_layers
        self.sources = [max(0, surplus + layer) for layer in range(decoder.num_layers)]
        read, written = self.source.handed_widths, self.target.handed_widths
        sizes = [sum(read[source * num_directions]) * num_directions for source in self.sources]
        pairs = zip(sizes, written, strict=True)
        self.maps = nn.ModuleList(nn.Linear(size, sum(widths)) for size, widths in pairs)

    def forward(self, final: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the initial states of the decoder, for the final states of the encoder, both as their stacks
        take and return them.
        """
        rows, count = self.source.rows(tuple(final)), self.num_directions
        joined = [torch.cat(sum(rows[k : k + count], ()), -1) for k in range(0, len(rows), count)]
        pairs = zip(self.maps, self.sources, self.target.handed_widths, strict=True)
        states = [
            torch.split(torch.tanh(linear(joined[source])), widths, -1) for linear, source, widths in pairs
        ]
        return self.target.join(states)


class Decoder(nn.Module):
    """A recurrent stack over x, with output õ_t = tanh(W [c_t; h_t]) where h_t is the output of the stack and
    c_t the context of its attention (Luong et al. 2015, eq. 5); without attention õ_t = h_t (Sutskever et al.
    2014).

    With `input_feeding` the stack reads [x_t; õ_{t-1}] (ibid., 3.3): then it goes step by step, otherwise
    over all steps at once. `memory_width` is K, `attention_width` that of the additive score. Raises
    InputError for sizes that do not fit.
    """

    def __init__(
        self,
        cell: Cell | str | Sequence[Cell | str],
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        attention: ScoreName | None = None,
        memory_width: int = 0,
        attention_width: int | None = None,
        input_feeding: bool = False,
        dropout: float = 0.0,
        proj_size: int = 0,
    ) -> None:
        super().__init__()
        if input_feeding and attention is None:
            cure = "Name an attention, or leave input_feeding out"
            raise InputError("Decoder", "input_feeding needs attention", "no attention", cure)
        self.input_size, self.input_feeding = input_size, input_feeding
        width = proj_size or hidden_size
        fed = input_size + width if input_feeding else input_size
        self.recurrent = Recurrent(cell, fed, hidden_size, num_layers, dropout=dropout, proj_size=proj_size)
        self.output_size, self.attention = self.recurrent.output_size, None
        if attention is not None:
            self.attention = Attention(attention, self.output_size, memory_width, attention_width)
            self.combine = nn.Linear(memory_width + self.output_size, width, bias=False)
            self.output_size = width

    def start(
        self, states: Sequence[Tensor], memory: Tensor | None = None, lengths: Lengths | None = None
    ) -> DecoderState:
        """Return the state before the first step, from one (num_layers, B, width) per state of the cell.

        With attention it needs a `memory` (S, B, K), whose rows end at `lengths` (B,). Raises InputError for
        shapes that do not fit.
        """
        output = states[0].new_zeros(states[0].shape[1], self.output_size)
        if self.attention is None:
            return DecoderState(tuple(states), output, None)
        if memory is None:
            raise InputError("Decoder.start", "attention needs a memory", "None")
        return DecoderState(tuple(states), output, self.attention.prepare(memory, lengths))

    def forward(self, input: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Read x (T, B, I), and return the outputs (T, B, width), the weights (T, B, S), and the state after
        it.

        Without attention S is 0. Reading on from the state gives the same as reading all at once. Raises
        InputError for shapes that do not fit.
        """
        check_shape("Decoder", input.shape, f"T B {self.input_size}", sizes={"B": len(state.output)})
        if not self.input_feeding:
            return self._read(input, state)
        outputs, weights = [], []
        for x in input.unbind():  # (B, I)
            fed = torch.cat([x, state.output], -1)
            output, weight, state = self._read(fed[None], state)
            outputs.append(output)
            weights.append(weight)
        return torch.cat(outputs), torch.cat(weights), state

    def _read(self, input: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        output, final = self.recurrent(input, state.recurrent)
        weights = output.new_empty(*output.shape[:2], 0)
        if self.attention is not None and state.memory is not None:
            context, weights = self.attention(output, state.memory)
            output = torch.tanh(self.combine(torch.cat([context, output], -1)))
        recurrent = (final,) if isinstance(final, Tensor) else final
        return output, weights, replace(state, recurrent=recurrent, output=output[-1])
