"""A recording of skeletons, as every format is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Array
from bptt.data.memory import check_memory
from bptt.data.skeletons.joint_orders import JointOrder
from bptt.errors import InputError, counted

# Bodies of a recording that are kept: pose estimators see more in patterns of the background.
_MOST_BODIES = 4
# More than a picture shows.
_MOST_PEOPLE = 500
# In millimetres a thousand kilometres; squares of what is farther leave float32 once they are summed.
_FARTHEST = 1e9


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
    or in which no joint is seen, for a number that no place has, and for times that do not rise.
    """
    # A copy: it is changed below.
    bodies = np.array(narrowed(bodies))
    if not bodies.shape[1]:
        raise InputError(place, "must have a frame at least", "0 frames", "Leave the recording out")
    far = np.argwhere(np.abs(bodies) > _FARTHEST)
    if len(far):
        _, frame, joint, _ = far[0].tolist()
        where, number = f"{place}, frame {frame}, {layout.joints[joint]}", bodies[tuple(far[0])]
        if np.isinf(number):
            raise InputError(where, "must be finite numbers of float32", "infinity")
        raise InputError(where, f"must be a place within ±{_FARTHEST:g}", f"{number:g}", "Leave it out")
    bodies[np.isnan(bodies).any(-1)] = np.nan
    seen = ~np.isnan(bodies[..., 0])
    if not seen.any():
        came = f"none in {counted(bodies.shape[1], 'frames')}"
        raise InputError(place, "must have a joint that is seen", came, "Leave the recording out")
    known = None if times is None else np.asarray(times, np.float64)
    if known is not None and (not np.isfinite(known).all() or (np.diff(known) < 0).any()):
        raise InputError(place, "times must rise from frame to frame", "times that do not")
    steps = np.arange(bodies.shape[1])
    order = sorted(range(len(bodies)), key=lambda p: -_motion(bodies[p], steps, len(steps)))
    order = [p for p in order if seen[p].any()][:_MOST_BODIES]
    return Skeleton(bodies[order], layout, form, pixels, known)


def narrowed(numbers: npt.ArrayLike) -> Array:
    """Return numbers in float32, without a warning; one that is too large for it is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(numbers, np.float32)


def moving_most(tracks: Sequence[Mapping[int, Array]], shape: tuple[int, int, int], place: str) -> Array:
    """Return the bodies (P, T, J, D), of `shape` (T, J, D), of the tracks that move most, P at least 1.

    A track is the places (J, D) of one body by the frame, in ascending order. Memory grows with the tracks
    that are returned, not with all. Raises MachineError if it does not hold them.
    """
    count = shape[0]
    moved = [_motion(np.stack(list(each.values())), np.array(list(each)), count) for each in tracks]
    order = sorted(range(len(tracks)), key=lambda p: -moved[p])[:_MOST_BODIES]
    # Of a recording a copy is made.
    check_memory(place, 3 * 4 * max(1, len(order)) * prod(shape))
    bodies = np.full((max(1, len(order)), *shape), np.nan, np.float32)
    for body, p in zip(bodies, order, strict=False):
        body[list(tracks[p])] = np.stack(list(tracks[p].values()))
    return bodies


def tracked(frames: Sequence[Sequence[Array]], joints: int, dimensions: int, place: str) -> Array:
    """Return the people of frames, (J, D) each in no order, as bodies (P, T, J, D): those that move most.

    Each goes on with the body whose last place, the mean of its joints, is nearest: the nearest pair first.
    Raises InputError for a frame of more people than are followed.
    """
    tracks: list[dict[int, Array]] = []
    last: list[npt.NDArray[np.float64]] = []
    for t, found in enumerate(frames):
        people = [each for each in found if not np.isnan(each).all()]
        if len(people) > _MOST_PEOPLE:
            rule = f"must have at most {_MOST_PEOPLE} people in a frame"
            raise InputError(place, rule, f"{len(people):,} in one", "Leave the recording out")
        with np.errstate(invalid="ignore"):
            places = [np.array(np.nanmean(each, axis=0, dtype=np.float64)) for each in people]
        taken = _nearest(places, last)
        for person, each in enumerate(people):
            if person not in taken:
                taken[person] = len(tracks)
                tracks.append({})
                last.append(places[person])
            tracks[taken[person]][t] = each
            last[taken[person]] = places[person]
    return moving_most(tracks, (len(frames), joints, dimensions), place)


def _nearest(
    places: Sequence[npt.NDArray[np.float64]], last: Sequence[npt.NDArray[np.float64]]
) -> dict[int, int]:
    """Return the track of each person, the nearest pair first, as far as there are tracks."""
    if not places or not last:
        return {}
    # Infinite places are refused later.
    with np.errstate(invalid="ignore"):
        distances = np.linalg.norm(np.stack(places)[:, None] - np.stack(last), axis=-1)
    taken: dict[int, int] = {}
    followed: set[int] = set()
    # Of equal distances the first person, then the first track.
    for pair in np.argsort(distances, axis=None, kind="stable").tolist():
        person, track = divmod(pair, len(last))
        if person not in taken and track not in followed:
            taken[person] = track
            followed.add(track)
    return taken


def _motion(body: Array, times: npt.NDArray[np.int64], count: int) -> float:
    """Return how far the joints of a body (T, J, D) move from one of `count` frames to the next, at `times`
    (T,), all together, and how large it is: one that does not move counts by its size alone.
    """
    found = body[~np.isnan(body[..., 0])]  # (N, D)
    if not len(found):
        return -1.0
    # Places that are refused later may be beyond any measure.
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.nanstd(found, axis=0).sum()) * len(found) / count
        moved = np.linalg.norm(np.diff(body, axis=0)[np.diff(times) == 1], axis=-1)
        return float(np.nansum(moved)) + 1e-3 * size
