"""Clips that tests make: video files, GIF, folders of pictures, arrays."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

Pictures = npt.NDArray[np.uint8]

CODECS = {".mp4": "libx264", ".mkv": "libx264", ".avi": "mpeg4", ".webm": "libvpx"}


def wrapping_square(
    way: int, start: int, top: int, steps: int = 16, size: int = 24, side: int = 5
) -> Pictures:
    """A white square that moves two columns a frame and comes back at the other edge, (T, size, size).

    One frame says nothing of the way, nor does the mean of the frames over all starts.
    """
    frames = np.zeros((steps, size, size), np.uint8)
    for step in range(steps):
        columns = (start + 2 * way * step + np.arange(side)) % size
        frames[step, top : top + side, columns] = 255
    return frames


def write_video(
    path: Path,
    frames: Pictures,
    rate: int = 10,
    *,
    times: Sequence[int] | None = None,
    turn: int = 0,
    pixels: str = "yuv420p",
    codec: str | None = None,
) -> Path:
    """Write frames (T, H, W) or (T, H, W, 3), at `times` in hundredths of a second or `rate` a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec or CODECS[path.suffix], rate=rate)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], pixels
        if turn:
            stream.set_display_rotation(turn)
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for number, picture in enumerate(frames):
            coloured = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(coloured), format="rgb24")
            if times is not None:
                frame.time_base, frame.pts = Fraction(1, 100), times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_gif(path: Path, frames: Pictures, milliseconds: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(picture) for picture in frames]
    images[0].save(path, save_all=True, append_images=images[1:], duration=milliseconds, loop=0)
    return path


def write_pictures(folder: Path, frames: Sequence[Pictures], name: str = "img_{:05d}.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(frames, 1):
        Image.fromarray(picture).save(folder / name.format(number))
    return folder
