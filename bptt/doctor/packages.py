"""The versions of this package, of Python, and of what it requires; each extra and what it lacks."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from bptt.deferred import imported
from bptt.doctor.observation import Observation
from bptt.version import __version__

# name[extras] bounds; extra == "name"
_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[(?P<inner>[^\]]*)\])?\s*(?P<bounds>[^;]*?)\s*"
    r"(?:;\s*extra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?"
)
_BOUND = re.compile(r"(>=|<)\s*([\d.]+)")
# For work on this package itself, not for its use.
_FOR_DEVELOPERS = "dev"
# A package that is there but cannot be imported is found by importing it; these two carry everything.
_IMPORTED = ("numpy", "torch")


@dataclass(frozen=True)
class Requirement:
    """A package with the versions that are accepted, such as ">=2.8,<3"; "" if any is."""

    name: str
    bounds: str

    def fault(self) -> str:
        """Return what is wrong with what is installed, "" if nothing is."""
        try:
            found = version(self.name)
        except PackageNotFoundError:
            return f"{self.name} missing"
        if not accepts(self.bounds, found):
            return f"{self.name} {found}, needs {self.bounds}"
        return ""


def accepts(bounds: str, found: str) -> bool:
    """Return whether a version lies within bounds of the forms >=1.2 and <3, joined by commas."""
    return all(
        (_numbers(found) >= _numbers(limit)) == (sign == ">=") for sign, limit in _BOUND.findall(bounds)
    )


def _numbers(text: str) -> tuple[int, ...]:
    """Return the release of a version without zeros at its end: 2.8.0+cpu is 2.8."""
    release = re.match(r"\d+(\.\d+)*", text)
    numbers = [int(part) for part in release[0].split(".")] if release else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def read_requirements(lines: list[str]) -> tuple[list[Requirement], dict[str, list[Requirement]]]:
    """Return what is always required, and what each extra requires, from the metadata of a package."""
    always: list[Requirement] = []
    extras: dict[str, list[Requirement]] = {}
    inner: list[tuple[str, str]] = []
    for line in lines:
        if (found := _REQUIREMENT.fullmatch(line.strip())) is None:
            continue
        if found["name"] == "bptt":
            inner += [(found["extra"], name.strip()) for name in found["inner"].split(",")]
            continue
        goal = extras.setdefault(found["extra"], []) if found["extra"] else always
        goal.append(Requirement(found["name"], found["bounds"].strip("() ")))
    for extra, included in inner:
        extras.setdefault(extra, []).extend(extras.get(included, []))
    return always, extras


def versions() -> Iterator[Observation]:
    """Observe this package, Python, and each package that is required."""
    yield Observation("bptt", __version__)
    yield Observation("Python", f"{platform.python_version()} ({platform.python_implementation()})")
    for each in _required()[0]:
        yield _observe(each)


def extras() -> Iterator[Observation]:
    """Observe each extra: its packages and their versions, and the command that installs what it lacks."""
    for name, needed in sorted(_required()[1].items()):
        if name == _FOR_DEVELOPERS:
            continue
        faults = [fault for each in needed if (fault := each.fault())]
        if faults:
            cure = f"pip install 'bptt[{name}]', if you need it"
            yield Observation(name, ", ".join(faults), "absent", cure)
        else:
            yield Observation(name, ", ".join(f"{each.name} {version(each.name)}" for each in needed))


def _required() -> tuple[list[Requirement], dict[str, list[Requirement]]]:
    """Return no requirements where this package is on the path but not installed."""
    try:
        return read_requirements(requires("bptt") or [])
    except PackageNotFoundError:
        return [Requirement(name, "") for name in _IMPORTED], {}


def _observe(each: Requirement) -> Observation:
    if fault := each.fault():
        return Observation(each.name, fault, "broken", f"pip install '{each.name}{each.bounds}'")
    found = version(each.name)
    if each.name in _IMPORTED:
        # The package may raise anything while it is imported.
        try:
            imported(each.name, "__version__")
        except Exception as error:
            text = f"{found}, cannot be imported: {type(error).__name__}: {error}"
            return Observation(
                each.name,
                text,
                "broken",
                f"pip uninstall {each.name}; pip install '{each.name}{each.bounds}'",
            )
    return Observation(each.name, found)
