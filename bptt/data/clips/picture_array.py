"""Clips that are arrays of numbers: `.npy` files, and those that come from Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.data.clips.frame_options import FrameShape
from bptt.data.clips.frame_shape import Frame, Picture
from bptt.data.clips.still_pictures import small_picture
from bptt.errors import InputError, WrongTypeError

_SHAPE = "must be pictures of numbers (T, H, W), or (T, H, W, 3) in red, green and blue"
# An axis that is shorter holds the coordinates of joints.
_LEAST_SIDE = 4
_JOINTS = (
    "Joints (T, joints, 2 or 3) or (T, joints * 3 or 2) are read by `input` skeleton, skeleton-folders or "
    "skeleton-list"
)


def npy_frames(path: Path, shape: FrameShape) -> Iterator[Frame]:
    """Yield the pictures of a `.npy` file, which is not held in memory. Raises InputError if it is none."""
    try:
        pictures = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        # Of damaged headers: some ten kinds, from tokenize.TokenError to OverflowError.
        raise InputError(
            str(path), "must be a whole array of NumPy", error, "Save it again: numpy.save"
        ) from error
    return array_frames(pictures, shape, str(path))


def small_clip(pictures: Any, shape: FrameShape, where: str) -> Picture:
    """Return pictures from Python, an array (T, H, W) or (T, H, W, 3), as (T, size, size, channels).

    Raises WrongTypeError for anything else, InputError as `array_frames` does.
    """
    if not isinstance(pictures, np.ndarray):
        rule = "must be a clip: the path of a file or folder, or an array (T, H, W) or (T, H, W, 3)"
        raise WrongTypeError(where, rule, f"{type(pictures).__name__} {str(pictures)[:40]!r}")
    return np.stack([frame.picture for frame in array_frames(pictures, shape, where)])


def array_frames(pictures: npt.NDArray[Any], shape: FrameShape, where: str) -> Iterator[Frame]:
    """Yield pictures (T, H, W) or (T, H, W, channels) of bytes; of other numbers, such as depths, the least
    of the clip becomes 0 and the largest 255.

    Raises InputError for another shape, numbers that are not finite, or no pictures.
    """
    if pictures.ndim == 4 and pictures.shape[3] in (1, 3, 4):
        channels = pictures.shape[3]
    elif pictures.ndim == 3:
        channels = 1
    else:
        cure = _JOINTS if pictures.ndim == 2 else ""
        raise InputError(where, _SHAPE, f"an array {pictures.shape}", cure)
    if min(pictures.shape[1:3]) < _LEAST_SIDE and pictures.size:
        came = f"an array {pictures.shape}"
        raise InputError(where, f"{_SHAPE}, of {_LEAST_SIDE} pixels at least", came, _JOINTS)
    if pictures.dtype.kind not in "buif":
        raise InputError(where, _SHAPE, f"an array of {pictures.dtype}")
    if not pictures.size:
        raise InputError(where, _SHAPE, f"an empty array {pictures.shape}")
    low, high = _range(pictures, where)
    for picture in pictures:
        levels = (np.asarray(picture, np.float64) - low) * (255 / (high - low) if high > low else 0.0)
        bytes_: Picture = np.rint(levels).astype(np.uint8).reshape(*picture.shape[:2], channels)
        coloured = bytes_[..., :3] if channels >= 3 else np.repeat(bytes_, 3, axis=2)
        yield Frame(small_picture(coloured, shape, where), None)


def _range(pictures: npt.NDArray[Any], where: str) -> tuple[float, float]:
    """Return the numbers that are black and white."""
    if pictures.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.inf, -np.inf
    for picture in pictures:
        if not np.isfinite(picture).all():
            raise InputError(where, _SHAPE, "NaN or infinity")
        low, high = min(low, float(picture.min())), max(high, float(picture.max()))
    # Truths, and shares of white.
    return (0.0, 1.0) if pictures.dtype.kind in "bf" and low >= 0 and high <= 1 else (low, high)
