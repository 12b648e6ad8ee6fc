"""The one door to Pillow: the pictures of a GIF, and those of a folder, small, one after the other."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from bptt.data.clips.frame_options import FrameShape
from bptt.data.clips.frame_shape import Frame, Picture, check_size, placed
from bptt.data.reading import open_file
from bptt.errors import BpttError, InputError

# It writes what it does not understand of a file to standard error.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Browsers show a picture without a duration, or with hardly any, for a tenth of a second.
_LEAST_DURATION, _USUAL_DURATION = 0.02, 0.1


def animated_frames(path: Path, shape: FrameShape) -> Iterator[Frame]:
    """Yield the pictures of a GIF, WebP or PNG. Raises InputError if it is cut or damaged."""
    time = 0.0
    with open_file(path) as file, _faults(path), Image.open(file) as image:
        for each in ImageSequence.Iterator(image):
            yield Frame(_small(each, shape, str(path)), time)
            duration = float(each.info.get("duration", 0) or 0) / 1000
            time += duration if duration >= _LEAST_DURATION else _USUAL_DURATION


def picture_frames(paths: Iterable[Path], shape: FrameShape) -> Iterator[Frame]:
    """Yield pictures that lie in a file each, in this order. Raises InputError naming one that cannot be read
    or has another size than the first.
    """
    first: tuple[int, int] | None = None
    for path in paths:
        with open_file(path) as file, _faults(path), Image.open(file) as image:
            first = first or image.size
            if image.size != first:
                came = f"{image.width} x {image.height} after {first[0]} x {first[1]}"
                cure = "Scale them, or put each size into a folder of its own"
                raise InputError(str(path), "pictures of one clip have one size", came, cure)
            yield Frame(_small(image, shape, str(path)), None)


def small_picture(picture: Picture, shape: FrameShape, where: str) -> Picture:
    """Return a picture (H, W, 3) of bytes as the shape has it."""
    return _small(Image.fromarray(np.ascontiguousarray(picture)), shape, where)


def _small(image: Image.Image, shape: FrameShape, where: str) -> Picture:
    check_size(where, *image.size)
    inside = _coloured(image).resize(shape.inner(*image.size), Image.Resampling.BOX)
    return placed(shape, np.asarray(inside))


def _coloured(image: Image.Image) -> Image.Image:
    """Return an image in red, green and blue; what shines through is black, 16 bits become 8."""
    if image.mode.startswith("I"):
        levels = np.asarray(image, np.float64) / 257
        return Image.fromarray(levels.clip(0, 255).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        above = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), above).convert("RGB")
    return image.convert("RGB")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Raise InputError for what Pillow raises of a file that is cut, damaged or no picture."""
    # On damaged tags, and on sizes that `check_size` judges. Not for this block alone: a filter of some block
    # is lost, or stays, when several threads decode.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    except BpttError:
        raise
    except Exception as error:
        # Of damaged files: some ten kinds, from struct.error to TypeError.
        raise InputError(
            str(path), "must be a whole picture", error, "Fetch it again, or leave it out"
        ) from error
