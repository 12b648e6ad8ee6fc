"""How files of clips are called, and how they begin."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bptt.data.media import Media
from bptt.deferred import deferred

_NPY, _PNG = b"\x93NUMPY", b"\x89PNG\r\n\x1a\n"
# Endings whose files are tried, whatever they begin with: a cut file is still the user's clip.
ENDINGS = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .gif .mpg .mpeg .flv .wmv .ogv .3gp .npy .y4m .mts .m2ts".split()
)
# A line of TSN and MMAction: a folder of pictures, their number, and the number of the label.
FRAME_LINE = re.compile(r"(?P<path>\S+) +(?P<count>\d{1,9}) +(?P<label>\d+)")
# Columns of the tables of Kinetics.
KINETICS = ("label", "youtube_id", "time_start", "time_end")
MEDIA = Media("clip", ENDINGS, deferred("bptt.data.clips.clip", "Clip"))


def is_npy(start: bytes) -> bool:
    """Return whether a file that begins so is an array of NumPy."""
    return start.startswith(_NPY)


def is_animated(start: bytes) -> bool:
    """Return whether a file that begins so is a GIF, a WebP, a PNG or a JPEG."""
    webp = start.startswith(b"RIFF") and start[8:12] == b"WEBP"
    return webp or start.startswith((b"GIF87a", b"GIF89a", _PNG, b"\xff\xd8\xff"))


def is_kinetics(header: Sequence[str]) -> bool:
    """Return whether a table has the columns of Kinetics."""
    return set(KINETICS) <= {name.strip(' "').casefold() for name in header}
