"""The formats by name, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from bptt.deferred import imported
from bptt.exporting.target import Target
from bptt.exporting.target_names import TargetName
from bptt.options.checks import check_choice

# The module of each format has TARGET.
TARGETS: Mapping[str, str] = {name: f"bptt.exporting.targets.{name}" for name in get_args(TargetName)}


def find_target(name: str) -> Target:
    """Return the format of this name. Raises InputError if there is none."""
    check_choice("to", name, tuple(TARGETS))
    found: Target = imported(TARGETS[name], "TARGET")
    return found
