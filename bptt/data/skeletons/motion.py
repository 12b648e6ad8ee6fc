"""Bodies as a network reads them: upright, without gaps, relative to the body and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Array
from bptt.data.skeletons.joint_orders import JointOrder
from bptt.data.skeletons.options import SkeletonOptions, Up
from bptt.data.skeletons.recording import Skeleton

Seen = npt.NDArray[np.bool_]

# Largest turns in training, in degrees, by the dimensions: a body in space faces any direction, one in a
# picture is upright.
_TURNS = {2: 10.0, 3: 180.0}


@dataclass(frozen=True, eq=False)
class Motion:
    """`bodies` (P, T, J, D) without gaps, the second number pointing up; `seen` (P, T, J) says which joints
    were seen, and not found between the frames before and after.
    """

    bodies: Array
    seen: Seen

    def __len__(self) -> int:
        return int(self.bodies.shape[1])


def upright(values: Array, up: Up) -> Array:
    """Return places (..., D) with the axis `up` as the second number, pointing up, turned, not mirrored."""
    if up == "y":
        return values
    if up == "-y":
        signs = np.array([1, -1, -1][: values.shape[-1]], np.float32)
        return values * signs
    sign = -1 if up.startswith("-") else 1
    return np.stack([values[..., 0], sign * values[..., 2], -sign * values[..., 1]], -1)


def find_up(recordings: Sequence[Skeleton]) -> tuple[Up, str]:
    """Return the axis that points up in recordings of one layout, and the reason.

    The axes of a format count, if it has some; else the head is above the hip, in most recordings.
    """
    first = recordings[0]
    if all(each.pixels is not None for each in recordings):
        down = sum(bool(each.pixels) for each in recordings) > len(recordings) / 2
        return ("-y", "as in pictures") if down else ("y", f"as in {first.form}")
    layout = first.layout
    known_hip = set(layout.root) != set(range(first.shape[0]))
    lacking = ["head"] * (not layout.head) + ["hip"] * (not known_hip)
    if lacking:
        return "y", f"no joint is known as the {' or '.join(lacking)}"
    rises = [_rise(each) for each in recordings]
    known = not np.isnan(rises).all()
    rise = np.nanmedian(rises, axis=0) if known else np.zeros(3)  # (D,)
    axis = 1 + int(np.nanargmax(np.abs(rise[1:])))
    name = "xyz"[axis]
    return (name if rise[axis] >= 0 else f"-{name}"), "the head is above the hip"  # type: ignore[return-value]


def _rise(recording: Skeleton) -> Array:
    """Return the way from the hip to the head, (D,), NaN if one of them is never seen."""
    body = recording.bodies[0]
    way = body[:, recording.layout.head[0]] - body[:, list(recording.layout.root)].mean(1)
    seen = way[~np.isnan(way).any(-1)]
    found: Array = np.median(seen, axis=0) if len(seen) else np.full(3, np.nan, np.float32)
    return found


def resample(values: Array, old: npt.NDArray[np.float64], new: npt.NDArray[np.float64]) -> Array:
    """Return values (P, T, ...) given at the times `old` (T,) at the times `new`, linearly between them."""
    behind = np.searchsorted(old, new, "right").clip(1, max(1, len(old) - 1))
    before = behind - 1
    behind = np.minimum(behind, len(old) - 1)
    span = old[behind] - old[before]
    share = np.where(span > 0, (new - old[before]) / np.where(span > 0, span, 1), 0).clip(0, 1)
    share = share.reshape(-1, *[1] * (values.ndim - 2)).astype(np.float32)
    found: Array = ((1 - share) * values[:, before] + share * values[:, behind]).astype(np.float32)
    return found


def motion_of(recording: Skeleton, bodies: int, up: Up, rate: float) -> Motion:
    """Return the first `bodies` of a recording; one that is not there is at zero and never seen.

    With times and a `rate`, frames are taken `rate` times a second.
    """
    given = upright(recording.bodies[:bodies], up)
    lacking = bodies - len(given)
    if lacking:
        given = np.concatenate([given, np.full((lacking, *given.shape[1:]), np.nan, np.float32)])
    seen = ~np.isnan(given[..., 0])
    filled = np.stack([_without_gaps(body, known) for body, known in zip(given, seen, strict=True)])
    times = recording.times
    if times is not None and rate and times[-1] > times[0]:
        new = np.arange(int((times[-1] - times[0]) * rate + 1e-6) + 1) / rate + times[0]
        filled = resample(filled, times, new)
        seen = seen[:, np.searchsorted(times, new + 1e-6, "right").clip(1, len(times)) - 1]
    return Motion(filled.astype(np.float32), seen)


def _without_gaps(body: Array, seen: Seen) -> Array:
    """Return a body (T, J, D) with each joint on a line between the frames in which it was seen, and at the
    mean of the others where it never was.
    """
    if seen.all():
        return body
    if not seen.any():
        return np.zeros_like(body)
    body, steps = body.copy(), np.arange(len(body))
    for j in np.flatnonzero(~seen.all(0) & seen.any(0)):
        known = np.flatnonzero(seen[:, j])
        for d in range(body.shape[2]):
            body[:, j, d] = np.interp(steps, known, body[known, j, d])
    never = ~seen.any(0)
    body[:, never] = body[:, ~never].mean(1, keepdims=True)
    return body


def size_of(body: Array) -> float:
    """Return the size of a body (T, J, D): the distance of its joints from their middle, the root of the mean
    square, in the median frame; 1 for a body of one point.
    """
    spread = np.sqrt(np.square(body - body.mean(1, keepdims=True)).sum(-1).mean(1))  # (T,)
    found = float(np.median(spread))
    return found if found > 0 else 1.0


def features(motion: Motion, layout: JointOrder, with_seen: bool) -> Array:
    """Return what a network reads of each frame, (T, W): for each body its joints relative to its root, their
    velocities, and the place of the root since the first frame; `with_seen`, also which joints were seen.

    Lengths are in sizes of the first body. Velocities are differences from the frame before, 0 in the first.
    """
    size = size_of(motion.bodies[0])
    start = motion.bodies[0, 0, list(layout.root)].mean(0)  # (D,)
    found: list[Array] = []
    for body, seen in zip(motion.bodies, motion.seen, strict=True):
        there = seen.any()
        root = body[:, list(layout.root)].mean(1)  # (T, D)
        velocity = np.diff(body, axis=0, prepend=body[:1])
        found += [
            ((body - root[:, None]) / size).reshape(len(body), -1),
            (velocity / size).reshape(len(body), -1),
            (root - start) / size if there else np.zeros_like(root),
        ]
        if with_seen:
            found.append(seen.astype(np.float32))
    return np.concatenate(found, 1).astype(np.float32)


def changed(
    motion: Motion, layout: JointOrder, options: SkeletonOptions, mirror: bool, draw: Random
) -> Motion:
    """Return a motion as another body might have made it: see `SkeletonOptions`. It is a pure function of
    `draw`.
    """
    bodies, seen = motion.bodies, motion.seen
    count, dimensions = len(motion), bodies.shape[-1]
    random = np.random.default_rng(draw.getrandbits(64))
    pace, angle = random.uniform(-1, 1, 2)
    scale = 1 + options.stretch * random.uniform(-1, 1, dimensions)
    is_mirrored = mirror and random.random() < 0.5
    steps = max(1, round(count * (1 + options.pace * pace)))
    if steps != count:
        new = np.linspace(0, count - 1, steps)
        bodies = resample(bodies, np.arange(count, dtype=np.float64), new)
        seen = seen[:, np.round(new).astype(int)]
    middle = bodies[:1].mean((1, 2), keepdims=True)
    most = _TURNS[dimensions] if options.turn is None else options.turn
    turned = (bodies - middle) @ _turn(np.deg2rad(most * angle), dimensions).T * scale
    if is_mirrored:
        order = list(layout.mirror)
        turned, seen = turned[:, :, order], seen[:, :, order]
        turned = turned * np.array([-1, 1, 1][:dimensions])
    noise = options.joint_noise * size_of(bodies[0]) * random.standard_normal(turned.shape)
    # A body that is not there stays at zero.
    there = np.any(seen, axis=(1, 2), keepdims=True)[..., None]
    found = np.where(there, turned + middle + noise, 0).astype(np.float32)
    return replace(motion, bodies=found, seen=seen)


def _turn(angle: float, dimensions: int) -> Array:
    """Return the rotation about the vertical axis; in a plane, in which no body turns so, a tilt."""
    cos, sin = np.cos(angle), np.sin(angle)
    if dimensions == 2:
        return np.array([[cos, -sin], [sin, cos]])
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
