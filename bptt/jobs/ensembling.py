"""How runs of a job answer together: what their models must share, and the model of their mean answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bptt.data.vocabulary_options import CUTTING, VocabularyOptions
from bptt.errors import InputError
from bptt.nn.float64 import doubles

# The entries that are named of those in which two sets of labels or tokens differ.
_SHOWN = 3


@dataclass(frozen=True)
class Ensembling:
    """The part of a job that averages models.

    `shared` names what the models must have in common, for their probabilities or numbers to be of the same
    things. `combine` returns a model with the interface of each: what it answers is their mean. `cure` says
    how to train runs that agree.
    """

    shared: Callable[[Any], Mapping[str, object]]
    combine: Callable[[Sequence[Any]], Any]
    cure: str

    def check(self, paths: Sequence[Path], models: Sequence[Any]) -> None:
        """Raise InputError naming the first run that differs from the first one, and in what."""
        wanted = self.shared(models[0])
        for path, model in zip(paths[1:], models[1:], strict=True):
            for name, value in self.shared(model).items():
                if value != wanted[name]:
                    rule = f"must have the {name} of {paths[0]}, to answer together with it"
                    raise InputError(str(path), rule, _difference(value, wanted[name]), self.cure)


def _difference(value: object, wanted: object) -> str:
    """Return in which entries two sets differ, or the other value beside the one wanted."""
    if isinstance(value, tuple) and isinstance(wanted, tuple):
        found = [*_named("with", value, wanted), *_named("without", wanted, value)]
        return " and ".join(found) or "the same in another order"
    return f"{value}, not {wanted}"


def _named(word: str, some: Collection[object], others: Collection[object]) -> list[str]:
    known = set(others)
    names = [repr(each) for each in some if each not in known]
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return [f"{word} {shown}{more}"] if names else []


def reading_of(options: VocabularyOptions) -> tuple[str, ...]:
    """Return how a text is cut into tokens, which decides what the steps of a network are."""
    return tuple(f"{name.replace('_', ' ')} {getattr(options, name)}" for name in CUTTING)


def log_mean(log_probabilities: Sequence[Tensor]) -> Tensor:
    """Return ln of the mean of probabilities, given their logarithms, all of one shape."""
    whole = doubles(torch.stack(list(log_probabilities))).logsumexp(0) - log(len(log_probabilities))
    return whole.to(log_probabilities[0])


def mean(values: Sequence[Tensor]) -> Tensor:
    """Return the mean of numbers, all of one shape, summed in float64."""
    return doubles(torch.stack(list(values))).mean(0).to(values[0])


def refuse_ensemble(name: str, members: Sequence[object]) -> None:
    """Raise InputError if what is asked by an option needs the network of a single run."""
    if members:
        raise InputError(name, "needs a single run", f"{len(members)} that are averaged", "Name one run")
