"""Skeletons of every format: columns, NTU, MSR, Florence3D, JSON, arrays, MATLAB, pickles of annotations."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import scipy.io

from bptt.data.readers.grid import Columns
from bptt.data.readers.skeletons import read_skeletons
from bptt.data.skeletons.recording import Skeleton
from bptt.data.skeletons.skeleton_signs import format_of
from soak.damage import damage, damaged
from soak.target import Target
from soak.targets.arrays import reheaded, saved, zipped
from soak.targets.folders import Tree, write_tree
from soak.targets.runs import changed

DRAW = np.random.default_rng(0)
BODY = DRAW.uniform(0.1, 2, (3, 5, 3)).round(2).astype(np.float32)
PICTURE = BODY[:, :, :2] * 100


def lines(rows: np.ndarray) -> str:
    """Rows of numbers between spaces."""
    return "".join(" ".join(f"{number:g}" for number in row) + "\n" for row in rows)


def ntu(bodies: int) -> str:
    """Two frames of NTU RGB+D with 25 joints each."""
    rows = np.concatenate([DRAW.uniform(0.1, 2, (25, 11)).round(2), np.full((25, 1), 2)], 1)
    body = "7205 0 1 1 1 1 0 0.01 -0.02 2\n25\n" + lines(rows)
    return f"2\n{bodies}\n" + body * bodies + "1\n" + body


TEXTS = {
    "a.csv": (
        "nose_x,nose_y,left_x,left_y,right_x,right_y\n1,2,3,4,5,6\n1.5,,3,4,5,6\n",
        "timestamp_ms,x1,y1,v1,x2,y2,v2,x3,y3,v3\n1700000000000,1,2,.9,3,4,.9,5,6,.05\n"
        "1700000000040,1,2,.9,,4,.9,5,6,1\n",
        "1\t2\t3\t4\t5\t6\n1\t2\t3\t4\t5\t7\n",
    ),
    "S001C001P001R001A001.skeleton": (ntu(1), ntu(2)),
    "a05_s02_e01_skeleton.txt": (lines(DRAW.uniform(0.1, 2, (40, 4)).round(2)),),
    "florence.txt": (
        "".join(f"{n} 1 4 " + lines(DRAW.uniform(0.1, 2, (1, 45)).round(1)) for n in (1, 1, 2)),
    ),
}
FLAT = np.concatenate([PICTURE[0], np.ones((5, 1))], 1).ravel().tolist()
OPENPOSE = {"version": 1.3, "people": [{"pose_keypoints_2d": FLAT}, {"pose_keypoints": FLAT[::-1]}]}
JSONS: tuple[Any, ...] = (
    {
        "category_id": 3,
        "annotations": [
            {"frame_index": n, "person_id": p, "keypoints": [[*place, 0.9] for place in PICTURE[n].tolist()]}
            for n in range(3)
            for p in (0, 1)
        ],
    },
    [[{"x": 0.1 * j, "y": 0.2, "z": n, "visibility": 1} for j in range(5)] for n in range(3)] + [None],
    {"frames": [{"landmarks": [[{"x": 0.5, "y": 0.1 * j} for j in range(4)]]} for _ in range(2)]},
)
MEMBERS: tuple[dict[str, bytes], ...] = (
    {"skeleton": saved(BODY)},
    {"X": saved(np.stack([BODY, BODY])), "y": saved(["a", "b"]), "lengths": saved([3, 2])},
)
ANNOTATIONS = {
    "split": {"xsub_train": ["S1", "S2"], "xsub_val": ["S3"]},
    "annotations": [
        {
            "frame_dir": f"S{n}",
            "label": n % 2,
            "keypoint": PICTURE[None].astype(np.float16),
            "keypoint_score": np.ones((1, 3, 5), np.float16),
        }
        for n in (1, 2, 3)
    ],
}


def texts(random: Random) -> tuple[str, bytes]:
    """A text under the name that its format has."""
    name = random.choice(list(TEXTS))
    return name, damage(random.choice(TEXTS[name]).encode(), random)


def jsons(random: Random) -> tuple[str, bytes]:
    """A file of JSON with damaged bytes or another value."""
    value = json.loads(json.dumps(random.choice(JSONS)))
    if random.random() < 0.4:
        return "a.json", damage(json.dumps(value).encode(), random)
    return "a.json", json.dumps(changed(value, random)).encode()


def frames(random: Random) -> Tree:
    """The frames of OpenPose, of which one has another value, another name, or is damaged."""
    tree = {f"clip_{n:012d}_keypoints.json": json.dumps(OPENPOSE).encode() for n in (4, 5, 7)}
    name = random.choice(list(tree))
    chance = random.random()
    if chance < 0.5:
        tree[name] = json.dumps(changed(json.loads(tree[name]), random)).encode()
    elif chance < 0.8:
        tree[name] = damage(tree[name], random)
    else:
        other = random.choice(
            ("clip_999_keypoints.json", "5_keypoints.json", f"clip_{'9' * 99}_keypoints.json")
        )
        tree[other] = tree.pop(name)
    return tree


def arrays(random: Random) -> tuple[str, bytes]:
    """An array, or an archive of some, damaged outside or inside."""
    if random.random() < 0.3:
        made = saved(random.choice((BODY, BODY.reshape(3, 15), BODY.astype(np.float64))))
        return "a.npy", reheaded(made, random) if random.random() < 0.3 else damage(made, random)
    members = dict(random.choice(MEMBERS))
    if random.random() < 0.3:
        return "a.npz", damage(zipped(members, random.random() < 0.5), random)
    name = random.choice(list(members))
    members[name] = (
        damage(members[name], random) if random.random() < 0.7 else reheaded(members[name], random)
    )
    return "a.npz", zipped(members, random.random() < 0.5)


def matlab() -> list[bytes]:
    """The array of UTD-MHAD."""
    files = []
    for packed in (True, False):
        file = io.BytesIO()
        scipy.io.savemat(file, {"d_skel": DRAW.uniform(0.1, 2, (20, 3, 3))}, do_compression=packed)
        files.append(file.getvalue())
    return files


def named(name: str, valid: list[bytes]) -> Callable[[Random], tuple[str, bytes]]:
    """A maker of damaged files of a name."""
    make = damaged(valid)
    return lambda random: (name, make(random))


def meet(made: tuple[str, bytes], folder: Path) -> None:
    """Read a file by its name and by what it shows."""
    name, data = made
    check(write_tree({name: data}, folder) / name)


def meet_folder(made: Tree, folder: Path) -> None:
    """Read a folder."""
    check(write_tree(made, folder))


def check(path: Path) -> None:
    """Bodies are seen somewhere, and finite there."""
    if path.is_file():
        format_of(path)
    found = read_skeletons(path, Columns(labelled=False))
    assert len(found)
    for row in found.rows:
        assert isinstance(row.input, Skeleton)
        bodies = row.input.bodies
        assert bodies.ndim == 4 and bodies.size and not np.isinf(bodies).any() and np.isfinite(bodies).any()
        f"{row.target}{row.name}{row.group}".encode()


TARGETS = (
    Target("skeleton-texts", texts, meet, cost=2),
    Target("skeleton-json", jsons, meet, cost=2),
    Target("skeleton-frames", frames, meet_folder, cost=8),
    Target("skeleton-arrays", arrays, meet, cost=4),
    Target("skeleton-mat", named("a21_s7_t3_skeleton.mat", matlab()), meet, cost=4),
    Target("skeleton-pickle", named("a.pkl", [pickle.dumps(ANNOTATIONS, p) for p in (2, 4)]), meet, cost=2),
)
