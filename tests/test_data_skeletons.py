"""Skeletons of every format: the places of joints come back; broken files are refused by name."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stick_figures import class_folders, figure, write_csv, write_ntu, write_openpose

from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns, Naming
from bptt.data.skeletons.formats import RecordingFiles, read_source
from bptt.data.skeletons.joint_orders import JOINT_ORDERS, JointOrder, known_order
from bptt.data.skeletons.skeleton_signs import format_of
from bptt.errors import BpttError, InputError

DRAW = np.random.default_rng(0)


def only(path: Path) -> Any:
    (found,) = read_source(RecordingFiles(path))
    return found


def test_columns_by_name(tmp_path: Path) -> None:
    body = figure("walk", 1)
    path = write_csv(tmp_path / "a.csv", body)
    found = only(path).skeleton
    assert format_of(path) == "columns"
    assert found.layout == known_order("florence15")
    assert np.allclose(found.bodies[0], body, atol=1e-4) and found.times is None


def test_columns_with_times_scores_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(
        "timestamp_ms,x1,y1,v1,x2,y2,v2,x3,y3,v3\n"
        "1700000000000,1,2,.9,3,4,.9,5,6,.05\n1700000000040,1,2,.9,,4,.9,5,6,1\n"
    )
    found = only(path).skeleton
    assert np.allclose(np.diff(found.times), 0.04, atol=1e-6)
    seen = [[True, True, False], [True, False, True]]
    assert np.array_equal(~np.isnan(found.bodies[0, ..., 0]), seen)


def test_openpose_follows_people_and_keeps_gaps(tmp_path: Path) -> None:
    still, moving = DRAW.uniform(100, 200, (25, 2)), DRAW.uniform(300, 400, (25, 2))
    steps = [moving + np.array([5.0 * t, 0]) for t in range(6)]
    steps[2][4] = np.nan
    # People come in no order, and the file of a frame is missing.
    people = [[still, each] if t % 2 else [each, still] for t, each in enumerate(steps)]
    folder = write_openpose(tmp_path / "clip", people, first=7)
    (folder / "clip_000000000010_keypoints.json").unlink()
    (row,) = read_examples(folder, detect(folder, Columns()).form, Columns(labelled=False)).rows
    found = row.input
    assert found.layout.name == "openpose25" and found.pixels and len(found.bodies) == 2
    wanted = np.stack(steps)
    wanted[3] = np.nan
    assert np.allclose(found.bodies[0], wanted, atol=1e-3, equal_nan=True)


def test_ntu_bodies_states_and_name(tmp_path: Path) -> None:
    first, second = DRAW.normal(size=(5, 25, 3)), DRAW.normal(size=(5, 25, 3)) * 3
    states = np.array([2] * 20 + [1] * 4 + [0])
    frames = [{72: first[t], 99: second[t]} if t else {72: first[t]} for t in range(5)]
    path = write_ntu(tmp_path / "S001C002P003R002A013.skeleton", frames, states)
    found = only(path)
    assert format_of(path) == "ntu" and (found.label, found.group) == ("A013", "P003")
    bodies = found.skeleton.bodies
    assert bodies.shape == (2, 5, 25, 3)
    # The one that moves most is first.
    assert np.isnan(bodies[0, 0]).all() and np.allclose(bodies[0, 1:, :24], second[1:, :24], atol=1e-4)
    assert np.allclose(bodies[1, :, :24], first[:, :24], atol=1e-4) and np.isnan(bodies[:, :, 24]).all()


def test_utd_mhad(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    skeleton = DRAW.normal(size=(20, 3, 7))
    path = tmp_path / "a21_s7_t3_skeleton.mat"
    scipy_io.savemat(path, {"d_skel": skeleton})
    found = only(path)
    assert (found.label, found.group) == ("a21", "s7")
    assert found.skeleton.layout.joints[:4] == ("head", "shoulder_center", "spine", "hip_center")
    # Joint 5, coordinate y, frame 6.
    assert np.isclose(found.skeleton.bodies[0, 6, 5, 1], skeleton[5, 1, 6])


def test_msr_action_and_florence(tmp_path: Path) -> None:
    values = DRAW.normal(size=(3, 20, 3))
    path = tmp_path / "a05_s02_e01_skeleton.txt"
    path.write_text("".join("{:.4f} {:.4f} {:.4f} 1\n".format(*row) for row in values.reshape(-1, 3)))
    found = only(path)
    assert (found.label, found.group) == ("a05", "s02")
    assert np.allclose(found.skeleton.bodies[0], values, atol=1e-4)
    bodies = [figure("wave", n, 5) for n in range(3)]
    rows = [(1, 1, 4, bodies[0]), (2, 1, 7, bodies[1]), (3, 2, 4, bodies[2])]
    text = [f"{v} {a} {c} " + " ".join(map(str, f.ravel())) for v, a, c, body in rows for f in body]
    path = tmp_path / "Florence_dataset_WorldCoordinates.txt"
    path.write_text("\n".join(text) + "\n")
    several = read_source(RecordingFiles(path))
    assert [(each.label, each.group) for each in several] == [
        ("4", "actor 1"),
        ("7", "actor 1"),
        ("4", "actor 2"),
    ]
    assert np.allclose(several[1].skeleton.bodies[0], bodies[1], atol=1e-5)


def pyskl(split: dict[str, list[str]]) -> dict[str, Any]:
    made = [
        {
            "frame_dir": f"S001C001P00{n}R001A00{n % 2 + 1}",
            "label": n % 2,
            "img_shape": (1080, 1920),
            "total_frames": 4 + n,
            "keypoint": DRAW.uniform(1, 9, (1, 4 + n, 17, 2)).astype(np.float16),
            "keypoint_score": np.ones((1, 4 + n, 17), np.float16),
        }
        for n in range(1, 5)
    ]
    return {"split": split, "annotations": made}


def test_annotations_in_a_pickle_and_their_splits(tmp_path: Path) -> None:
    content = pyskl({})
    names = [each["frame_dir"] for each in content["annotations"]]
    content["split"] = {"xsub_train": names[:3], "xsub_val": names[3:], "xview_train": names, "xview_val": []}
    content["annotations"][0]["keypoint_score"][0, 1, 5] = 0
    path = tmp_path / "ntu.pkl"
    path.write_bytes(pickle.dumps(content))
    assert detect(path, Columns()).form == "skeleton"
    with pytest.raises(InputError, match=r"has several splits.*got xsub, xview"):
        read_examples(path, "skeleton", Columns())
    found = read_examples(path, "skeleton", Columns(naming=Naming(part="xsub")))
    assert [row.part for row in found.rows] == ["train"] * 3 + ["dev"]
    assert [row.target for row in found.rows] == ["1", "0", "1", "0"]
    assert [row.group for row in found.rows] == ["P001", "P002", "P003", "P004"]
    first = found.rows[0].input
    assert first.layout.name == "coco17" and np.isnan(first.bodies[0, 1, 5]).all()
    assert np.isnan(first.bodies).sum() == 2


def test_mmskeleton_and_landmarks_in_json(tmp_path: Path) -> None:
    places = DRAW.uniform(1, 9, (4, 18, 2))
    content = {
        "info": {"num_keypoints": 18},
        "annotations": [
            {"frame_index": t, "person_id": 0, "keypoints": [[*xy, 0.9] for xy in places[t].tolist()]}
            for t in (2, 0, 1, 3)
        ],
        "category_id": 5,
    }
    path = tmp_path / "clip.json"
    path.write_text(json.dumps(content))
    found = only(path)
    assert found.label == "5" and np.allclose(found.skeleton.bodies[0], places, atol=1e-5)
    marks = [[{"x": 0.5, "y": 0.1 * n, "z": 0, "visibility": 1} for n in range(33)], None]
    path.write_text(json.dumps(marks))
    landmarks = only(path).skeleton
    assert landmarks.layout.name == "mediapipe33" and landmarks.pixels
    assert np.isnan(landmarks.bodies[0, 1]).all() and not np.isnan(landmarks.bodies[0, 0]).any()


def test_arrays(tmp_path: Path) -> None:
    body = figure("wave", 3, 6)
    padded = np.concatenate([body, np.zeros((4, 15, 3), np.float32)])
    np.save(tmp_path / "a.npy", padded)
    assert format_of(tmp_path / "a.npy") == "npy"
    assert np.array_equal(only(tmp_path / "a.npy").skeleton.bodies[0], body)
    np.save(tmp_path / "flat.npy", body.reshape(6, -1))
    assert np.array_equal(only(tmp_path / "flat.npy").skeleton.bodies[0], body)
    np.savez(tmp_path / "many.npz", X=np.stack([body, body[::-1]]), y=np.array(["a", "b"]), lengths=[6, 4])
    assert detect(tmp_path / "many.npz", Columns()).form == "skeleton"
    found = read_examples(tmp_path / "many.npz", "skeleton", Columns())
    assert found.targets == ("a", "b") and [len(each) for each in found.inputs] == [6, 4]
    # Pictures, series and features are none.
    np.save(tmp_path / "clip.npy", np.zeros((5, 8, 3), np.uint8))
    np.savez(tmp_path / "series.npz", X=np.zeros((5, 8, 3)))
    assert detect(tmp_path / "a.npy", Columns()).form == "skeleton"
    assert format_of(tmp_path / "clip.npy") is None and format_of(tmp_path / "series.npz") is None


def test_folders_of_arrays_of_joints_are_no_clips(tmp_path: Path) -> None:
    for label in ("walk", "wave"):
        (tmp_path / label).mkdir()
        np.save(tmp_path / label / "p1.npy", figure(label, 1, 9))
    assert detect(tmp_path, Columns()).form == "skeleton-folders"
    for path in tmp_path.rglob("*.npy"):
        np.save(path, np.zeros((9, 16, 16), np.float32))
    assert detect(tmp_path, Columns()).form == "clip-folders"


def test_folders_of_classes_parts_and_names(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "plain")
    (folder / "README.md").write_text("made by a test")
    assert detect(folder, Columns()).form == "skeleton-folders"
    naming = Naming(group_pattern=r"/(p\d)_")
    found = read_examples(folder, "skeleton-folders", Columns(naming=naming))
    assert {(row.target, row.group) for row in found.rows} == {
        (a, f"p{n}") for a in ("walk", "wave") for n in (1, 2, 3)
    }
    assert found.notes == ("left out, as they are no skeletons: 1 .md",)
    for part in ("train", "test"):
        class_folders(tmp_path / "parts" / part, 2)
    found = read_examples(tmp_path / "parts", "skeleton-folders", Columns())
    assert {(row.part, row.target) for row in found.rows} == {
        (p, a) for p in ("train", "test") for a in ("walk", "wave")
    }


def test_a_list_of_arrays_of_joints_is_none_of_clips(tmp_path: Path) -> None:
    names = [f"{n}.npy" for n in range(4)]
    for n, name in enumerate(names):
        np.save(tmp_path / name, figure("walk", n, 5))
    path = tmp_path / "list.csv"
    path.write_text("".join(f"{name},{'ab'[n % 2]}\n" for n, name in enumerate(names)))
    assert detect(path, Columns()).form == "skeleton-list"
    assert read_examples(path, "skeleton-list", Columns()).targets == ("a", "b", "a", "b")
    np.save(tmp_path / "3.npy", np.zeros((5, 8, 8), np.uint8))
    assert detect(path, Columns()).form == "clip-list"


def test_the_column_that_is_named_says_what_a_table_lists(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    path.write_text("label,joints,clip\na,j.csv,c.mp4\nb,k.csv,d.mp4\n")
    assert detect(path, Columns(input="clip")).reason == "its column clip names clip files"
    assert detect(path, Columns(input="joints")).form == "skeleton-list"
    assert detect(path, Columns()).form == "clip-list"


def test_lists_with_subject_and_part(tmp_path: Path) -> None:
    class_folders(tmp_path / "made", 2)
    rows = [
        f"made/{a}/p{n + 1}_{n}.csv,{a},p{n + 1},{p}"
        for a in ("walk", "wave")
        for n, p in ((0, "train"), (1, "test"))
    ]
    path = tmp_path / "index.csv"
    path.write_text("\n".join(["file,label,actor,split", *rows, rows[0]]) + "\n")
    assert detect(path, Columns()).form == "skeleton-list"
    columns = Columns(target="label", naming=Naming("actor", "split"))
    found = read_examples(path, "skeleton-list", columns)
    assert [(row.target, row.group, row.part) for row in found.rows] == [
        (a, g, p) for a in ("walk", "wave") for g, p in (("p1", "train"), ("p2", "test"))
    ]
    assert "listed above with the same label: 1" in found.notes[0]
    path.write_text(path.read_text().replace("p2_1", "p9_1"))
    with pytest.raises(InputError, match=r"index.csv:3: must name a file that is there"):
        read_examples(path, "skeleton-list", columns)


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        ("root lfemur rfemur lower", {"lfemur": "rfemur", "lower": "lower"}),
        ("LeftArm RightArm Hips", {"LeftArm": "RightArm"}),
        ("knee_l knee_r rest lost", {"knee_l": "knee_r", "rest": "rest", "lost": "lost"}),
        ("LHip RHip Hand.L Hand.R", {"LHip": "RHip", "Hand.L": "Hand.R"}),
    ],
)
def test_partners_in_a_mirror(names: str, pairs: dict[str, str]) -> None:
    order = JointOrder("", tuple(names.split()))
    for joint, other in pairs.items():
        assert order.joints[order.mirror[order.joints.index(joint)]] == other


def test_known_orders() -> None:
    counts = {"coco17": 17, "openpose25": 25, "openpose18": 18, "mediapipe33": 33, "hand21": 21}
    counts |= {"holistic543": 543, "kinect20": 20, "utd20": 20, "msr20": 20, "kinect25": 25, "florence15": 15}
    assert {name: len(joints) for name, joints in JOINT_ORDERS.items()} == counts
    assert all(len(set(joints)) == len(joints) for joints in JOINT_ORDERS.values())


class Opened:
    """What a hostile pickle would do: write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def gone(folder: Path) -> None:
    (folder / "index.csv").write_text("path,label\nnone.csv,a\n")


