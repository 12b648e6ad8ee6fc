"""Folders whose pictures are a clip, in the order of their numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bptt.errors import InputError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp"})

# The last number of a name is that of the picture: img_00001, cam2_17, 0003.
_NUMBERED = re.compile(r"(?P<name>.*?)(?P<number>\d+)(?P<rest>\D*)")
# The motion along x and along y, which two-stream networks read beside the pictures.
_FLOW = "flow"


class Pictures(NamedTuple):
    """The pictures of a folder in order, and lines for the user on what was left out."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def is_picture(path: Path) -> bool:
    """Return whether the name of a file is that of a picture."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def is_frame_folder(folder: Path) -> bool:
    """Return whether a folder holds pictures with numbers, and no other folders."""
    if not folder.is_dir():
        return False
    seen = [path for path in folder.iterdir() if not path.name.startswith(".")]
    found = [path for path in seen if is_picture(path)]
    return bool(found) and not any(path.is_dir() for path in seen) and all(map(_numbered, found))


def pictures_of(folder: Path) -> Pictures:
    """Return the pictures of a folder, ordered by number: 2.png comes before 10.png.

    Pictures of motion, such as flow_x_00001.jpg, are left out. Raises InputError if there are no pictures,
    one has no number, two have the same, or there are several series.
    """
    series: defaultdict[str, list[tuple[int, Path]]] = defaultdict(list)
    for path in sorted(each for each in folder.iterdir() if is_picture(each)):
        found = _numbered(path)
        if found is None:
            cure = "Number them in their order: img_00001.jpg"
            raise InputError(str(path), "pictures of a clip are named by their numbers", path.name, cure)
        series[found["name"]].append((int(found["number"]), path))
    left_out = [name for name in series if name.casefold().startswith(_FLOW)]
    kept = [name for name in series if name not in left_out] or left_out
    if len(kept) != 1:
        came = ", ".join(f"{name}…" for name in sorted(kept)) or "none"
        raise InputError(
            str(folder), "must hold one series of pictures", came, "Give each a folder of its own"
        )
    ordered = sorted(series[kept[0]])
    for (number, path), (following, other) in pairwise(ordered):
        if number == following:
            came = f"{path.name} and {other.name}"
            raise InputError(str(folder), "pictures of a clip have different numbers", came, "Remove one")
    gone = sum(len(series[name]) for name in left_out if name not in kept)
    notes = (f"pictures of motion ({_FLOW}…) left out: {gone:,}",) if gone else ()
    return Pictures(tuple(path for _, path in ordered), notes)


def _numbered(path: Path) -> re.Match[str] | None:
    return _NUMBERED.fullmatch(path.stem)
