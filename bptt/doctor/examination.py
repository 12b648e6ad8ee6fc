"""The whole examination, a section after the other; a section that fails is an observation, too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bptt.deferred import deferred
from bptt.doctor.observation import Observation
from bptt.errors import BpttError

# Each is imported when its turn comes, so that a section reports even if what a later one needs is broken.
SECTIONS: Mapping[str, Callable[..., Any]] = {
    "Versions": deferred("bptt.doctor.packages", "versions"),
    "Extras": deferred("bptt.doctor.packages", "extras"),
    "Machine": deferred("bptt.doctor.hardware", "machine"),
    "Threads": deferred("bptt.doctor.cores", "threads"),
    "Kernels": deferred("bptt.doctor.compiled", "kernels"),
    "Speed": deferred("bptt.doctor.measurements", "speed"),
    "Gradients": deferred("bptt.doctor.measurements", "gradients"),
}


def examine() -> Iterator[tuple[str, Observation]]:
    """Yield each observation with the name of its section; what a section raises counts as broken."""
    without_torch = False
    for name, section in SECTIONS.items():
        # One broken section must not hide the others.
        try:
            for each in section():
                without_torch |= each.name == "torch" and each.condition == "broken"
                yield name, without_home(each)
        except Exception as error:
            yield name, without_home(_stopped(name.lower(), error, without_torch))


def _stopped(name: str, error: Exception, without_torch: bool) -> Observation:
    if without_torch and not isinstance(error, BpttError):
        return Observation(name, "not examined without torch, see above", "absent")
    cure = error.cure if isinstance(error, BpttError) else "report this with this output"
    lines = str(error).splitlines() or [""]
    return Observation(name, f"stopped: {type(error).__name__}: {lines[0]}", "broken", cure)


def without_home(each: Observation) -> Observation:
    """Replace the user's own folder by ~: a report is pasted where strangers read it."""
    home = os.path.expanduser("~")
    if len(home) < 2:
        return each
    return replace(each, text=each.text.replace(home, "~"), cure=each.cure.replace(home, "~"))