def two_counts(folder: Path) -> None:
    class_folders(folder, 2)
    (folder / "wave" / "p1_0.csv").write_text("x1,y1,z1,x2,y2,z2,x3,y3,z3\n1,2,3,1,2,3,1,2,3\n")


def nobody(folder: Path) -> None:
    write_openpose(folder / "clip", [[], [], []])


def not_numbers(folder: Path) -> None:
    write_csv(folder / "a.csv", np.full((4, 15, 3), np.nan, np.float32))


def nothing(folder: Path) -> None:
    class_folders(folder, 2)
    (folder / "wave" / "p1_0.csv").write_text("")


def columns_missing(folder: Path) -> None:
    path = write_csv(folder / "a.csv", figure("wave", 0, 3))
    path.write_text(path.read_text() + "1,2,3\n")


def hostile(folder: Path) -> None:
    (folder / "a.pkl").write_bytes(pickle.dumps({"annotations": [Opened(folder / "written")]}))


def no_frames(folder: Path) -> None:
    write_ntu(folder / "S001C001P001R001A001.skeleton", [])


def cut(folder: Path) -> None:
    path = write_ntu(folder / "S001C001P001R001A001.skeleton", [{1: DRAW.normal(size=(25, 3))}] * 3)
    path.write_text("\n".join(path.read_text().splitlines()[:40]))


