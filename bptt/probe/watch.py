"""The gradient through time of a model while it is trained, in anybody's loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from types import TracebackType
from typing import Any

import torch
from torch import nn

from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.notebook import list_html
from bptt.probe.calls import given_to_stack
from bptt.probe.flow import Flow, LagCurve, flow
from bptt.probe.kin import skeleton_of
from bptt.probe.last_loss import RecurrentCall, go_back, note
from bptt.probe.listener import recurrent_modules
from bptt.probe.recomputed import is_recomputed, saving_apart
from bptt.probe.stack_layers import stack_of

# The number of rows of a batch that are looked at: enough for quartiles, few enough to cost little.
ROWS = 8
LAGS = 100


@dataclass(frozen=True)
class Watched:
    """The gradient by lag of every layer at the update `step`, counted from 1."""

    step: int
    flow: Flow

    def __str__(self) -> str:
        return "\n".join(f"step {self.step}, {found.sentence}" for found in self.flow.curves)

    def _repr_html_(self) -> str:
        """Return the gradient of each layer in words, for a notebook."""
        return list_html(str(self).splitlines())


class Watch:
    """Looks at the gradient through time in every N-th update of a model that is being trained.

    In such an update it keeps what went into each recurrent module, and the gradient that came to what it
    returned. Then it goes back through time once more from the last of these alone, since a sum over all
    losses hides what is lost on the way; the kernels of that pass hand out the norms. Results, gradients and
    random numbers of the training are unchanged. Calls that a checkpoint repeats do not count.

    `records` are what was seen, `close` takes the hooks off; so does the end of a `with` statement. A module
    that is called step by step in an update is not looked at.
    """

    def __init__(self, model: nn.Module, every: int = 100, rows: int = ROWS, lags: int = LAGS) -> None:
        given = every, rows, lags
        if not all(isinstance(number, Integral) and number >= 1 for number in given):
            got = f"{every}, {rows} and {lags}"
            raise InputError("watch", "every, rows and lags are at least 1, whole numbers", got)
        self._every, self._rows, self._lags = every, rows, lags
        self._step, self._open = 0, False
        self._calls: dict[str, list[RecurrentCall]] = {}
        self._records: list[Watched] = []
        modules = [(name, module, stack_of(module, skeleton_of)) for name, module in recurrent_modules(model)]
        self._counting = model.register_forward_pre_hook(self._on_update)
        self._hooks = [
            m.register_forward_hook(partial(self._note, n, s), with_kwargs=True) for n, m, s in modules
        ]

    @property
    def records(self) -> tuple[Watched, ...]:
        """The looks so far, the latest last."""
        self._keep()
        return tuple(self._records)

    def __str__(self) -> str:
        if self.records:
            return str(self.records[-1])
        calls = f"looks come with every {self._every} calls for training, at layers called once in each"
        return f"nothing seen yet: {calls}"

    def _repr_html_(self) -> str:
        """Return the latest look in words, for a notebook."""
        return list_html(str(self).splitlines())

    def begin(self, step: int) -> None:
        """Begin an update; look at it if its number is a multiple of `every`.

        For loops that count updates themselves: calls of the model are no longer counted. Call `finish`
        before the weights change.
        """
        self._counting.remove()
        self._start(step)

    def finish(self) -> Watched | None:
        """Go back from the gradients of the update, and return the norms, which are not kept in `records`;
        None if the update was not looked at.
        """
        return self._look()

    def close(self) -> None:
        """Take the hooks off."""
        for hook in (self._counting, *self._hooks):
            hook.remove()
        self._keep()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._open = False  # an update that failed is not looked at
        self.close()

    def _on_update(self, model: nn.Module, arguments: tuple[Any, ...]) -> None:
        """Begin the next update: the model is called for training."""
        if model.training and torch.is_grad_enabled() and not is_recomputed():
            self._keep()
            self._start(self._step + 1)

    def _start(self, step: int) -> None:
        self._step, self._calls = step, {}
        self._open = step % self._every == 0

    def _note(
        self,
        name: str,
        stack: Stack,
        module: nn.Module,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
        returned: tuple[Any, ...],
    ) -> None:
        """Note a call of a recurrent module."""
        if self._open and torch.is_grad_enabled() and module.training and not is_recomputed():
            given = given_to_stack(arguments, named)
            self._calls.setdefault(name, []).append(note(module, stack, self._rows, given, returned))

    def _keep(self) -> None:
        seen = self._look()
        if seen is not None:
            self._records.append(seen)

    def _look(self) -> Watched | None:
        if not self._open:
            return None
        self._open = False
        curves: list[LagCurve] = []
        losses = 0
        for name, calls in self._calls.items():
            if len(calls) == 1:
                with saving_apart():
                    flows = [flow(*way, self._lags) for way in go_back(calls[0])]
                losses = max([losses, *(found.losses for found in flows)])
                curves += [curve.named(name) for found in flows for curve in found.curves]
        return Watched(self._step, Flow(losses, tuple(curves))) if curves else None


def watch(model: nn.Module, every: int = 100, rows: int = ROWS, lags: int = LAGS) -> Watch:
    """Watch the recurrent layers in a model, of bptt.nn or torch.nn, in every N-th call for training.

    Args:
        model: the model in training, called once in every update; or call `begin` and `finish` around each.
        every: N.
        rows: the number of rows of a batch that are gone back through.
        lags: how many steps back, at most.

    The passes are made when the next update begins, or when `records` is asked for. Raises InputError if
    there are no layers to watch.

    """
    return Watch(model, every, rows, lags)
