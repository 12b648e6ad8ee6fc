"""A recording of skeletons, as every format is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Array
from bptt.data.skeletons.joint_orders import JointOrder
from bptt.errors import InputError, counted

# Bodies of a recording that are kept: pose estimators see more in patterns of the background.
_MOST_BODIES = 4


@dataclass(frozen=True, eq=False)
class Skeleton:
    """`bodies` (P, T, J, D) are the places of J joints in D = 2 or 3 dimensions, of the body that moves most
    first; NaN where a joint was not seen.

    `times` (T,) are seconds, rising, None if unknown. `pixels`: the second number points down, as in
    pictures; None if unknown. `form` is the format of the file in words.
    """

    bodies: Array
    layout: JointOrder
    form: str
    pixels: bool | None = None
    times: npt.NDArray[np.float64] | None = None

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the numbers: equal for equal recordings."""
        times = b"" if self.times is None else self.times.tobytes()
        return hashlib.sha256(repr(self.bodies.shape).encode() + self.bodies.tobytes() + times).hexdigest()

    @property
    def shape(self) -> tuple[int, int]:
        """The number of joints, and of numbers for each."""
        return self.bodies.shape[2], self.bodies.shape[3]

    def __len__(self) -> int:
        return int(self.bodies.shape[1])

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'frames')} of {self.shape[0]} joints>"


def recording(
    bodies: npt.NDArray[np.floating],
    layout: JointOrder,
    form: str,
    place: str,
    pixels: bool | None = None,
    times: Sequence[float] | npt.NDArray[np.float64] | None = None,
) -> Skeleton:
    """Return bodies (P, T, J, D) as a recording, the one that moves most first.

    A joint counts as not seen if one of its numbers is NaN. Raises InputError for a recording without frames
    or in which no joint is seen, for infinite numbers, and for times that do not rise.
    """
    bodies = np.array(bodies, np.float32)
    if not bodies.shape[1]:
        raise InputError(place, "must have a frame at least", "0 frames", "Leave the recording out")
    infinite = np.argwhere(np.isinf(bodies))
    if len(infinite):
        _, frame, joint, _ = infinite[0].tolist()
        where = f"{place}, frame {frame}, {layout.joints[joint]}"
        raise InputError(where, "must be finite numbers of float32", "infinity")
    bodies[np.isnan(bodies).any(-1)] = np.nan
    seen = ~np.isnan(bodies[..., 0])
    if not seen.any():
        came = f"none in {counted(bodies.shape[1], 'frames')}"
        raise InputError(place, "must have a joint that is seen", came, "Leave the recording out")
    known = None if times is None else np.asarray(times, np.float64)
    if known is not None and (not np.isfinite(known).all() or (np.diff(known) < 0).any()):
        raise InputError(place, "times must rise from frame to frame", "times that do not")
    order = sorted(range(len(bodies)), key=lambda p: -_motion(bodies[p]))
    order = [p for p in order if seen[p].any()][:_MOST_BODIES]
    return Skeleton(bodies[order], layout, form, pixels, known)


def _motion(body: Array) -> float:
    """Return how far the joints of a body (T, J, D) move, all frames together, and how large it is: one
    that does not move counts by its size alone.
    """
    found = body[~np.isnan(body[..., 0])]  # (N, D)
    if not len(found):
        return -1.0
    size = float(np.nanstd(found, axis=0).sum()) * len(found) / len(body)
    moved = np.linalg.norm(np.diff(body, axis=0), axis=-1)
    return float(np.nansum(moved)) + 1e-3 * size


def tracked(frames: Sequence[Sequence[Array]], joints: int, dimensions: int) -> Array:
    """Return the people of frames, (J, D) each in no order, as bodies (P, T, J, D).

    Each goes on with the body whose last place, the mean of its joints, is nearest: the nearest pair first.
    """
    tracks: list[Array] = []
    last: list[Array] = []
    for t, people in enumerate(frames):
        people = [each for each in people if not np.isnan(each).all()]
        places = [np.nanmean(each, axis=0) for each in people]
        pairs = sorted(
            (float(np.linalg.norm(place - before)), person, track)
            for person, place in enumerate(places)
            for track, before in enumerate(last)
        )
        taken: dict[int, int] = {}
        for _, person, track in pairs:
            if person not in taken and track not in taken.values():
                taken[person] = track
        for person, each in enumerate(people):
            if person not in taken:
                tracks.append(np.full((len(frames), joints, dimensions), np.nan, np.float32))
                last.append(places[person])
                taken[person] = len(tracks) - 1
            tracks[taken[person]][t] = each
            last[taken[person]] = places[person]
    empty = np.full((1, len(frames), joints, dimensions), np.nan, np.float32)
    return np.stack(tracks) if tracks else empty
