"""The options of skeletons: how they are read, and how training changes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bptt.deferred import deferred
from bptt.options.field import check_fields, option

# Most runs are not on skeletons.
_known_order = deferred("bptt.data.skeletons.joint_orders", "known_order")

Up = Literal["y", "-y", "z", "-z"]


@dataclass(frozen=True)
class SkeletonOptions:
    """How skeletons are read and changed. `joints` is a name in `JOINT_ORDERS`; `up` is the axis that points
    up, with its sign. Of each recording `bodies` are read, the ones that move most, at `joint_rate` frames a
    second where it has times (0: at the usual one of the training data).

    In training, copies are turned about the vertical axis by at most `turn` degrees, in a plane tilted (None:
    180, in a plane 10), stretched by at most `stretch` along each axis, played at most `pace` faster or
    slower, mirrored in half of the cases, left and right joints swapped, if `mirror_bodies`, and each joint
    is moved by `joint_noise` of the size of the body. Raises InputError with the option.
    """

    joints: str | None = option(
        None,
        "Order of the joints, by name, such as coco17, openpose25, mediapipe33, kinect20, kinect25.",
        usual="as the file says, or by their number",
        group="Skeletons",
        added=True,
    )
    up: Up | None = option(
        None,
        "Axis that points up.",
        usual="known from the format, or from head and hip",
        group="Skeletons",
        added=True,
    )
    bodies: int = option(1, "Bodies read of each recording.", group="Skeletons", least=1, most=4, added=True)
    joint_rate: float = option(
        0.0,
        "Frames a second, for recordings with times.",
        usual="the usual one of the training data",
        group="Skeletons",
        least=0,
        added=True,
    )
    turn: float | None = option(
        None,
        "Largest turn of a body in training, in degrees.",
        usual="180, a turn to any side; 10 in a plane, a tilt",
        group="Skeletons",
        least=0,
        most=180,
        added=True,
    )
    stretch: float = option(
        0.1, "Largest stretch of a body in training.", group="Skeletons", share=True, added=True
    )
    pace: float = option(
        0.2, "Largest change of the speed in training.", group="Skeletons", share=True, added=True
    )
    joint_noise: float = option(
        0.01,
        "Noise of each joint in training, as a share of the body's size.",
        group="Skeletons",
        added=True,
        share=True,
    )
    mirror_bodies: bool | None = option(
        None,
        "Mirror half of the bodies in training.",
        usual="if labels are words and none names a side",
        group="Skeletons",
        added=True,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.joints is not None:
            _known_order(self.joints)
