"""A made figure of 15 joints that waves or walks, and files of it in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bptt.data.skeletons.joint_orders import JOINT_ORDERS

# x, y up, z of each joint of `florence15`, standing.
_STANDING = {
    "head": (0, 1.7, 0),
    "neck": (0, 1.5, 0),
    "spine": (0, 1.2, 0),
    "shoulder": (0.2, 1.45, 0),
    "elbow": (0.3, 1.2, 0),
    "wrist": (0.32, 0.95, 0),
    "hip": (0.12, 1.0, 0),
    "knee": (0.13, 0.55, 0),
    "ankle": (0.13, 0.1, 0),
}


def figure(action: str, seed: int, frames: int = 24) -> np.ndarray:
    """A figure (T, 15, 3) that waves with its left hand, or walks; speed, size and place are drawn."""
    draw = np.random.default_rng(seed)
    places = []
    for name in JOINT_ORDERS["florence15"]:
        side, _, part = name.rpartition("_")
        x, y, z = _STANDING[part]
        places.append((-x if side == "right" else x, y, z))
    body = np.repeat(np.array(places, float)[None], frames, 0)
    angle = np.arange(frames) * draw.uniform(0.4, 0.6) + draw.uniform(0, 6)
    at = {name: n for n, name in enumerate(JOINT_ORDERS["florence15"])}
    if action == "wave":
        body[:, at["left_elbow"]] += [0.1, 0.2, 0]
        body[:, at["left_wrist"]] += np.stack([0.2 * np.sin(angle), np.full(frames, 0.8), 0 * angle], 1)
    else:
        for side, sign in (("left", 1), ("right", -1)):
            for part, far in (("knee", 0.2), ("ankle", 0.4), ("wrist", -0.2)):
                body[:, at[f"{side}_{part}"], 2] += sign * far * np.sin(angle)
        body[..., 2] += 0.03 * np.arange(frames)[:, None]
    body = body * draw.uniform(0.9, 1.1) + draw.uniform(-1, 1, 3) + draw.normal(0, 0.005, body.shape)
    return body.astype(np.float32)


def write_csv(path: Path, body: np.ndarray) -> Path:
    """Write a frame a row under the names of the joints."""
    names = [f"{joint}_{axis}" for joint in JOINT_ORDERS["florence15"] for axis in "xyz"]
    lines = [",".join(names), *(",".join(f"{v:.4f}" for v in frame.ravel()) for frame in body)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def class_folders(folder: Path, each: int = 6) -> Path:
    """Write a folder of waving and walking figures by the subjects p1, p2 and p3."""
    for label in ("wave", "walk"):
        for n in range(each):
            write_csv(folder / label / f"p{n % 3 + 1}_{n}.csv", figure(label, n, 16 + n))
    return folder


def write_openpose(folder: Path, people: list[list[np.ndarray]], first: int = 0) -> Path:
    """Write the people of each frame, (J, 2) each, as OpenPose does; NaN is 0, 0, 0."""
    folder.mkdir(parents=True, exist_ok=True)
    for t, persons in enumerate(people):
        found: list[dict[str, Any]] = []
        for person in persons:
            seen = ~np.isnan(person[:, :1])
            flat = np.concatenate([np.nan_to_num(person), 0.9 * seen], 1)
            found.append({"person_id": [-1], "pose_keypoints_2d": flat.ravel().tolist()})
        content = {"version": 1.3, "people": found}
        (folder / f"clip_{first + t:012d}_keypoints.json").write_text(json.dumps(content))
    return folder


def write_ntu(path: Path, bodies: list[dict[int, np.ndarray]], tracked: np.ndarray | None = None) -> Path:
    """Write frames of bodies, (25, 3) each by id, as NTU RGB+D does; `tracked` (25,) is the state."""
    lines = [str(len(bodies))]
    for frame in bodies:
        lines.append(str(len(frame)))
        for number, body in frame.items():
            lines += [f"{number} 0 1 1 1 1 0 0.01 -0.02 2", "25"]
            states = np.full(25, 2) if tracked is None else tracked
            for (x, y, z), state in zip(body, states, strict=True):
                lines.append(f"{x:.4f} {y:.4f} {z:.4f} 277 191 1036 519 -0.2 0.0 0.9 -0.1 {state}")
    path.write_text("\n".join(lines) + "\n")
    return path
