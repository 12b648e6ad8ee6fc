"""The time and the memory of the updates of a training, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

ROOT = "training"
# Bytes of a float32.
_BYTES = 4


@dataclass(frozen=True)
class UpdateMemory:
    """The memory of an update: of P `weights` with gradients, and the bytes `saved` for the backward pass.

    The optimiser keeps `kept` numbers of each weight. The saved bytes are measured, of a batch of `units`
    units.
    """

    weights: int
    kept: int
    saved: int
    units: int

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """The parts: name, formula, bytes."""
        parts = (
            ("weights", "4 P", _BYTES * self.weights),
            ("gradients", "4 P", _BYTES * self.weights),
            ("optimiser", f"{_BYTES * self.kept} P", _BYTES * self.kept * self.weights),
        )
        rows = [(name, formula, f"{size:,}") for name, formula, size in parts]
        each = self.saved / max(1, self.units)
        return [*rows, ("states and activations", f"{each:,.0f} a unit, measured", f"{self.saved:,}")]


@dataclass(frozen=True)
class TrainingProfile:
    """The `seconds` of `updates` updates by the path of the part, such as "training/update/forward"."""

    title: str
    updates: int
    seconds: Mapping[str, float]
    memory: UpdateMemory

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for profile.json."""
        return asdict(self)

    @property
    def total(self) -> float:
        """The time of the whole."""
        return self.seconds[ROOT]

    def children(self, path: str) -> list[str]:
        """Return the parts directly inside another, the longest first."""
        inside = [each for each in self.seconds if each.rpartition("/")[0] == path]
        return sorted(inside, key=lambda each: -self.seconds[each])

    def rest(self, path: str) -> float:
        """Return the time of a part that none of the parts inside accounts for."""
        return self.seconds[path] - sum(self.seconds[each] for each in self.children(path))
