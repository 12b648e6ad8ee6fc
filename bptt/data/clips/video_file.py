"""The one door to PyAV: the pictures of a video file, small, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bptt.data.clips.frame_options import FrameShape
from bptt.data.clips.frame_shape import Frame, check_size, placed
from bptt.data.reading import open_file
from bptt.errors import InputError, MachineError

try:
    import av
    import av.error
except ImportError:
    av = None

_WHOLE = "Fetch or convert it again, or leave it out"


def video_frames(path: Path, shape: FrameShape) -> Iterator[Frame]:
    """Yield the pictures of a video file as they are shown: turned as its metadata say.

    The numbers of frames and frames a second in its header are not used: they are often wrong. Raises
    InputError if PyAV is not installed, or the file is no whole video; then the pictures before the fault
    were yielded.
    """
    if av is None:
        cure = "Install it: pip install 'bptt[video]', or give GIF files or folders of pictures"
        raise MachineError(str(path), "reading video needs PyAV", "no such package", cure)
    with open_file(path) as file, _faults(str(path)), av.open(file, metadata_errors="ignore") as container:
        streams = [each for each in container.streams.video if not _is_cover(each)]
        if not streams:
            raise InputError(str(path), "must hold pictures", "a file without a stream of them", _WHOLE)
        # Workers decode several clips at once already.
        streams[0].codec_context.thread_count = 1
        for frame in container.decode(streams[0]):
            yield _small(frame, streams[0].sample_aspect_ratio, shape, str(path))


def _is_cover(stream: Any) -> bool:
    """Return whether a stream is the picture on the cover of a recording."""
    return "attached_pic" in str(getattr(stream.disposition, "name", "") or "").lower()


def _small(frame: Any, aspect: Any, shape: FrameShape, where: str) -> Frame:
    check_size(where, frame.width, frame.height)
    # Pixels that are no squares, as on DVDs.
    width, height = shape.inner(frame.width * float(aspect or 1), frame.height)
    inside = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()
    # In degrees, counter-clockwise; PyAV gives the picture unturned.
    turned = np.rot90(inside, k=round(getattr(frame, "rotation", 0) / 90))
    return Frame(placed(shape, turned), None if frame.pts is None else float(frame.pts * frame.time_base))


@contextmanager
def _faults(where: str) -> Iterator[None]:
    """Raise InputError for what PyAV raises of a file that is cut, damaged or no video."""
    try:
        yield
    except av.error.FFmpegError as error:
        rule = "must be a whole video file: cut ones lack their index or end inside of a picture"
        raise InputError(where, rule, error.strerror or error, _WHOLE) from error
    except (ValueError, IndexError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(where, "must be a video file", error, _WHOLE) from error
