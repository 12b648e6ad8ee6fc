"""The orders of joints that are known by name: their names, and what follows from these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from bptt.errors import InputError

_ARM, _LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")


def _both(parts: Sequence[str], sides: Sequence[str] = ("left", "right")) -> list[str]:
    """Return the parts of one side, then those of the other."""
    return [f"{side}_{part}" for side in sides for part in parts]


def _in_turn(parts: Sequence[str], sides: Sequence[str] = ("left", "right")) -> list[str]:
    """Return each part of one side and of the other."""
    return [f"{side}_{part}" for part in parts for side in sides]


_RIGHT_FIRST = ("right", "left")
_FINGERS = [f"{finger}_{n}" for finger in ("thumb", "index", "middle", "ring", "pinky") for n in range(1, 5)]
_POSE = [
    "nose",
    *("left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer".split()),
    *_in_turn(("ear",)),
    *("mouth_left", "mouth_right"),
    *_in_turn((*_ARM, "pinky", "index", "thumb", *_LEG, "heel", "foot_index")),
]
_OPENPOSE = ["nose", "neck", *_both(_ARM, _RIGHT_FIRST)]
_FACE = _in_turn(("eye", "ear"), _RIGHT_FIRST)
_KINECT_ARM, _KINECT_LEG = (*_ARM, "hand"), (*_LEG, "foot")

# Sources: COCO; BODY_25 and COCO of OpenPose; MediaPipe pose, hands and holistic (pose, left and right hand,
# face); Kinect 1 in the order of its SDK; the readme of UTD-MHAD; MSR Action3D; Kinect 2, which NTU uses;
# the readme of Florence3D.
JOINT_ORDERS: dict[str, tuple[str, ...]] = {
    "coco17": ("nose", *_in_turn(("eye", "ear", *_ARM, *_LEG))),
    "openpose25": (
        *_OPENPOSE,
        "mid_hip",
        *_both(_LEG, _RIGHT_FIRST),
        *_FACE,
        *_both(("big_toe", "small_toe", "heel")),
    ),
    "openpose18": (*_OPENPOSE, *_both(_LEG, _RIGHT_FIRST), *_FACE),
    "mediapipe33": tuple(_POSE),
    "hand21": ("wrist", *_FINGERS),
    "holistic543": (
        *_POSE,
        *(f"{side}_hand_{part}" for side in ("left", "right") for part in ("wrist", *_FINGERS)),
        *(f"face_{n}" for n in range(468)),
    ),
    "kinect20": (
        *("hip_center", "spine", "shoulder_center", "head"),
        *_both(_KINECT_ARM),
        *_both(_KINECT_LEG),
    ),
    "utd20": (
        *("head", "shoulder_center", "spine", "hip_center"),
        *_both(_KINECT_ARM),
        *_both(_KINECT_LEG),
    ),
    "msr20": (
        *_in_turn(("shoulder",), _RIGHT_FIRST),
        *("shoulder_center", "spine"),
        *_in_turn(("hip",), _RIGHT_FIRST),
        "hip_center",
        *_in_turn(("elbow", "wrist", "hand", "knee", "ankle", "foot"), _RIGHT_FIRST),
        "head",
    ),
    "kinect25": (
        *("spine_base", "spine_mid", "neck", "head"),
        *_both(_KINECT_ARM),
        *_both(_KINECT_LEG),
        *("spine_shoulder", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb"),
    ),
    "florence15": ("head", "neck", "spine", *_both(_ARM), *_both(_LEG)),
}
_ROOTS = frozenset("root hip hips pelvis mid_hip midhip hip_center hipcenter spine_base spinebase".split())
_HEADS = frozenset("head nose".split())
# `lfemur`, as in motion capture; `left_knee`, `LeftUpLeg`, `knee_l`, `mouth_left`.
_SIDES = (
    re.compile(r"(?P<side>left|right)", re.IGNORECASE),
    re.compile(r"(?:(?<=[_.\-: ])|^)(?P<side>[lr])(?=[_.\-: ]|[A-Z]|$)", re.IGNORECASE),
    re.compile(r"^(?P<side>[lr])(?=[a-z]{3})"),
)
_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


@dataclass(frozen=True)
class JointOrder:
    """The `joints` of a skeleton by name, in their order. `name` is one of `JOINT_ORDERS`, or ""."""

    name: str
    joints: tuple[str, ...]

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """The joint that each becomes in a mirror: its partner on the other side, or itself."""
        numbers = {joint: n for n, joint in enumerate(self.joints)}
        return tuple(numbers.get(_partner(joint, numbers), n) for n, joint in enumerate(self.joints))

    @property
    def has_sides(self) -> bool:
        """Whether any joint has a partner on the other side."""
        return any(n != other for n, other in enumerate(self.mirror))

    @cached_property
    def root(self) -> tuple[int, ...]:
        """The joints whose mean is the place of the body: that of the hip, or both hips, or all joints."""
        lowered = [joint.lower() for joint in self.joints]
        found = [n for n, joint in enumerate(lowered) if joint in _ROOTS]
        hips = [n for n, joint in enumerate(lowered) if "hip" in joint and self.mirror[n] != n]
        return tuple(found[:1] or hips[:2] or range(len(lowered)))

    @cached_property
    def head(self) -> tuple[int, ...]:
        """The joint of the head; () if no name says which."""
        return tuple(n for n, joint in enumerate(self.joints) if joint.lower() in _HEADS)[:1]


def _partner(joint: str, known: dict[str, int]) -> str:
    """Return the name of the joint on the other side, "" if there is none."""
    for pattern in _SIDES:
        match = pattern.search(joint)
        if match is not None:
            side = match["side"]
            other = _OTHER[side.lower()]
            other = other.upper() if side.isupper() else other.capitalize() if side[0].isupper() else other
            partner = joint[: match.start("side")] + other + joint[match.end("side") :]
            if partner in known:
                return partner
    return ""


def known_order(name: str) -> JointOrder:
    """Return an order of `JOINT_ORDERS`. Raises InputError if there is none of this name."""
    if name not in JOINT_ORDERS:
        raise InputError("joints", f"is one of {', '.join(JOINT_ORDERS)}", name)
    return JointOrder(name, JOINT_ORDERS[name])


def usual_order(count: int, dimensions: int) -> JointOrder:
    """Return the layout of joints that have no names, if their number leaves no doubt: numbers else.

    25 joints are those of OpenPose in a plane and those of Kinect 2 in space; 17 in space may be those of
    COCO or of Human3.6M, 20 are in two orders of Kinect 1.
    """
    flat = {17: "coco17", 18: "openpose18", 25: "openpose25"}
    found = {33: "mediapipe33", 21: "hand21", 543: "holistic543", 25: "kinect25"}
    name = (flat if dimensions == 2 else {}).get(count) or found.get(count)
    return known_order(name) if name else JointOrder("", tuple(f"joint {n}" for n in range(1, count + 1)))
