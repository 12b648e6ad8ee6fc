"""A contender: work that can be timed, and the numbers that show that all contenders do the same work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor

# Relative, in the Euclidean norm. float32 rounds at 6e-8; sums over thousands of terms in other orders and
# hundreds of steps enlarge that a thousandfold at most. A wrong equation is off by far more.
_TOLERANCE = 1e-4


class Contender(ABC):
    """One way to do the work of a case."""

    name: str

    @abstractmethod
    def step(self) -> object:
        """Do the work that is timed."""

    def before_step(self) -> None:  # noqa: B027 (most have nothing to do here)
        """Do what happens between two steps, and is not timed."""

    @abstractmethod
    def numbers(self) -> Mapping[str, Tensor]:
        """Do the work; return what it computed, by names that all contenders of a case share."""


def difference(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str | None:
    """Describe the difference of two results, or return None if they are the same up to rounding."""
    if ours.keys() != theirs.keys():
        return f"computes {', '.join(theirs)}, not {', '.join(ours)}"
    for name, value in theirs.items():
        truth = ours[name].double()
        error = float((value.double() - truth).norm() / truth.norm().clamp_min(1e-30))
        if not error <= _TOLERANCE:
            return f"has another {name}, by {error:.1e} of its norm"
    return None