def without_end(folder: Path) -> None:
    write_csv(folder / "a.csv", np.full((2, 15, 3), np.inf, np.float32))


def of_angles(folder: Path) -> None:
    (folder / "a.bvh").write_text("HIERARCHY\nROOT Hips\n")


def broken_array(folder: Path) -> None:
    np.save(folder / "a.npy", np.zeros((3, 15, 3), np.float32))
    data = (folder / "a.npy").read_bytes()
    (folder / "a.npy").write_bytes(data[:200])


BROKEN: list[tuple[Callable[[Path], None], str, str]] = [
    (gone, "index.csv", r"index.csv:2: must name a file that is there, got none.csv"),
    (two_counts, "", r"p1_0.csv: must have 15 joints of 3 numbers, as .* has, got 3 of 3"),
    (
        nobody,
        "clip",
        r"clip_000000000000_keypoints.json: must have a joint that is seen, got none in 3 frames",
    ),
    (not_numbers, "a.csv", r"a.csv: must have a joint that is seen, got none in 4 frames"),
    (nothing, "", r"p1_0.csv: must hold text, got 0 bytes"),
    (columns_missing, "a.csv", r"a.csv:5: must have 45 columns as the first row, got 3"),
    (hostile, "a.pkl", r"a.pkl: must be a pickle of arrays and plain containers.*io.open"),
    (no_frames, "S001C001P001R001A001.skeleton", r"A001.skeleton: must have a frame at least, got 0 frames"),
    (
        cut,
        "S001C001P001R001A001.skeleton",
        r"must have .* behind .*A001.skeleton:40, got the end of the file",
    ),
    (without_end, "a.csv", r"a.csv:2: must be a finite number"),
    (of_angles, "a.bvh", r"a.bvh: must hold places of joints, not angles of bones, got .bvh. Convert"),
    (broken_array, "a.npy", r"a.npy: must be a whole file of arrays"),
]


