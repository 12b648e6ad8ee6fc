"""The norms of the gradients inside a recurrence, which a backward pass can measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Norms:
    """The norms over the units of the gradients at each step of each row, in float64.

    `delta` (T, B, sums) holds ‖∂E/∂v_t‖ of the sums v that read the input: the net of each gate, named by
    `sums`. `carried` (T, B, states) holds ‖∂E/∂s_{t-1}‖, the gradient that step t passes to the step before,
    for each state s of `states`, the others held fixed. Both are zero in the padding.
    """

    sums: tuple[str, ...]
    delta: Tensor
    states: tuple[str, ...]
    carried: Tensor

    @property
    def net(self) -> Tensor:
        """‖∂E/∂net_t‖ (T, B), over all sums of a step together."""
        return self.delta.square().sum(-1).sqrt()


# Called after every backward pass with the norms that it measured.
Observer: TypeAlias = Callable[[Norms], None]
