"""The small square that every picture of a clip becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bptt.errors import InputError
from bptt.options.field import check_fields, option

# A picture of bytes: (H, W, 3), red first; or small, (size, size, channels).
Picture = npt.NDArray[np.uint8]

# ITU-R BT.601: how much red, green and blue add to the brightness.
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
# More pixels than those of any camera are a mistake or an attack.
_MOST_PIXELS = 2**27


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

    def place(self, picture: Picture) -> Picture:
        """Return a picture (H, W, 3) that fits into the square as (size, size, channels), in its middle."""
        if not self.colour:
            picture = np.rint(picture.astype(np.float32) @ _GREY).astype(np.uint8)[..., None]
        height, width = picture.shape[:2]
        top, left = (self.frame_size - height) // 2, (self.frame_size - width) // 2
        whole = np.zeros((self.frame_size, self.frame_size, self.channels), np.uint8)
        whole[top : top + height, left : left + width] = picture
        return whole


class Frame(NamedTuple):
    """A small picture (size, size, channels), and the second at which it appears; None if unknown."""

    picture: Picture
    time: float | None


def check_size(where: str, width: int, height: int) -> None:
    """Raise InputError unless a picture has pixels, and not more than any camera."""
    if not 0 < width * height <= _MOST_PIXELS:
        raise InputError(where, f"a picture has 1 to {_MOST_PIXELS:,} pixels", f"{width} x {height}")
