"""Calls of a stack that come again and again: prepared once for each form of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from bptt.nn.layer import Layer
from bptt.runtime.backend import backend_asked
from bptt.runtime.dispatch import plan
from bptt.runtime.narrow import factors_now
from bptt.runtime.protocol import StackLayer, StackPlan
from bptt.runtime.saved import check_memory, has_memory
from bptt.runtime.tracing import is_eager

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.nn.base import StateForm, States
    from bptt.runtime.protocol import Storage

# Forms of the input that a stack remembers: with one more it begins anew.
_MOST = 64
# The dimension of layers and directions, before those of a state.
_ONE = (1,)

# A shape, and the steps in memory from one index to the next of each dimension.
_Form = tuple[tuple[int, ...], tuple[int, ...]]


class _Stack(Protocol):
    """The attributes of `bptt.nn.stack.Stack` that calls read."""

    cells: tuple[Cell, ...]
    layers: tuple[Layer, ...]
    state_form: StateForm
    input_size: int
    batch_first: bool
    dropout: float
    training: bool
    storage: Storage

    @property
    def _parameters(self) -> Mapping[str, Tensor | None]: ...

    @property
    def where(self) -> str: ...

    @property
    def initial(self) -> str: ...

    @property
    def observer(self) -> object: ...

    @property
    def num_directions(self) -> int: ...

    def hand_over(self, states: tuple[Tensor, ...]) -> States: ...


@dataclass(frozen=True, eq=False)
class _Call:
    """A plan for calls of one form, with the forms of the results, and zeros to start from.

    These are of all layers, (layers * directions, B, width) or without B, and of one layer, (B, width).
    """

    plan: StackPlan
    output: _Form
    final: tuple[_Form, ...]
    zeros: tuple[Tensor, ...]
    starts: tuple[Tensor, ...]


class PreparedCalls:
    """The prepared calls of a stack. A copy of the stack, or one that was pickled, starts with none.

    They run the layers of the class `Layer` that the stack has now, on plain tensors, from zeros or given
    states, where torch neither records nor transforms operations, and nothing observes gradients or rounds
    factors. Each is keyed by all else that its arguments depend on; the plan checks the parameters itself.
    A call outside these conditions takes the general way.
    """

    def __init__(self) -> None:
        self._known: dict[object, _Call | None] = {}
        # The layers that the calls were prepared for: a probe puts others in their place.
        self._layers: tuple[Layer, ...] = ()

    def __reduce__(self) -> tuple[type[PreparedCalls], tuple[()]]:
        return PreparedCalls, ()

    def run(
        self, stack: _Stack, x: Tensor, hx: Tensor | Sequence[Tensor] | None
    ) -> tuple[Tensor, States] | None:
        """Return the output and the final states; None if `Stack.forward` must take the general way.

        That is so for whatever is not a plain eager call, and where an argument does not fit.
        """
        # First of all: a compiler that records this reads no further.
        if not is_eager():
            return None
        if (
            stack.observer is not None
            or x.layout != torch.strided
            or x.is_nested
            or factors_now() is not None
            or (hx is None and stack.initial != "zero")
        ):
            return None
        if stack.layers is not self._layers:
            self._known.clear()
            self._layers = stack.layers
        layout = x.shape, x.stride(), stack.batch_first
        key = layout, x.dtype, x.device, torch.get_num_threads(), backend_asked()
        call = self._known.get(key)
        if call is None:
            if key not in self._known:
                if len(self._known) >= _MOST:
                    self._known.clear()
                call = self._known[key] = _prepare(stack, x)
            if call is None:
                return None
        initial = () if hx is None else _checked(call, hx, x)
        if initial is None:
            return None
        for tensor in (x, *initial):
            if not has_memory(tensor):
                check_memory(stack.where, (tensor,))
        parameters = stack._parameters
        if torch.is_grad_enabled() and _have_gradients(parameters, (x, *initial)):
            return None if x.dim() == 2 else _with_graph(stack, call, x, initial)
        # A plan runs all layers in one call, with nothing between them.
        if stack.dropout and stack.training and len(stack.layers) > stack.num_directions:
            return None
        initial = initial or call.zeros
        output = x.new_empty_strided(*call.output)
        final = tuple([x.new_empty_strided(*form) for form in call.final])
        if not call.plan.run(parameters, x, initial, output, final):
            return None
        return output, final[0] if len(final) == 1 else final


def _have_gradients(parameters: Mapping[str, Tensor | None], tensors: Sequence[Tensor]) -> bool:
    # In loops: `any` with a generator takes three times as long, at every call.
    for parameter in parameters.values():
        if parameter is not None and parameter.requires_grad:
            return True
    for tensor in tensors:  # noqa: SIM110
        if tensor.requires_grad:
            return True
    return False


def _checked(call: _Call, hx: Tensor | Sequence[Tensor], like: Tensor) -> tuple[Tensor, ...] | None:
    """Return the initial states as the kernels read them; None if they are not as expected."""
    if not isinstance(hx, Tensor | tuple | list):
        return None
    initial = (hx,) if isinstance(hx, Tensor) else tuple(hx)
    if len(initial) != len(call.final):
        return None
    for state, (shape, _) in zip(initial, call.final, strict=True):
        plain = type(state) is Tensor and state.device == like.device and state.dtype == like.dtype
        if not plain or state.shape != shape or not state.is_contiguous():
            return None
    return initial


def _with_graph(
    stack: _Stack, call: _Call, x: Tensor, initial: Sequence[Tensor]
) -> tuple[Tensor, States] | None:
    """Run a batch of sequences layer by layer."""
    count, directions = len(stack.layers), stack.num_directions
    run_layer, storage, parameters = call.plan.run_layer, stack.storage, stack._parameters
    values = x.transpose(0, 1) if stack.batch_first else x
    if count == 1:
        starts = [state[0] for state in initial] if initial else call.starts
        alone = run_layer(0, storage, parameters, values, starts, _ONE)
        if alone is None:
            return None
        output = alone[0].transpose(0, 1) if stack.batch_first else alone[0]
        return output, stack.hand_over(alone[1:])
    finals = []
    for first in range(0, count, directions):
        if first and stack.training and stack.dropout:
            values = functional.dropout(values, stack.dropout)
        outputs = []
        for number in range(first, first + directions):
            starts = [state[number] for state in initial] if initial else call.starts
            found = run_layer(number, storage, parameters, values, starts, ())
            if found is None:
                return None
            outputs.append(found[0])
            finals.append(found[1:])
        values = torch.cat(outputs, -1) if directions > 1 else outputs[0]
    final = stack.state_form.join(finals)
    return values.transpose(0, 1) if stack.batch_first else values, stack.hand_over(final)


def _prepare(stack: _Stack, x: Tensor) -> _Call | None:
    """Return what calls with inputs like x need; None if there is no plan for them."""
    # A layer of another class does more than run.
    own = all(type(layer) is Layer for layer in stack.layers)
    fits = (
        own
        and x.dim() in (2, 3)
        and x.shape[-1] == stack.input_size
        and x.stride(-1) == 1
        and 0 not in x.shape
    )
    if not fits or len(set(stack.cells)) > 1 or len({layer.widths for layer in stack.layers}) > 1:
        return None
    values = x.unsqueeze(1) if x.dim() == 2 else x.transpose(0, 1) if stack.batch_first else x
    layers = tuple([StackLayer(la.reverse, la.widths, la.output_size, la.part_names) for la in stack.layers])
    found = plan(stack.cells[0], layers, stack.num_directions, values)
    if found is None:
        return None
    (steps, batch, _), width = values.shape, stack.num_directions * layers[-1].output
    output: _Form = (steps, batch, width), (batch * width, width, 1)
    rows: tuple[int, ...] = (len(layers), batch)
    if x.dim() == 2:
        output, rows = ((steps, width), (width, 1)), rows[:1]
    elif stack.batch_first:
        output = (batch, steps, width), (width, batch * width, 1)
    # Later calls may be outside this one's inference mode.
    with torch.inference_mode(False):
        zeros = tuple([torch.zeros((*rows, w), dtype=x.dtype, device=x.device) for w in layers[0].widths])
        starts = tuple([state[0].view(batch, -1) for state in zeros])
    return _Call(found, output, tuple([(state.shape, state.stride()) for state in zeros]), zeros, starts)
