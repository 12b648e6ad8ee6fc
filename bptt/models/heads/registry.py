"""The output layers by name: those of this package, and those that installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bptt import plugins
from bptt.errors import InputError
from bptt.models.heads.adaptive import AdaptiveSoftmax
from bptt.models.heads.full import FullSoftmax
from bptt.models.heads.output_layer import OutputLayer, OutputShape
from bptt.models.heads.sampled import SampledSoftmax


@dataclass(frozen=True)
class Head:
    """An output layer by its name; `build` makes it for a shape, such as the class itself.

    A package adds one under the group `bptt.heads` of its entry points.
    """

    name: str
    build: Callable[[OutputShape], OutputLayer]


_OWN = (Head("full", FullSoftmax), Head("adaptive", AdaptiveSoftmax), Head("sampled", SampledSoftmax))
HEADS: Mapping[str, Head] = {head.name: head for head in _OWN}


def output_layer(name: str, shape: OutputShape) -> OutputLayer:
    """Return a new output layer; call its `reset_parameters` before use.

    Raises InputError for an unknown name, a broken package, and a tied layer that has no matrix to tie.
    """
    head = HEADS.get(name) or plugins.find(plugins.HEADS, name, Head)
    if head is None:
        known = dict.fromkeys((*HEADS, *plugins.entries(plugins.HEADS)))
        raise InputError("output_layer", f"is one of {', '.join(known)}", repr(name))
    return head.build(shape)
