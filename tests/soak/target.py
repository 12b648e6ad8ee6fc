"""What is soaked: a target, and all of them by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from soak import targets


@dataclass(frozen=True)
class Target:
    """Code that meets damaged inputs.

    `make` returns an input, the same one for the same random numbers. `meet` hands it to the code; it may
    write below the folder that it is given, where earlier inputs have left their files, and assert what is
    true of an accepted input. One of `cost` inputs is made where a target of cost 1 gets one.
    """

    name: str
    make: Callable[[Random], Any]
    meet: Callable[[Any, Path], object]
    cost: int = 1

    def input(self, number: int) -> Any:
        """Input `number`, the same in every process."""
        return self.make(Random(f"{self.name}:{number}"))


def all_targets() -> dict[str, Target]:
    """The targets of the modules of `soak.targets`, by name."""
    modules = [
        import_module(f"{targets.__name__}.{each.name}") for each in pkgutil.iter_modules(targets.__path__)
    ]
    found = [target for module in modules for target in module.TARGETS]
    assert len({target.name for target in found}) == len(found), "two targets of one name"
    return {target.name: target for target in found}
