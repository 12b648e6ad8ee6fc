"""The small square that every picture of a clip becomes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bptt.data.clips.frame_options import FrameShape
from bptt.errors import InputError

# A picture of bytes: (H, W, 3), red first; or small, (size, size, channels).
Picture = npt.NDArray[np.uint8]

# ITU-R BT.601: how much red, green and blue add to the brightness.
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
# More pixels than those of any camera are a mistake or an attack.
_MOST_PIXELS = 2**27


def placed(shape: FrameShape, picture: Picture) -> Picture:
    """Return a picture (H, W, 3) that fits into the square as (size, size, channels), in its middle."""
    if not shape.colour:
        picture = np.rint(picture.astype(np.float32) @ _GREY).astype(np.uint8)[..., None]
    size, (height, width) = shape.frame_size, picture.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    whole = np.zeros((size, size, shape.channels), np.uint8)
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
