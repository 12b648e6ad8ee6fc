"""One call of a recurrent module, and the way back through time from the last loss that came to it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from bptt.nn.sequences import InputSequences, read_sequences
from bptt.nn.stack import Stack
from bptt.probe.calls import given_to_stack
from bptt.probe.listener import only_vectors
from bptt.probe.maps import GradientMap, gradient_maps
from bptt.probe.undisturbed import undisturbed


@dataclass(eq=False)
class RecurrentCall:
    """The first rows of a batch that went into `module`, and the gradients that came to what it returned.

    `values` (T, R, I) and `lengths` (R,) are its input, `initial` the states (layers * directions, R, width)
    that it was given, if any; `output` (T, R, width) and `finals`, by number of the state, are gradients,
    once there.
    """

    module: nn.Module
    stack: Stack
    values: Tensor
    lengths: Tensor | None
    initial: tuple[Tensor, ...]
    output: Tensor | None = None
    finals: dict[int, Tensor] = field(default_factory=dict)

    @property
    def steps(self) -> Tensor:
        """The number of valid steps of each row, (R,)."""
        steps, rows = self.values.shape[:2]
        return torch.full((rows,), steps) if self.lengths is None else self.lengths.cpu()


@torch.no_grad()
def note(
    module: nn.Module, stack: Stack, rows: int, given: Mapping[str, Any], returned: Any
) -> RecurrentCall:
    """Keep what went in, and wait for the gradients of what came out."""
    x, hx, lengths = given["input"], given.get("hx"), given.get("lengths")
    sequences = read_sequences(stack.where, x, stack.input_size, stack.batch_first, lengths)
    states = () if hx is None else (hx,) if isinstance(hx, Tensor) else tuple(hx)
    # Copies, for who trains may write over them; in the dtype of the weights, for autocast may be over then.
    dtype = next(module.parameters()).dtype
    initial = tuple(_first_rows(state, rows, sequences.single).to(dtype, copy=True) for state in states)
    lengths = None if sequences.lengths is None else sequences.lengths[:rows]
    values = sequences.values[:, :rows].detach().to(dtype, copy=True)
    call = RecurrentCall(module, stack, values, lengths, initial)
    output, final, *_ = returned

    def take_output(gradient: Tensor | None) -> None:
        if gradient is not None:
            call.output = _by_time(sequences, gradient.detach())[:, :rows]

    if _data(output).requires_grad:
        _data(output).register_hook(take_output)  # type: ignore[no-untyped-call]
    for number, state in enumerate(final if isinstance(final, tuple) else (final,)):
        if state.requires_grad:
            state.register_hook(_take(call.finals, number, rows, sequences.single))
    return call


def call_of(model: nn.Module, stack: Stack, losses: Callable[[], Tensor]) -> RecurrentCall:
    """Return the call of a stack while the model computes these losses, one a row, after a backward pass from
    them.
    """
    calls: list[RecurrentCall] = []

    def keep(module: Stack, arguments: tuple[Any, ...], named: dict[str, Any], returned: Any) -> None:
        given = given_to_stack(arguments, named)
        calls.append(note(module, module, given["input"].shape[1], given, returned))

    hook = stack.register_forward_hook(keep, with_kwargs=True)
    try:
        with undisturbed(model), only_vectors(model, [stack]) as vectors:
            total = losses().sum()
            if total.requires_grad:
                torch.autograd.grad(total, vectors, allow_unused=True)
    finally:
        hook.remove()
    return calls[-1]


def go_back(call: RecurrentCall) -> Iterator[tuple[list[list[GradientMap]], list[dict[str, list[int]]]]]:
    """Yield for each direction the maps of each row's layers, and where its loss enters: see `flow`.

    The loss of a direction is the last in its own order of time: what came to its half of the output there,
    and to its final states. None if nothing came.
    """
    for reverse in (False, True)[: call.stack.num_directions]:
        places = _places(call, reverse)
        if places is not None:
            rows, steps = places
            maps = gradient_maps(call.module, _Losses(call, reverse, rows, steps), range(len(rows)))
            kept = [found for found in maps if found.reverse == reverse]
            examples = [[_of_row(found, k, int(call.steps[r])) for found in kept] for k, r in enumerate(rows)]
            yield examples, [{found.layer: [step] for found in kept} for step in steps]


def _of_row(found: GradientMap, k: int, steps: int) -> GradientMap:
    """Return the picture of the k-th loss alone, without the padding of its row."""
    row = slice(k, k + 1)
    carried = {state: norms[row, :steps] for state, norms in found.carried.items()}
    return replace(
        found, loss_steps=(k,), losses=found.losses[row], net=found.net[row, :steps], carried=carried
    )


def _places(call: RecurrentCall, reverse: bool) -> tuple[list[int], list[int]] | None:
    """Return the rows that a gradient came to, and the step of the last loss of each."""
    ends = torch.zeros_like(call.steps) if reverse else call.steps - 1
    came = torch.zeros(len(ends), dtype=torch.bool)
    for gradient in call.finals.values():
        came |= _side(call, gradient, reverse).any(0).any(-1).cpu()
    if call.output is not None:
        hit = _half(call, call.output, reverse).any(-1).cpu()  # (T, R)
        order = hit.int() if reverse else hit.int().flip(0)
        first = order.argmax(0) if reverse else len(hit) - 1 - order.argmax(0)
        ends = torch.where(came | ~hit.any(0), ends, first)
        came |= hit.any(0)
    rows = [r for r in range(len(ends)) if came[r] and call.steps[r] > 0]
    return (rows, [int(ends[r]) for r in rows]) if rows else None


@dataclass(frozen=True, eq=False)
class _Losses:
    """The linear losses whose gradients are those that came."""

    call: RecurrentCall
    reverse: bool
    rows: list[int]
    steps: list[int]

    def __call__(self, chosen: Sequence[int]) -> Tensor:
        call = self.call
        rows, steps = [self.rows[k] for k in chosen], [self.steps[k] for k in chosen]
        x = call.values[:, rows]
        states = tuple(state[:, rows] for state in call.initial)
        named = {} if call.lengths is None else {"lengths": call.lengths[rows]}
        first = bool(call.module.batch_first)
        hx = None if not states else states[0] if len(states) == 1 else states
        output, final = call.module(x.transpose(0, 1) if first else x, hx, **named)
        output = output.transpose(0, 1) if first else output
        places = steps, range(len(rows))
        total = x.new_zeros(len(rows))
        if call.output is not None:
            seeds = _half(call, call.output[steps, rows], self.reverse)
            total = total + (_half(call, output[places], self.reverse) * seeds).sum(-1)
        for number, gradient in call.finals.items():
            state = final[number] if isinstance(final, tuple) else final
            seeds = _side(call, gradient[:, rows], self.reverse)
            total = total + (_side(call, state, self.reverse) * seeds).sum((0, -1))
        return total


def _half(call: RecurrentCall, values: Tensor, reverse: bool) -> Tensor:
    """Return one direction's part of an output (..., directions * width)."""
    return values.chunk(call.stack.num_directions, -1)[int(reverse)]


def _side(call: RecurrentCall, states: Tensor, reverse: bool) -> Tensor:
    """Return one direction's rows of states (layers * directions, R, width)."""
    return states[int(reverse) :: call.stack.num_directions]


def _data(output: Tensor | PackedSequence) -> Tensor:
    return output.data if isinstance(output, PackedSequence) else output


def _by_time(sequences: InputSequences, gradient: Tensor) -> Tensor:
    """Return the gradient of an output, which has the output's form, as (T, B, width)."""
    if sequences.packed is not None:
        return pad_packed_sequence(PackedSequence(gradient, *sequences.packed[1:]))[0]
    if sequences.single:
        return gradient.unsqueeze(1)
    return gradient.transpose(0, 1) if sequences.batch_first else gradient


def _take(finals: dict[int, Tensor], number: int, rows: int, single: bool) -> Any:
    def take(gradient: Tensor | None) -> None:
        if gradient is not None:
            finals[number] = _first_rows(gradient, rows, single)

    return take


def _first_rows(states: Tensor, rows: int, single: bool) -> Tensor:
    return (states.unsqueeze(1) if single else states)[:, :rows].detach()
