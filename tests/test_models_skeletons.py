"""Skeletons as a network reads them: relative to the body, upright, without gaps, changed by draws alone."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from stick_figures import figure

from bptt.data.skeletons.joint_orders import JointOrder, known_order
from bptt.data.skeletons.motion import changed, features, find_up, motion_of, size_of, upright
from bptt.data.skeletons.options import SkeletonOptions
from bptt.data.skeletons.recording import Skeleton, recording
from bptt.data.skeletons.stick_figure import bones_of, draw_frames
from bptt.errors import InputError
from bptt.models.codecs.skeleton import SkeletonCodec

ORDER = known_order("florence15")
STILL = SkeletonOptions(turn=0, stretch=0, pace=0, joint_noise=0)


def made(body: np.ndarray, **about: object) -> Skeleton:
    return replace(recording(body[None], ORDER, "made", "here"), **about)  # type: ignore[arg-type]


@pytest.mark.parametrize("shift", [0.0, 3.0])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_place_and_size_of_the_body_do_not_count(shift: float, scale: float) -> None:
    body = figure("walk", 2)
    first, second = (
        features(motion_of(made(each), 1, "y", 0), ORDER, False) for each in (body, body * scale + shift)
    )
    assert first.shape == (24, 15 * 3 * 2 + 3)
    # Sizes are sums of some hundred float32, differences of places up to 10.
    assert np.allclose(first, second, atol=2e-5)


def test_features_are_what_they_say() -> None:
    body = figure("wave", 4)
    found = features(motion_of(made(body), 1, "y", 0), ORDER, False)
    size, root = size_of(body), body[:, [9, 12]].mean(1)
    assert np.allclose(found[7, 5 * 3 : 6 * 3], (body[7, 5] - root[7]) / size, atol=1e-5)
    assert np.allclose(found[7, 45 + 15 : 45 + 18], (body[7, 5] - body[6, 5]) / size, atol=1e-5)
    assert np.allclose(found[7, 90:], (root[7] - root[0]) / size, atol=1e-5)


@pytest.mark.parametrize("up", ["y", "-y", "z", "-z"])
def test_the_axis_that_points_up_is_found(up: str) -> None:
    body = figure("walk", 1)
    x, y, z = np.moveaxis(body, -1, 0)
    turned = {"y": (x, y, z), "-y": (x, -y, -z), "z": (x, -z, y), "-z": (x, z, -y)}[up]
    given = made(np.stack(turned, -1))
    assert find_up([given])[0] == up
    assert np.allclose(upright(given.bodies[0], up), body)  # type: ignore[arg-type]
    flat = made(body[..., :2] * [1, -1], pixels=True)
    assert find_up([flat]) == ("-y", "as in pictures")


def test_gaps_lie_on_a_line_and_are_marked() -> None:
    body = np.repeat(np.arange(10.0)[:, None, None], 15, 1) * [1, 2, 3]
    body[3:6, 4], body[:2, 5], body[:, 6] = np.nan, np.nan, np.nan
    found = motion_of(made(body), 1, "y", 0)
    assert np.allclose(found.bodies[0, :, 4], np.arange(10.0)[:, None] * [1, 2, 3])
    assert np.allclose(found.bodies[0, :2, 5], [2, 4, 6])
    assert np.isfinite(found.bodies).all()
    assert np.array_equal(np.argwhere(~found.seen[0, :, 4]).ravel(), [3, 4, 5])
    codec = SkeletonCodec.learn([made(body)], STILL)
    assert codec.plan.with_seen and codec.encode(made(body))[0].shape == (10, 15 * 7 + 3)


def test_recordings_with_times_are_read_at_one_rate() -> None:
    body = figure("walk", 0, 20)
    slow = made(body[::2], times=np.arange(0, 20, 2) / 10)
    codec = SkeletonCodec.learn([made(body, times=np.arange(20) / 10)] * 2 + [slow], STILL)
    assert codec.plan.rate == 10 and len(codec.encode(slow)[0]) == 19
    middle = codec.motion(slow).bodies[0, 5]
    assert np.allclose(middle, (body[4] + body[6]) / 2, atol=1e-6)
    assert codec.show(slow)[:3] == ("0.00 s", "0.10 s", "0.20 s")


def test_changes_are_a_function_of_their_draw() -> None:
    motion = motion_of(made(figure("walk", 0)), 1, "y", 0)
    options = SkeletonOptions()
    first, again, other = (changed(motion, ORDER, options, True, Random(n)) for n in (1, 1, 2))
    assert np.array_equal(first.bodies, again.bodies)
    assert first.bodies.shape != other.bodies.shape or not np.allclose(first.bodies, other.bodies)


@pytest.mark.parametrize(("dimensions", "most"), [(3, 180), (2, 10)])
def test_bodies_are_turned_to_any_side_and_hardly_tilted(dimensions: int, most: float) -> None:
    """By default, of 200 turns, drawn evenly, none is beyond `most`, and some are near it on both sides."""
    arrow = np.zeros((1, 5, dimensions), np.float32)
    arrow[0, 0, 0], arrow[0, 1, 0] = -1, 1
    motion = motion_of(made(arrow), 1, "y", 0)
    options = replace(STILL, turn=None)
    angles = []
    for n in range(200):
        body = changed(motion, ORDER, options, False, Random(n)).bodies[0, 0]
        along, across = (body[1] - body[0])[[0, dimensions - 1]]
        angles.append(np.rad2deg(np.arctan2(across, along)))
    assert np.abs(angles).max() <= most + 1e-3
    assert max(angles) > 0.95 * most and min(angles) < -0.95 * most


def test_a_turned_body_keeps_its_lengths_and_its_height() -> None:
    motion = motion_of(made(figure("walk", 0)), 1, "y", 0)
    options = replace(STILL, turn=90.0)
    found = changed(motion, ORDER, options, False, Random(3)).bodies[0]
    before = motion.bodies[0]
    assert not np.allclose(found[..., 0], before[..., 0], atol=0.01)
    assert np.allclose(found[..., 1], before[..., 1], atol=1e-5)
    lengths = [np.linalg.norm(each[:, 3] - each[:, 4], axis=-1) for each in (found, before)]
    assert np.allclose(*lengths, atol=1e-5)


def test_a_mirror_swaps_left_and_right() -> None:
    motion = motion_of(made(figure("wave", 0)), 1, "y", 0)
    both = [changed(motion, ORDER, STILL, True, Random(n)).bodies[0] for n in range(8)]
    left, right = ORDER.joints.index("left_wrist"), ORDER.joints.index("right_wrist")
    high = motion.bodies[0, :, left, 1]
    mirrored = [body for body in both if np.allclose(body[:, right, 1], high, atol=1e-5)]
    assert 0 < len(mirrored) < 8
    # What was left of the spine is right of it.
    away = [
        body[:, hand, 0] - body[:, 2, 0] for body, hand in ((mirrored[0], right), (motion.bodies[0], left))
    ]
    assert np.allclose(away[0], -away[1], atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "mirrors"),
    [
        (("wave", "walk"), True),
        (("wave left", "walk"), False),
        (("kickLFront1Reps", "squat"), False),
        (("grabHighR", "squat"), False),
        (("左转", "走"), False),
        (("走", "挥手"), True),
        (("A001", "A002"), False),
        (("Lift", "Run"), True),
    ],
)
def test_labels_with_sides_are_not_mirrored(labels: tuple[str, ...], mirrors: bool) -> None:
    codec = SkeletonCodec.learn([made(figure("walk", 0))], SkeletonOptions(), labels)
    assert codec.mirrors is mirrors
    assert any(line.startswith("mirrored: half" if mirrors else "mirrored: no") for line in codec.describe())


def test_several_bodies() -> None:
    pair = np.stack([figure("walk", 0), figure("wave", 1) + np.array([2, 0, 0])])
    two = recording(pair, ORDER, "made", "here")
    one = made(figure("walk", 2))
    codec = SkeletonCodec.learn([two, one], replace(STILL, bodies=2))
    width = 2 * (15 * 7 + 3)
    assert codec.encode(two)[0].shape == codec.encode(one)[0].shape == (24, width)
    assert not codec.encode(one)[0][:, width // 2 :].any()
    alone = SkeletonCodec.learn([two, one], STILL)
    assert any("more than 1 in 1 recording; the one that moves most" in line for line in alone.describe())


def test_joints_in_another_order_are_put_right() -> None:
    body = figure("wave", 0)
    codec = SkeletonCodec.learn([made(body)], STILL)
    order = np.random.default_rng(1).permutation(15)
    other = JointOrder("", tuple(ORDER.joints[n] for n in order))
    given = codec.check(replace(made(body[:, order]), layout=other), "here")
    assert torch.equal(codec.encode(given)[0], codec.encode(made(body))[0])
    assert torch.equal(codec.encode(codec.check(body, "here"))[0], codec.encode(made(body))[0])
    with pytest.raises(
        InputError, match="inputs: must have 15 joints of 3 numbers as learned from, got 14 of 3"
    ):
        codec.check(body[:, :14], "inputs")
    with pytest.raises(
        InputError, match="joints: must be as many as the skeletons have, 15, got kinect20: 20"
    ):
        SkeletonCodec.learn([made(body)], SkeletonOptions(joints="kinect20"))


def test_one_frame_and_one_point() -> None:
    codec = SkeletonCodec.learn([made(figure("wave", 0, 1))], SkeletonOptions())
    assert torch.isfinite(codec.augment(made(figure("wave", 0, 1)), Random(1))[0]).all()
    point = made(np.zeros((3, 15, 3)))
    assert torch.isfinite(codec.encode(point)[0]).all()


def test_stick_figures() -> None:
    bones = bones_of(figure("walk", 0))
    assert len(bones) == 14 and {n for bone in bones for n in bone} == set(range(15))
    named = {frozenset((ORDER.joints[a], ORDER.joints[b])) for a, b in bones}
    assert {"left_shoulder", "left_elbow"} in named and {"right_knee", "right_ankle"} in named
    body = figure("wave", 0)
    pictures = draw_frames(body, range(0, 24, 6), size=48)
    assert pictures.shape == (4, 48, 48, 1) and pictures.dtype == np.uint8
    dark = pictures < 128
    # The head is above the feet, and the left hand moves.
    assert dark[:, :24].any((1, 2, 3)).all() and dark.mean() < 0.3 and (dark[0] != dark[2]).any()
