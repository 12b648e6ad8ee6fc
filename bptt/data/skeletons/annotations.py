"""Skeletons of MMAction2 and PYSKL: a pickle of annotations, with the parts of its splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bptt.data.examples import Array
from bptt.data.readers.grid import part_of
from bptt.data.skeletons.joint_orders import usual_order
from bptt.data.skeletons.labelled_recording import LabelledRecording, label_and_group
from bptt.data.skeletons.plain_pickle import read_plain_pickle
from bptt.data.skeletons.recording import narrowed, recording
from bptt.errors import InputError

_NEEDED = ("keypoint", "label")


def read_annotations(path: Path, split: str | None) -> list[LabelledRecording]:
    """Read `{split: {name: [ids]}, annotations: [{frame_dir, label, keypoint, keypoint_score, ...}]}`, or the
    list alone.

    `keypoint` is (people, T, joints, 2 or 3); joints of zeros, or with a score of 0 or NaN, are missing.
    `split` chooses among several splits by a part of their names, such as xsub. Raises InputError for another
    structure, and for several splits if none is chosen.
    """
    found = read_plain_pickle(path)
    annotations = found.get("annotations") if isinstance(found, dict) else found
    if not isinstance(annotations, list) or not annotations:
        rule = "must hold a list of annotations with a keypoint each"
        raise InputError(str(path), rule, type(found).__name__)
    splits = found.get("split") if isinstance(found, dict) else None
    parts = _parts(splits, split, path) if isinstance(splits, dict) else {}
    rows = [_recording(each, n, path, parts) for n, each in enumerate(annotations)]
    return [row for row in rows if not parts or row.part]


def _recording(each: Any, number: int, path: Path, parts: Mapping[str, str]) -> LabelledRecording:
    place = f"{path}: annotations[{number}]"
    if not isinstance(each, dict) or not all(name in each for name in _NEEDED):
        raise InputError(place, f"must have {' and '.join(_NEEDED)}", type(each).__name__)
    name = _text(each.get("frame_dir", each.get("filename", number)), f"{place}: frame_dir")
    values = _array(each["keypoint"], f"{place}: keypoint")
    scores = _array(each.get("keypoint_score", np.ones(values.shape[:-1])), f"{place}: keypoint_score")
    if values.ndim != 4 or values.shape[-1] not in (2, 3) or scores.shape != values.shape[:3]:
        came = f"{values.shape}, scores {scores.shape}"
        raise InputError(place, "keypoint must be (people, T, joints, 2 or 3), its scores alike", came)
    values[(values == 0).all(-1) | ~(scores > 0)] = np.nan
    flat = values.shape[-1] == 2
    layout = usual_order(values.shape[2], values.shape[3])
    skeleton = recording(values, layout, "MMAction2", place, pixels=flat)
    return LabelledRecording(
        skeleton, _text(each["label"], f"{place}: label"), name, label_and_group(name)[1], parts.get(name, "")
    )


def _array(value: Any, place: str) -> Array:
    # No list: one that holds itself, or another many times, is larger than any file.
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        came = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise InputError(place, "must be an array of numbers", came)
    return np.array(narrowed(value))


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str | int | float | np.number):
        raise InputError(place, "must be a text or a number", type(value).__name__)
    try:
        (text := str(value)).encode()
    except ValueError as error:
        raise InputError(place, "must be a text or a number", error) from error
    return text


def _parts(splits: Mapping[Any, Any], chosen: str | None, path: Path) -> dict[str, str]:
    """Return the part of each example by its name, of the only split or of the one that is chosen."""
    names = [_text(name, f"{path}: split") for name in splits]
    schemes = {name: _scheme(name) for name in names}
    several = sorted(set(schemes.values()))
    if chosen is None and len(several) > 1:
        cure = f"Choose one: `split_column` {several[0]}"
        raise InputError(str(path), "has several splits: one must be chosen", ", ".join(several), cure)
    if chosen is not None and chosen not in several:
        raise InputError("split_column", f"is one of the splits {', '.join(several)}", chosen)
    used: list[str] = [name for name in names if chosen is None or schemes[name] == chosen]
    return {each: part_of(name) or name for name in used for each in _ids(splits, name, path)}


def _ids(splits: Mapping[Any, Any], name: str, path: Path) -> Sequence[str]:
    found, place = next(value for key, value in splits.items() if str(key) == name), f"{path}: split {name}"
    if not isinstance(found, list | tuple) and not (isinstance(found, np.ndarray) and found.ndim == 1):
        raise InputError(place, "must be a list of names", type(found).__name__)
    return [_text(each, place) for each in found]


def _scheme(name: str) -> str:
    """Return the name of a split without that of its part: xsub of xsub_train, 1 of train1."""
    for part in ("training", "train", "validation", "valid", "val", "testing", "test", "dev"):
        if part in name.lower():
            start = name.lower().index(part)
            return (name[:start] + name[start + len(part) :]).strip("_- ")
    return name
