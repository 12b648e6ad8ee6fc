"""The calls of the modules of a model, with arguments and results, in the order in which they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from bptt.errors import InputError


@dataclass(frozen=True, eq=False)
class ModuleCall:
    """A call of a module: `outputs` are its tensors of real numbers, but those that a module inside gave."""

    name: str
    module: nn.Module
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    outputs: tuple[Tensor, ...]


def given_to_stack(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a recurrent module of ours or torch's by name: "input", "hx", "lengths", ...

    Raises InputError if they include resets.
    """
    given = dict(zip(("input", "hx"), arguments, strict=False)) | dict(keywords)
    check_no_resets(given.get("resets"))
    return given


def check_no_resets(resets: object) -> None:
    """Raise InputError if `resets` were given to a module whose call a probe repeats or follows."""
    if resets is not None:
        rule, cure = "a probe follows rows without resets", "Give it each sequence as a row of its own"
        raise InputError("probe", rule, "resets", cure)


@contextmanager
def recorded(model: nn.Module) -> Iterator[list[ModuleCall]]:
    """Record every call of the model and its modules; a call made inside another one precedes it.

    `name` is that in the model, with "(call 3)" from the second call on; empty for the model itself.
    """
    recorder = _Recorder()
    with ExitStack() as hooks:
        for name, module in model.named_modules():
            handle = module.register_forward_hook(partial(recorder.record, name), with_kwargs=True)
            hooks.callback(handle.remove)
        yield recorder.calls


def real_tensors(value: object) -> Iterator[Tensor]:
    """Yield the tensors of real numbers in nested tuples and lists."""
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from real_tensors(item)


class _Recorder:
    """Keeps the calls, and with them their tensors, so that no other tensor gets the identity of one."""

    def __init__(self) -> None:
        self.calls: list[ModuleCall] = []
        self.counts: Counter[str] = Counter()
        self.known: set[int] = set()

    def record(self, name: str, module: nn.Module, arguments: Any, keywords: Any, output: Any) -> None:
        outputs = tuple(tensor for tensor in real_tensors(output) if id(tensor) not in self.known)
        self.known.update(map(id, outputs))
        self.counts[name] += 1
        full = f"{name} (call {self.counts[name]})" if self.counts[name] > 1 else name
        self.calls.append(ModuleCall(full, module, arguments, keywords, outputs))
