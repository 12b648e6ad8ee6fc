"""Skeletons in JSON: OpenPose, a file a frame; mmskeleton, a file a clip; landmarks as MediaPipe has them."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bptt.data.examples import Array
from bptt.data.json_text import parse_json
from bptt.data.memory import check_memory
from bptt.data.readers.document import read_document
from bptt.data.skeletons.joint_orders import usual_order
from bptt.data.skeletons.labelled_recording import LabelledRecording
from bptt.data.skeletons.recording import Skeleton, narrowed, recording, tracked
from bptt.data.skeletons.skeleton_signs import FRAME
from bptt.errors import InputError

_BODY = ("pose_keypoints_2d", "pose_keypoints")
# Frames that may lie between two of a clip.
_MOST_MISSING = 100_000


def read_openpose(paths: Sequence[Path]) -> Skeleton:
    """Read the frames of a clip, in the order of their numbers; a frame whose file is missing has no people.

    Joints 0, 0, 0 are missing. People, who come in no order, are followed from frame to frame. Raises
    InputError for a file that is none of OpenPose, and for another number of joints than in the first.
    """
    numbered = sorted((int(match["number"]), path) for path in paths if (match := FRAME.fullmatch(path.name)))
    first, last = numbered[0][0], numbered[-1][0]
    if last - first >= len(numbered) + _MOST_MISSING:
        raise InputError(str(numbered[-1][1]), "must number the frames of one clip", last)
    frames: list[list[Array]] = [[] for _ in range(last - first + 1)]
    joints = 0
    for number, path in numbered:
        for values in _people(path):
            joints = joints or len(values)
            if len(values) != joints:
                raise InputError(str(path), f"must have {joints} joints as the frames before", len(values))
            frames[number - first].append(values)
    place = str(numbered[0][1])
    bodies = tracked(frames, joints or 25, 2, place)
    return recording(bodies, usual_order(joints or 25, 2), "OpenPose", place, True)


def _people(path: Path) -> list[Array]:
    found = _parsed(path)
    if not isinstance(found, dict) or not isinstance(found.get("people"), list):
        raise InputError(str(path), "must be an object with a list of people", _shown(found))
    return [_triples(person, path) for person in found["people"]]


def _triples(person: Any, path: Path) -> Array:
    """Return the places (J, 2) of x, y, confidence by joint."""
    flat = (
        next((person[name] for name in _BODY if name in person), None) if isinstance(person, dict) else None
    )
    values = _array(flat, path)
    if values.ndim != 1 or not values.size or values.size % 3:
        rule = "a person's pose_keypoints_2d are x, y, confidence of each joint"
        raise InputError(str(path), rule, f"{values.size} numbers")
    return _seen(values.reshape(-1, 3))


def _seen(values: Array) -> Array:
    """Return x, y for x, y, confidence (..., 3); NaN where the confidence is 0 or NaN, or x and y are 0."""
    seen = (values[..., 2] > 0) & (values[..., :2] != 0).any(-1)
    return np.where(seen[..., None], values[..., :2], np.nan).astype(np.float32)


def read_json(path: Path) -> LabelledRecording:
    """Read a file of one clip: mmskeleton's annotations, or frames of landmarks with x, y, z.

    Raises InputError for another structure.
    """
    found = _parsed(path)
    if isinstance(found, dict) and isinstance(found.get("annotations"), list):
        return _mmskeleton(found, path)
    frames = _frames(found)
    if frames is None:
        cure = "Save it as OpenPose, mmskeleton, CSV or .npy"
        raise InputError(str(path), "must hold frames of landmarks with x, y", _shown(found), cure)
    return LabelledRecording(_landmarks(frames, path))


def _mmskeleton(found: Mapping[str, Any], path: Path) -> LabelledRecording:
    """Read `annotations` of frame_index, person_id and keypoints [x, y, score]; category_id is the label."""
    people: dict[int, dict[Any, Array]] = {}
    joints = 0
    for number, each in enumerate(found["annotations"]):
        place = f"{path}: annotations[{number}]"
        if not isinstance(each, dict) or not isinstance(each.get("frame_index"), int):
            raise InputError(place, "must have a frame_index and keypoints", _shown(each))
        values = _array(each.get("keypoints"), path)
        if values.ndim != 2 or values.shape[1] not in (2, 3):
            raise InputError(
                place, "keypoints are [x, y, score] of each joint", _shown(each.get("keypoints"))
            )
        joints = joints or len(values)
        if len(values) != joints:
            raise InputError(place, f"must have {joints} joints as those before", len(values))
        here = people.setdefault(each["frame_index"], {})
        # As text: a stranger's may be a list.
        person = str(each.get("person_id", each.get("id", len(here))))
        here[person] = _seen(values) if values.shape[1] == 3 else values
    if not people:
        raise InputError(str(path), "must have a frame at least", "0 frames", "Leave the recording out")
    first, last = min(people), max(people)
    if last - first >= len(people) + _MOST_MISSING:
        raise InputError(str(path), "must number the frames of one clip", last)
    frames = [list(people.get(t, {}).values()) for t in range(first, last + 1)]
    skeleton = recording(
        tracked(frames, joints, 2, str(path)), usual_order(joints, 2), "mmskeleton", str(path), pixels=True
    )
    label = found.get("category_id", found.get("category"))
    return LabelledRecording(skeleton, None if label is None else str(label))


def _frames(found: Any) -> list[Any] | None:
    """Return the frames of landmarks in a structure: a list of lists, or of objects that hold one list."""
    if isinstance(found, dict):
        found = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(found, list) or not found:
        return None
    frames = [_list_in(each) for each in found]
    shown = next((frame for frame in frames if frame), None)
    if shown is None or not isinstance(shown[0], dict) or not {"x", "y"} <= shown[0].keys():
        return None
    return None if None in frames else frames


def _list_in(frame: Any) -> list[Any] | None:
    """Return the list of a frame, [] if it is null: nobody was seen; None if it is no list."""
    if isinstance(frame, dict):
        frame = next((value for value in frame.values() if isinstance(value, list)), None)
    if isinstance(frame, list) and frame and isinstance(frame[0], list):
        frame = frame[0]
    return frame or [] if isinstance(frame, list | None) else None


def _landmarks(frames: Sequence[Any], path: Path) -> Skeleton:
    count = max(map(len, frames))
    dimensions = (
        3 if any(isinstance(mark, dict) and "z" in mark for frame in frames for mark in frame[:1]) else 2
    )
    # A frame of many joints counts for all others, which may be empty.
    check_memory(str(path), 3 * 4 * len(frames) * count * dimensions)
    values = np.full((1, len(frames), count, dimensions), np.nan, np.float32)
    for t, frame in enumerate(frames):
        if frame and len(frame) != count:
            raise InputError(f"{path}: frame {t}", f"must have {count} joints as the others", len(frame))
        for j, mark in enumerate(frame):
            numbers = [mark.get(axis) for axis in "xyz"[:dimensions]] if isinstance(mark, dict) else []
            if all(isinstance(number, int | float) for number in numbers) and numbers:
                values[0, t, j] = _array(numbers, path)
    return recording(values, usual_order(count, dimensions), "landmarks in JSON", str(path), pixels=True)


def _parsed(path: Path) -> Any:
    return parse_json(read_document(path).text, str(path), "must be JSON")


def _array(found: Any, path: Path) -> Array:
    try:
        return narrowed(found)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(str(path), "keypoints must be numbers, alike for each joint", error) from error


def _shown(found: Any) -> str:
    return reprlib.repr(found)[:60]
