"""A long clip while it is read: its last seconds, again and again, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from bptt.data.clips.clip import Clip
from bptt.data.clips.frame_options import FrameShape
from bptt.data.clips.frame_shape import Picture

# Windows begin this share of their length after each other.
_HOP = 0.25


def clip_windows(
    clip: Clip, shape: FrameShape, rate: float, seconds: float
) -> Iterator[tuple[float, Picture]]:
    """Yield the last pictures of a clip, `seconds` of them at `rate` a second, and the second at which each
    window ends: first when there are enough, then every quarter of the window, and at the end of the clip.

    A clip whose times are unknown is taken for one of this rate. Raises InputError if it cannot be read.
    """
    rate = rate or 1.0
    length = max(1, round(seconds * rate))
    hop, waiting, time = max(1, round(length * _HOP)), 0, 0.0
    held: deque[Picture] = deque(maxlen=length)
    for number, picture in enumerate(_sampled(clip, shape, rate)):
        held.append(picture)
        time, waiting = (number + 1) / rate, waiting + 1
        if len(held) == length and (waiting >= hop or number + 1 == length):
            waiting = 0
            yield time, np.stack(held)
    if held and waiting:
        yield time, np.stack(held)


def _sampled(clip: Clip, shape: FrameShape, rate: float) -> Iterator[Picture]:
    """Yield the picture that is shown at each of the times 0, 1 / rate, ... as they are decoded."""
    shown: Picture | None = None
    first, due = 0.0, 0
    for frame in clip.decoded(shape):
        if frame.time is None:
            yield frame.picture
            continue
        if shown is None:
            first = frame.time
        # A picture that is due within a thousandth of a second is shown: times are rounded.
        while shown is not None and due / rate + 1e-3 < frame.time - first:
            yield shown
            due += 1
        shown = frame.picture
    if shown is not None:
        yield shown
