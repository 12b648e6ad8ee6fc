"""Skeletons to numbers: joints relative to the body, their velocities, and which of them were seen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from bptt.data.clips.sides import labels_with_sides
from bptt.data.json_text import parse_json
from bptt.data.reading import read_bytes
from bptt.data.skeletons.array_files import of_array
from bptt.data.skeletons.joint_orders import JointOrder, known_order
from bptt.data.skeletons.motion import Motion, changed, features, find_up, motion_of
from bptt.data.skeletons.options import SkeletonOptions, Up
from bptt.data.skeletons.recording import Skeleton
from bptt.data.skeletons.skeleton_facts import count_missing, describe, usual_rate
from bptt.data.skeletons.stick_figure import draw_frames
from bptt.errors import InputError, WrongTypeError
from bptt.models.codecs.codec import Codec
from bptt.models.inputs import SeriesInput
from bptt.nn.exposure import StepPictures

FILE = "skeleton.json"
# A word, which a code such as A012 is not.
_WORD = re.compile(r"[^\W\d_]{3,}|[\u4e00-\u9fff]")
# Pictures of a recording at most.
_PICTURES = 200


@dataclass(frozen=True)
class SkeletonPlan:
    """The facts of the training data that a codec needs.

    They are the `joints` by name, the number of `dimensions`, the axis `up`, the `rate` in frames a second
    (0: as recorded), the number of `bodies` that are read, and whether there are inputs for missing joints.
    """

    layout: str
    joints: tuple[str, ...]
    dimensions: int
    up: Up
    rate: float = 0.0
    bodies: int = 1
    with_seen: bool = False

    @property
    def width(self) -> int:
        """The numbers of a frame."""
        joints, each = len(self.joints), self.dimensions
        return self.bodies * ((2 * joints + 1) * each + joints * self.with_seen)


@dataclass(eq=False)
class SkeletonCodec(Codec[Skeleton]):
    """Turns skeletons into numbers by a `plan`. `options` say how training changes them, `mirrors` whether
    left and right are swapped. `notes_of` describes the training data.
    """

    plan: SkeletonPlan
    options: SkeletonOptions = field(default_factory=SkeletonOptions)
    mirrors: bool = False
    training: Sequence[Skeleton] = ()
    notes_of: tuple[str, ...] = ()
    unit: str = "frames"

    def __post_init__(self) -> None:
        self._motions: WeakKeyDictionary[Skeleton, Motion] = WeakKeyDictionary()

    @classmethod
    def learn(
        cls, inputs: Sequence[Skeleton], options: SkeletonOptions, labels: Sequence[str] = ()
    ) -> SkeletonCodec:
        """Find the plan for training data. Raises InputError for `joints` of another number."""
        layout = inputs[0].layout if options.joints is None else known_order(options.joints)
        joints, dimensions = inputs[0].shape
        if len(layout.joints) != joints:
            rule = f"must be as many as the skeletons have, {joints}"
            raise InputError("joints", rule, f"{layout.name}: {len(layout.joints)}")
        inputs = [replace(each, layout=layout) for each in inputs]
        up, why = (options.up, "as chosen") if options.up else find_up(inputs)
        usual = usual_rate(inputs)
        rate = (options.joint_rate or usual) if usual else 0.0
        fewer = any(len(each.bodies) < options.bodies for each in inputs)
        with_seen = fewer or count_missing(inputs, options.bodies)[0] > 0
        plan = SkeletonPlan(layout.name, layout.joints, dimensions, up, rate, options.bodies, with_seen)
        mirrors, said = _mirrors(layout, options.mirror_bodies, labels)
        notes = (*describe(inputs, layout, plan.bodies, rate), f"up: {up}, {why}", said)
        return cls(plan, options, mirrors, inputs, notes)

    @classmethod
    def load(cls, run: Path) -> SkeletonCodec:
        """Return the codec of a run folder. Raises InputError if its file is missing or damaged."""
        path = run / FILE
        found = parse_json(read_bytes(path).decode(), str(path), "must be the plan of skeletons")
        try:
            return cls(SkeletonPlan(**{**found, "joints": tuple(found["joints"])}))
        except (TypeError, KeyError) as error:
            raise InputError(str(path), "must be the plan of skeletons", str(found)[:60]) from error

    @property
    def layout(self) -> JointOrder:
        """The joints of the training data."""
        return JointOrder(self.plan.layout, self.plan.joints)

    def part(self) -> SeriesInput:
        """Return a part that takes out the mean and the deviation of the training data."""
        part = SeriesInput(self.plan.width)
        if self.training:
            part.fit(self.encode(each)[0] for each in self.training)
        return part

    def check(self, input: Any, place: str) -> Skeleton:
        """Return a recording, or an array (T, J, D) as one, with the joints that were learned.

        Raises WrongTypeError for anything else, InputError for other joints.
        """
        if hasattr(input, "__array__"):
            input = of_array(input.__array__(), place)
        if not isinstance(input, Skeleton):
            rule = "must be a skeleton, or an array (T, joints, coordinates)"
            raise WrongTypeError(place, rule, type(input).__name__)
        joints, dimensions = len(self.plan.joints), self.plan.dimensions
        if input.shape != (joints, dimensions):
            came = "{} of {}".format(*input.shape)
            raise InputError(
                place, f"must have {joints} joints of {dimensions} numbers as learned from", came
            )
        return self._in_order(input)

    def _in_order(self, input: Skeleton) -> Skeleton:
        """Return a recording with its joints in the order that was learned, if they have the same names."""
        names = input.layout.joints
        if names == self.plan.joints or set(names) != set(self.plan.joints):
            return input
        order = [names.index(name) for name in self.plan.joints]
        return replace(input, bodies=input.bodies[:, :, order], layout=self.layout)

    def motion(self, input: Skeleton) -> Motion:
        """Return a recording upright and without gaps."""
        found = self._motions.get(input)
        if found is None:
            found = motion_of(input, self.plan.bodies, self.plan.up, self.plan.rate)
            self._motions[input] = found
        return found

    def encode(self, input: Skeleton) -> tuple[Tensor, ...]:
        """Return the numbers of each frame, (T, W)."""
        return self._numbers(self.motion(input))

    def augment(self, input: Skeleton, draw: Random) -> tuple[Tensor, ...]:
        """Return the numbers of a recording that `changed` has turned, stretched, played faster, mirrored."""
        return self._numbers(changed(self.motion(input), self.layout, self.options, self.mirrors, draw))

    def _numbers(self, motion: Motion) -> tuple[Tensor, ...]:
        return (torch.from_numpy(features(motion, self.layout, self.plan.with_seen)),)

    def length(self, input: Skeleton) -> int:
        """Return the number of frames."""
        return len(self.motion(input))

    def show(self, input: Skeleton) -> tuple[str, ...]:
        """Return the time of each frame where it is known, else its number."""
        rate = self.plan.rate if input.times is not None else 0
        return tuple(f"{t / rate:.2f} s" if rate else str(t) for t in range(len(self.motion(input))))

    def pictures(self, input: Skeleton, steps: int) -> StepPictures | None:
        """Return stick figures of the frames, seen from the front; of long recordings every N-th."""
        body = self.motion(input).bodies[0][:steps]
        frames = range(0, len(body), -(-len(body) // _PICTURES))
        return StepPictures(torch.from_numpy(draw_frames(body, frames)), tuple(frames))

    def files(self) -> Mapping[str, bytes]:
        """Return the plan as a file."""
        return {FILE: (json.dumps(vars(self.plan), indent=2, ensure_ascii=False) + "\n").encode()}

    def describe(self) -> list[str]:
        """Describe the training data, and how they are read."""
        return list(self.notes_of)


def _mirrors(layout: JointOrder, chosen: bool | None, labels: Sequence[str]) -> tuple[bool, str]:
    """Return whether training mirrors bodies, and a line that says why."""
    if not layout.has_sides:
        if chosen:
            raise InputError("mirror_bodies", "needs joints that are called left and right", "none")
        return False, "mirrored: no, as no joints are called left and right"
    if chosen is not None:
        return chosen, f"mirrored: {'yes' if chosen else 'no'}, as chosen"
    sided = labels_with_sides(labels)
    if sided:
        return False, f"mirrored: no, as labels have sides, such as {sided[0]} (`mirror_bodies`)"
    coded = next((label for label in labels if not _WORD.search(label)), None)
    if coded is not None or not labels:
        return False, "mirrored: no, as labels are no words and may have sides (`mirror_bodies`)"
    return True, "mirrored: half of the bodies in training, left and right joints swapped (`mirror_bodies`)"
