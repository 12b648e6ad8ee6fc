"""Several frames of features as one step."""

from __future__ import annotations

from torch import Tensor

from bptt.models.inputs import InputPart


class StackedInput(InputPart):
    """Steps of `count` frames, each frame read by the part below."""

    def __init__(self, part: InputPart, count: int) -> None:
        super().__init__()
        self.frame, self.count = part, count
        self.output_size = count * part.output_size

    def forward(self, steps: Tensor) -> Tensor:
        """Return the vectors (T, B, count I) for steps (T, B, count D)."""
        frames = steps.view(len(steps), steps.shape[1] * self.count, -1)  # (T, B count, D)
        found: Tensor = self.frame(frames).view(len(steps), steps.shape[1], -1)
        return found
