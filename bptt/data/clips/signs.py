"""How files of clips are called, and how they begin."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bptt.data.media import Media
from bptt.deferred import deferred

_NPY, _PNG = b"\x93NUMPY", b"\x89PNG\r\n\x1a\n"
_STARTS = (
    b"\x1a\x45\xdf\xa3",  # Matroska and WebM
    b"FLV\x01",
    b"OggS",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # WMV, ASF
    b"YUV4MPEG2 ",
)
# Boxes that may come first in MP4 and QuickTime, behind their size.
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# MPEG transport stream: a packet of 188 bytes; `_TS` alone would be a G.
_TS = re.compile(rb"G[\x40-\x5f\x00-\x1f][\x00-\xff][\x10-\x3f]")
# Endings whose files are tried, whatever they begin with: a cut file is still the user's clip.
ENDINGS = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .gif .mpg .mpeg .flv .wmv .ogv .3gp .npy .y4m".split()
)
# A line of TSN and MMAction: a folder of pictures, their number, and the number of the label.
FRAME_LINE = re.compile(r"(?P<path>\S+) +(?P<count>\d+) +(?P<label>\d+)")
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


def is_video(start: bytes) -> bool:
    """Return whether a file that begins so is a video."""
    avi = start.startswith(b"RIFF") and start[8:12] == b"AVI "
    return avi or start[4:8] in _BOXES or start.startswith(_STARTS) or bool(_TS.match(start))


def is_clip(start: bytes) -> bool:
    """Return whether a file that begins so is a video or a GIF."""
    return is_video(start) or start.startswith((b"GIF87a", b"GIF89a"))


def is_kinetics(header: Sequence[str]) -> bool:
    """Return whether a table has the columns of Kinetics."""
    return set(KINETICS) <= {name.strip(' "').casefold() for name in header}