@pytest.mark.parametrize(("make", "name", "match"), BROKEN, ids=[make.__name__ for make, _, _ in BROKEN])
def test_broken_files(make: Callable[[Path], None], name: str, match: str, tmp_path: Path) -> None:
    make(tmp_path)
    path = tmp_path / name
    form = "skeleton-list" if name == "index.csv" else "skeleton-folders" if path.is_dir() else "skeleton"
    with pytest.raises(BpttError, match=match):
        read_examples(path, form, Columns())
    assert not (tmp_path / "written").exists()


HUGE = "1" + "0" * 400
MARKS = '{"x": 1, "y": 2}, {"x": 3, "y": 1}'
SERIES = DRAW.normal(size=(3, 6, 5, 3))
ENDLESS = SERIES.copy()
ENDLESS[1, 2, 3, 1] = np.inf
NUMBERS: list[tuple[str, str | dict[str, Any], str]] = [
    ("l.json", f'[[{{"x": {HUGE}, "y": 2}}, {MARKS}]]', r"l.json: keypoints must be numbers"),
    ("l.json", f'[[{{"x": Infinity, "y": 2}}, {MARKS}]]', r"l.json, frame 0, joint 1: must be finite"),
    ("a_0001_keypoints.json", f'{{"people": [{{"pose_keypoints_2d": [{HUGE}, 2, 1]}}]}}', "must be numbers"),
    ("a.npz", {"X": ENDLESS}, r"a.npz: X\[1\], frame 2, joint 4: must be finite numbers of float32, got inf"),
    ("a.npz", {"y": [0, 1, np.nan]}, r"a.npz: y\[2\]: must be a label, got NaN"),
    ("a.npz", {"y": [0, 1]}, r"a.npz: y must be \(3,\), a label a series, got \(2,\)"),
    ("a.npz", {"lengths": [1, 2, np.nan]}, r"lengths must be \(3,\) whole numbers, got \(3,\) of float64"),
    ("a.npz", {"lengths": [1, -2, 3]}, r"a.npz: X\[1\]: must have 1 to 6 steps, got -2"),
    ("a.npz", {"X": SERIES.astype("U8")}, r"a.npz: X: must be numbers, .* got <U8"),
]


