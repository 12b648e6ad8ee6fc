"""Facts about recordings of skeletons, in words: their rate, missing joints, the number of bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bptt.data.skeletons.joint_orders import JointOrder
from bptt.data.skeletons.recording import Skeleton
from bptt.errors import counted

# Joints that a description names.
_NAMED = 33


def usual_rate(inputs: Sequence[Skeleton]) -> float:
    """Return the frames a second of most recordings; 0 if none has times."""
    between = [
        float(np.median(np.diff(each.times)))
        for each in inputs
        if each.times is not None and len(each.times) > 1
    ]
    rates = [1 / seconds for seconds in between if seconds > 0]
    return round(float(np.median(rates)), 3) if rates else 0.0


def count_missing(inputs: Sequence[Skeleton], bodies: int) -> tuple[int, int]:
    """Return how many joints of the first `bodies` were not seen, and how many there are."""
    places = [each.bodies[:bodies, ..., 0] for each in inputs]
    return sum(int(np.isnan(each).sum()) for each in places), sum(each.size for each in places)


def describe(inputs: Sequence[Skeleton], order: JointOrder, bodies: int, rate: float) -> list[str]:
    """Describe recordings: format and joints, missing ones, bodies, rate."""
    counts = Counter(each.form for each in inputs)
    forms = ", ".join(f"{form} {count:,}" for form, count in counts.most_common())
    shown = ", ".join(order.joints[:_NAMED])
    more = f", and {len(order.joints) - _NAMED} others" if len(order.joints) > _NAMED else ""
    name = f"{order.name}: " if order.name else ""
    missing, total = count_missing(inputs, bodies)
    several = sum(len(each.bodies) > bodies for each in inputs)
    numbers = inputs[0].shape[1]
    found = ", and are found between the frames before and after" if missing else ""
    said = [
        f"skeletons: {forms}; {len(order.joints)} joints of {numbers} numbers ({name}{shown}{more})",
        "joints: relative to the body and in its size, with velocities; "
        f"{missing:,} of {total:,} were not seen{found}",
    ]
    if several:
        kept = "the one that moves most is" if bodies == 1 else f"the {bodies} that move most are"
        there = f"more than {bodies} in {counted(several, 'recordings')}"
        said.append(f"bodies: {there}; {kept} kept (`bodies`)")
    if rate:
        said.append(f"rate: {rate:g} frames a second, by the times of the recordings (`joint_rate`)")
    return said
