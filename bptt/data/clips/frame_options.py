"""The shape of the pictures of a clip, as options."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.options.field import check_fields, option


@dataclass(frozen=True)
class FrameShape:
    """Pictures are scaled to fit into a square, keep their aspect, and are padded with black.

    Raises InputError naming the option.
    """

    frame_size: int = option(
        32,
        "Side of the square that each picture of a clip is scaled to, in pixels.",
        group="Data",
        least=8,
        most=256,
        added=True,
    )
    colour: bool = option(
        False, "Read the pictures of clips in colour.", group="Data", flags="colour color", added=True
    )

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def channels(self) -> int:
        """Numbers of a pixel: red, green and blue, or brightness alone."""
        return 3 if self.colour else 1

    def inner(self, width: float, height: float) -> tuple[int, int]:
        """Return the width and the height inside of the square of a picture of this size."""
        scale = self.frame_size / max(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))
