"""A recurrence as a custom operator of torch, for tracers, which record torch's operations.

`torch.compile`, `torch.export` and other tracers record calls of torch's operators, and would miss a kernel
that is called directly. The operator takes the cell as text, so that a graph can be saved and loaded. It runs
the backend in force or torch operations; the values between forward and backward pass mean the same to both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils.flop_counter import register_flop_formula

from bptt.cells.caching import KEPT
from bptt.cells.cell import Cell
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.runtime.arguments import check_arguments
from bptt.runtime.dispatch import backend_for
from bptt.runtime.protocol import Recurrence
from bptt.runtime.saved import check_forms, forms
from bptt.runtime.tracing import constant_result, is_traced

if TYPE_CHECKING:
    from bptt.codegen.plan import KernelPlan

# The operators are there from the start, for programs that were exported; what they compute is not.
_lay_out = deferred("bptt.codegen.plan", "plan")
_public_names = deferred("bptt.runtime.reference.function", "public_names")
_kept_widths = deferred("bptt.runtime.reference.kept", "kept_widths")
_problem_of = deferred("bptt.runtime.reference.problem", "problem_of")


def run(
    cell: Cell,
    tensors: tuple[Tensor, ...],
    lengths: Tensor | None,
    reverse: bool,
    all_states: bool,
    keep: bool,
    restarts: Tensor | None = None,
) -> tuple[tuple[Tensor, ...], bool]:
    """Return sequences, then final states, as `Backend.run` does; and whether all states are included.

    All are if `all_states`, or if `keep` and a backward pass may follow, which then reads them. Without
    `keep`, and in exported or traced programs, the backward pass runs the forward pass again.
    """
    exported = torch.compiler.is_exporting() or (not torch.compiler.is_compiling() and is_traced())
    keep = keep and torch.is_grad_enabled() and not exported
    keep = keep and any(tensor.requires_grad for tensor in tensors)
    all_states = all_states or keep
    found = _recurrence(_text(cell), list(tensors), lengths, reverse, all_states, keep, restarts)
    return tuple(found[:-1] if keep else found), all_states


# torch.compile cannot trace JSON: the text is a constant to it.
@constant_result
def _text(cell: Cell) -> str:
    return json.dumps(cell.to_dict())


@lru_cache(maxsize=KEPT)
def _plan(text: str) -> KernelPlan:
    found: KernelPlan = _lay_out(Cell.from_dict(json.loads(text)))
    return found


@torch.library.custom_op("bptt::recurrence", mutates_args=())
def _recurrence(
    cell: str,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    all_states: bool,
    keep: bool,
    restarts: Tensor | None,
) -> list[Tensor]:
    """Return sequences (T, B, width), then the final states (B, width), of (x, *initial, *parameters).

    The sequences are those of all states, or of the output if that is a state, then that of the output if it
    is no state. With `keep`, which requires `all_states`, the kept values follow.
    """
    recurrence = _checked(cell, tensors, lengths, reverse, all_states, restarts)
    return backend_for(recurrence.cell, tensors).forward(recurrence, tensors, keep)


@_recurrence.register_fake
def _(
    cell: str,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    all_states: bool,
    keep: bool,
    restarts: Tensor | None,
) -> list[Tensor]:
    layout, x = _plan(cell), tensors[0]
    states, (steps, batch, _) = layout.cell.states, x.shape
    problem = _problem_of(layout, tensors, None, reverse)
    size = {name: problem.fixed[layout.cell.width(name)] for name in _public_names(layout)}
    asked = [state for state, wanted in zip(states, _whole(layout, all_states), strict=True) if wanted]
    found = [x.new_empty(steps, batch, size[name]) for name in (*asked, *list(size)[len(states) :])]
    found += [x.new_empty(batch, size[state]) for state in states]
    return [*found, x.new_empty(steps, batch, sum(_kept_widths(problem)))] if keep else found


@torch.library.custom_op("bptt::recurrence_backward", mutates_args=())
def _recurrence_backward(
    cell: str,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    states: Sequence[Tensor],
    kept: Tensor,
    gradients: Sequence[Tensor | None],
    asked: Sequence[bool],
    dtypes: str,
    restarts: Tensor | None,
) -> list[Tensor]:
    """Return the gradients of the `tensors` that `asked` marks.

    `states` and `kept` are the sequences of all states and the kept values of the forward pass, `gradients`
    those of its other results, `dtypes` those of the tensors at that time. Raises GraphError if the tensors
    have other dtypes now.
    """
    recurrence = _checked(cell, tensors, lengths, reverse, True, restarts)
    _check_saved(recurrence, tensors, dtypes, [*states, kept])
    chosen = backend_for(recurrence.cell, tensors)
    return chosen.backward(recurrence, tensors, states, kept, gradients, asked)


def _check_saved(
    recurrence: Recurrence, tensors: Sequence[Tensor], dtypes: str, left: Sequence[Tensor]
) -> None:
    """Raise GraphError unless the tensors and the saved values `left` have the forms of the forward pass."""
    cell, x = recurrence.cell, tensors[0]
    where, problem = f"recurrence({cell.name})", _problem_of(_lay_out(cell), tensors, None, False)
    pairs = zip(dtypes.split(), tensors, strict=True)
    then = [(getattr(torch, dtype), t.shape, t.device) for dtype, t in pairs]
    check_forms(where, then, forms(tensors))
    steps, batch, _ = x.shape
    widths = [*(state.shape[-1] for state in problem.initial), sum(_kept_widths(problem))]
    sequences = [(x.dtype, torch.Size((steps, batch, width)), x.device) for width in widths]
    check_forms(where, sequences, forms(left))


def _dtypes(tensors: Sequence[Tensor]) -> str:
    """Return the names of the dtypes in one text: a custom operator accepts no list of dtypes."""
    return " ".join([str(t.dtype).removeprefix("torch.") for t in tensors])


@_recurrence_backward.register_fake
def _(
    cell: str,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    states: Sequence[Tensor],
    kept: Tensor,
    gradients: Sequence[Tensor | None],
    asked: Sequence[bool],
    dtypes: str,
    restarts: Tensor | None,
) -> list[Tensor]:
    return [t.new_empty(t.shape) for t, wanted in zip(tensors, asked, strict=True) if wanted]


def _save(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.cell, tensors, lengths, ctx.reverse, all_states, ctx.keep, restarts = inputs
    ctx.set_materialize_grads(False)
    ctx.dtypes = _dtypes(tensors)
    ctx.count, ctx.whole = len(tensors), _whole(_plan(ctx.cell), all_states)
    read = [*output[: len(ctx.whole)], output[-1]] if ctx.keep else []
    ctx.save_for_backward(lengths, restarts, *tensors, *read)


def _backward(ctx: Any, gradients: list[Tensor | None]) -> tuple[object, ...]:
    lengths, restarts, *saved = ctx.saved_tensors
    tensors, read = saved[: ctx.count], saved[ctx.count :]
    call, states = (ctx.cell, tensors, lengths, ctx.reverse), len(ctx.whole)
    if ctx.keep:
        gradients = gradients[:-1]
    else:
        found = _recurrence(*call, True, True, restarts)
        read, given = [*found[:states], found[-1]], iter(gradients)
        gradients = [*[next(given) if asked else None for asked in ctx.whole], *given]
    asked = ctx.needs_input_grad[1]
    found = _recurrence_backward(*call, read[:-1], read[-1], gradients, asked, ctx.dtypes, restarts)
    result = iter(found)
    return None, [next(result) if wanted else None for wanted in asked], *(None,) * 5


_recurrence.register_autograd(_backward, setup_context=_save)


@register_flop_formula(torch.ops.bptt.recurrence)
def _(cell: str, tensors: Sequence[torch.Size], *rest: object, **named: object) -> int:
    return _products(cell, tensors)


@register_flop_formula(torch.ops.bptt.recurrence_backward)
def _(cell: str, tensors: Sequence[torch.Size], *rest: object, **named: object) -> int:
    # Two products for each of the forward pass: the gradient of the matrix's input, and that of the matrix.
    return 2 * _products(cell, tensors)


def _products(cell: str, tensors: Sequence[torch.Size]) -> int:
    """Count the multiplications and additions in products with matrices, from the shapes of the arguments."""
    steps, batch, _ = tensors[0]
    parameters = tensors[1 + len(_plan(cell).cell.states) :]
    return 2 * steps * batch * sum(prod(shape) for shape in parameters if len(shape) == 2)


def _whole(layout: KernelPlan, all_states: bool) -> tuple[bool, ...]:
    """Mark the states whose sequences are returned: all, or the output alone."""
    return tuple([all_states or state == layout.cell.output for state in layout.cell.states])


def _checked(
    text: str,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    all_states: bool,
    restarts: Tensor | None,
) -> Recurrence:
    """Return the recurrence of these arguments.

    Raises InputError if shapes or lengths do not fit, or in forward mode.
    """
    layout = _plan(text)
    cell = layout.cell
    where = f"recurrence({cell.name})"
    if forward_ad._current_level >= 0:
        # Torch would silently return a tangent of zero.
        rule = "forward mode does not work in a compiled or exported program"
        raise InputError(where, rule, cure="Call the module itself")
    shapes, count = tuple([tensor.shape for tensor in tensors]), 1 + len(cell.states)
    masks = [None if mask is None else mask.shape for mask in (lengths, restarts)]
    check_arguments(cell, shapes[0], shapes[1:count], shapes[count:], *masks)
    if lengths is not None:
        steps, lengths = shapes[0][0], lengths.to(tensors[0].device, torch.int64)
        outside = lengths[(lengths < 0) | (lengths > steps)].tolist()
        if outside:
            raise InputError(where, f"lengths are from 0 to the {steps} steps of the input", outside)
    return Recurrence(cell, lengths, reverse, _whole(layout, all_states), restarts=restarts)