@pytest.mark.parametrize(("name", "content", "match"), NUMBERS)
def test_numbers_that_are_none(name: str, content: Any, match: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    else:
        np.savez(path, **{"X": SERIES, **content})
    assert detect(path, Columns()).form == "skeleton"
    with pytest.raises(InputError, match=match):
        read_examples(path, "skeleton", Columns())


def test_a_confidence_that_is_missing_is_none(tmp_path: Path) -> None:
    body = DRAW.uniform(1, 2, (2, 5, 3)).astype(np.float32)
    sure = np.ones((2, 5, 1), np.float32)
    sure[1, 3] = np.nan
    three = np.concatenate([body[..., :2], sure], -1)
    np.save(tmp_path / "a.npy", np.concatenate([body, sure], -1))
    pose = {"people": [{"pose_keypoints_2d": three[1].ravel().tolist()}]}
    (tmp_path / "a_0001_keypoints.json").write_text(json.dumps(pose))
    scored = {"label": 1, "keypoint": body[None], "keypoint_score": sure[None, ..., 0]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([scored]))
    header = ",".join(f"j{n}_{axis}" for n in range(5) for axis in ("x", "y", "score"))
    np.savetxt(tmp_path / "a.csv", three.reshape(2, -1), delimiter=",", header=header, comments="")
    for name in ("a.npy", "a_0001_keypoints.json", "a.pkl", "a.csv"):
        found = only(tmp_path / name).skeleton.bodies
        assert np.isnan(found[0, -1, 3]).all() and np.isnan(found).any(-1).sum() == 1, name


@pytest.mark.parametrize(
    "payload",
    [
        b"cposix\nsystem\n(S'true'\ntR.",
        pickle.dumps(np.array([{}], object)),
        pickle.dumps(print),
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        b"\x80\x04.",
    ],
)
def test_pickles_that_are_no_arrays(payload: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(payload)
    with pytest.raises(InputError, match=r"a\.pkl"):
        read_examples(path, "skeleton", Columns())
