"""Clips: folders of pictures, animated pictures, arrays, a video; and the lists that name clips."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from bptt.data.clips.clip import Clip
from bptt.data.clips.frame_options import FrameShape
from bptt.data.readers.clip_lists import read_clip_list
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError
from soak.damage import damage
from soak.target import Target
from soak.targets.arrays import reheaded, saved
from soak.targets.folders import Tree, damaged_tree, write_tree
from soak.targets.readers import check_sound

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 8, 10, 3), np.uint8)
SHAPE = FrameShape(8)
MODES = ("RGB", "L", "RGBA", "P", "1", "CMYK", "I;16")


def picture(form: str, mode: str = "RGB", **more: object) -> bytes:
    """A picture in a format."""
    file = io.BytesIO()
    image = Image.fromarray(PICTURES[0])
    image = Image.fromarray(PICTURES[0, ..., 0].astype(np.uint16)) if mode == "I;16" else image.convert(mode)
    image.save(file, form, **more)
    return file.getvalue()


def animated(form: str) -> bytes:
    """All pictures in a file."""
    file = io.BytesIO()
    first, *rest = map(Image.fromarray, PICTURES)
    first.save(file, form, save_all=True, append_images=rest, duration=40)
    return file.getvalue()


STILL = (
    *(picture("PNG", mode) for mode in MODES if mode != "CMYK"),
    *(picture("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
    *(picture("TIFF", mode) for mode in MODES),
    *(picture(form) for form in ("BMP", "PPM", "WEBP")),
    picture("TIFF", compression="tiff_lzw"),
)
MOVING = tuple(animated(form) for form in ("GIF", "WEBP", "PNG"))
LISTS: tuple[Tree, ...] = (
    {"c.txt": b"f/one 2 0\nf/two 1 1\n"},
    {"c.txt": b"a.gif 1\nb.gif 2\n", "classInd.txt": b"1 wave\n2 walk\n"},
    {"c.csv": b"path,label,split\na.gif,wave,train\nb.gif,walk,test\n"},
    {"c.csv": b"label,youtube_id,time_start,time_end,split\nwave,v1,0,1.5,train\nwalk,v2,2,3,train\n"},
)
BESIDE = {
    **{"f/one/1.png": STILL[0], "f/one/2.png": STILL[0], "f/two/1.png": STILL[0]},
    **{"a.gif": MOVING[0], "b.gif": MOVING[0], "v1.mp4": b"x", "v2_000002_000003.mp4": b"x"},
}
FOLDER = {
    **{f"wave/one/img_{n}.png": STILL[0] for n in (1, 2)},
    **{"walk/two/flow_x_1.png": STILL[1], "walk/two/7.png": STILL[1], "walk/a.gif": MOVING[0], "notes": b"x"},
}


def pictures(random: Random) -> tuple[str, bytes]:
    """Pictures of a folder, or that move, of which bytes are damaged."""
    if random.random() < 0.5:
        return "still/1.png", damage(random.choice(STILL), random)
    if random.random() < 0.7:
        return "a.gif", damage(random.choice(MOVING), random)
    made = saved(random.choice((PICTURES, PICTURES[..., 0], PICTURES[..., 0] / 255)))
    return "a.npy", reheaded(made, random) if random.random() < 0.3 else damage(made, random)


def meet_pictures(made: tuple[str, bytes], folder: Path) -> None:
    """Decode every picture."""
    name, data = made
    path = write_tree({name: data}, folder) / name
    shown = 0
    for frame in Clip(path.parent if name.startswith("still") else path).decoded(SHAPE):
        assert frame.picture.shape == (8, 8, SHAPE.channels) and frame.picture.dtype == np.uint8
        assert frame.time is None or np.isfinite(frame.time)
        shown += 1
    assert shown or name == "a.gif"


def lists(random: Random) -> tuple[str, Tree]:
    """A list, damaged, beside the files that it names."""
    tree = dict(random.choice(LISTS))
    name = random.choice(list(tree))
    return next(iter(tree)), {**BESIDE, **tree, name: damage(tree[name], random)}


def meet_list(made: tuple[str, Tree], folder: Path) -> None:
    """Read a list of clips, which are not decoded."""
    name, tree = made
    path = write_tree(tree, folder) / name
    with suppress(InputError):
        check_sound(read_examples(path, detect(path, Columns()).form, Columns()))
    check_sound(read_clip_list(path, Columns()))


def meet_folder(tree: Tree, folder: Path) -> None:
    """Read a folder of clips, which are not decoded."""
    root = write_tree(tree, folder)
    with suppress(InputError):
        detect(root, Columns())
    check_sound(read_examples(root, "clip-folders", Columns()))


def videos(random: Random) -> Iterator[bytes]:
    """Nothing."""
    yield b""


TARGETS = (
    Target("pictures", pictures, meet_pictures, cost=2),
    Target("clip-lists", lists, meet_list, cost=5),
    Target("clip-folders", damaged_tree(FOLDER), meet_folder, cost=5),
)
