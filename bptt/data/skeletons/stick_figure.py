"""Stick figures: the frames of a skeleton as small pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Array

Picture = npt.NDArray[np.uint8]

_POINTS = 96
_MARGIN = 4
# Weight of the deviation of a length against its mean.
_RIGID = 4


def bones_of(body: Array) -> list[tuple[int, int]]:
    """Return the pairs of joints that a figure of a body (T, J, D) joins by lines: the tree of the shortest
    connections, which joins every joint to one that stays near it. A connection counts by its mean length and
    its deviations, as bones do not change theirs.
    """
    frames = body[:: max(1, len(body) // 20)]
    every = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1)  # (T, J, J)
    lengths = every.mean(0) + _RIGID * every.std(0)
    count = len(lengths)
    nearest, joined = np.zeros(count, int), [0]
    best = lengths[0].copy()
    bones = []
    for _ in range(count - 1):
        best[joined] = np.inf
        new = int(np.argmin(best))
        bones.append((int(nearest[new]), new))
        joined.append(new)
        closer = lengths[new] < best
        best, nearest = np.where(closer, lengths[new], best), np.where(closer, new, nearest)
    return bones


def draw_frames(body: Array, frames: Sequence[int], size: int = 64) -> Picture:
    """Return the frames of these numbers of a body (T, J, D), seen from the front, as grey pictures (N, size,
    size, 1): dark lines on white, all at the scale of the whole recording.
    """
    flat = body[..., :2]
    low, high = flat.min((0, 1)), flat.max((0, 1))
    scale = (size - 1 - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    middle = (low + high) / 2
    pictures = np.full((len(frames), size, size, 1), 255, np.uint8)
    share = np.linspace(0, 1, _POINTS)[:, None]
    bones = bones_of(body)
    for picture, frame in zip(pictures, frames, strict=True):
        places = (flat[frame] - middle) * scale * [1, -1] + (size - 1) / 2
        for a, b in bones:
            points = np.rint((1 - share) * places[a] + share * places[b]).astype(int).clip(0, size - 1)
            picture[points[:, 1], points[:, 0]] = 40
    return pictures
