"""Clips read: turned, timed, scaled; their files in every layout; broken ones named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import Pictures, wrapping_square, write_gif, write_pictures, write_video
from PIL import Image

from bptt.data.clips.clip import Clip, Frames
from bptt.data.clips.frame_folder import pictures_of
from bptt.data.clips.frame_options import FrameShape
from bptt.data.clips.picture_array import small_clip
from bptt.data.clips.sides import labels_with_sides
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns, Naming
from bptt.errors import BpttError

GREY, COLOUR = FrameShape(16), FrameShape(16, colour=True)
# H.264 loses little of flat pictures: within this of what was written.
NEAR = 12


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))


def top_left(size: int = 32, steps: int = 4) -> Pictures:
    """White in the quarter at the top left."""
    frames = np.zeros((steps, size, size), np.uint8)
    frames[:, : size // 2, : size // 2] = 255
    return frames


def quarters(clip: Frames) -> list[int]:
    """The middles of the quarters of the first picture: top left, top right, bottom left, bottom right."""
    picture = clip.pictures[0, ..., 0].astype(int)
    quarter = len(picture) // 4
    return [picture[row, column] for row in (quarter, -quarter) for column in (quarter, -quarter)]


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".avi", ".webm", ".gif"])
def test_all_containers_give_the_pictures_and_their_times(tmp_path: Path, ending: str) -> None:
    path, frames = tmp_path / f"a{ending}", top_left()
    # Equal frames are one in a GIF.
    frames[:, 0, 0] = [250, 240, 230, 220]
    write_gif(path, frames) if ending == ".gif" else write_video(path, frames)
    found = Clip(path).frames(GREY)
    assert found.pictures.shape == (4, 16, 16, 1)
    np.testing.assert_allclose(quarters(found), [255, 0, 0, 0], atol=NEAR)
    assert found.times is not None
    np.testing.assert_allclose(np.diff(found.times), 0.1, atol=2e-3)


@pytest.mark.parametrize(("turn", "bright"), [(0, 0), (90, 2), (180, 3), (-90, 1)])
def test_a_picture_is_turned_as_its_metadata_say(tmp_path: Path, turn: int, bright: int) -> None:
    """Counter-clockwise by 90 degrees, the top left comes to the bottom left."""
    found = Clip(write_video(tmp_path / "a.mp4", top_left(), turn=turn)).frames(GREY)
    assert int(np.argmax(quarters(found))) == bright


def test_frames_of_a_variable_rate_are_sampled_by_their_times(tmp_path: Path) -> None:
    """At 0, 0.1, 0.2 and 1.0 s; five a second show what is there at 0, 0.2, ... 1.0 s."""
    levels = np.array([0, 80, 160, 240], np.uint8)
    frames = np.broadcast_to(levels[:, None, None], (4, 32, 32))
    found = Clip(write_video(tmp_path / "a.mkv", np.array(frames), times=[0, 10, 20, 100])).frames(GREY)
    shown = found.sampled(5.0)[:, 8, 8, 0].astype(int)
    np.testing.assert_allclose(shown, [0, 160, 160, 160, 160, 240], atol=NEAR)
    assert len(found.sampled(0)) == 4


def test_a_picture_keeps_its_aspect_and_stands_in_the_middle(tmp_path: Path) -> None:
    wide = np.full((2, 16, 64), 255, np.uint8)
    column = Clip(write_video(tmp_path / "a.mp4", wide)).frames(GREY).pictures[0, :, 8, 0].astype(int)
    np.testing.assert_allclose(column, [0] * 6 + [255] * 4 + [0] * 6, atol=NEAR)


def test_red_comes_first_everywhere(tmp_path: Path) -> None:
    red = np.zeros((3, 32, 32, 3), np.uint8)
    red[..., 0] = 200
    np.save(tmp_path / "a.npy", red)
    paths = [write_video(tmp_path / "a.mp4", red), write_gif(tmp_path / "a.gif", red), tmp_path / "a.npy"]
    for path in (*paths, write_pictures(tmp_path / "frames", list(red))):
        middle = Clip(path).frames(COLOUR).pictures[0, 8, 8].astype(int)
        np.testing.assert_allclose(middle, [200, 0, 0], atol=NEAR, err_msg=str(path))


def test_ten_bits_alpha_and_sixteen_bits(tmp_path: Path) -> None:
    deep = write_video(tmp_path / "a.mkv", top_left(), pixels="yuv420p10le", codec="libx265")
    np.testing.assert_allclose(quarters(Clip(deep).frames(GREY)), [255, 0, 0, 0], atol=NEAR)
    clear = np.dstack([np.full((32, 32, 3), 255, np.uint8), top_left()[0]])
    folder = write_pictures(tmp_path / "alpha", [clear, clear])
    assert quarters(Clip(folder).frames(GREY)) == [255, 0, 0, 0]
    Image.fromarray(top_left()[0].astype(np.uint16) * 257).save(tmp_path / "alpha" / "img_00001.png")
    assert quarters(Clip(folder).frames(GREY)) == [255, 0, 0, 0]


def test_a_folder_is_ordered_by_number(tmp_path: Path) -> None:
    levels = [np.full((8, 8), level, np.uint8) for level in range(10, 130, 10)]
    folder = write_pictures(tmp_path / "a", levels, "{}.png")
    shown = Clip(folder).frames(GREY).pictures[:, 8, 8, 0]
    assert shown.tolist() == list(range(10, 130, 10))
    assert Clip(folder, count=3).frames(GREY).pictures[:, 8, 8, 0].tolist() == [10, 20, 30]
    write_pictures(folder, levels[:1], "flow_x_{:05d}.png")
    assert pictures_of(folder).notes == ("pictures of motion (flow…) left out: 1",)
    assert len(Clip(folder).frames(GREY).pictures) == 12


def test_depths_are_scaled_and_shares_are_not() -> None:
    depths = np.array([800, 1600, 2400], np.uint16)[:, None, None] * np.ones((1, 4, 4), np.uint16)
    assert small_clip(depths, GREY, "a")[:, 8, 8, 0].tolist() == [0, 127, 255]
    assert small_clip(np.full((1, 4, 4), 0.5), GREY, "a")[0, 8, 8, 0] == 128


def test_a_clip_is_decoded_once_and_again_when_the_cache_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(write_gif(tmp_path / "a.gif", top_left()))
    first = clip.frames(GREY)
    (kept,) = (tmp_path / "cache").rglob("*.frames")
    decoded: list[Clip] = []
    plain = Clip.decoded
    monkeypatch.setattr(Clip, "decoded", lambda self, shape: decoded.append(self) or plain(self, shape))
    assert (clip.frames(GREY).pictures == first.pictures).all() and not decoded
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert (clip.frames(GREY).pictures == first.pictures).all() and len(decoded) == 1


def test_labels_with_sides() -> None:
    labels = ("kickLFront", "swipe_left", "向右转", "clockwise circle", "light", "wave", "jog")
    assert labels_with_sides(labels) == list(labels[:4])


# Ten files that are broken: each is named with its fault, or read as far as it goes.

MP4 = Path("a.mp4")


def _cut_mp4(folder: Path) -> Path:
    path = write_video(
        folder / MP4, np.array([wrapping_square(1, i, i) for i in range(4)]).reshape(-1, 24, 24)
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _text_as_mp4(folder: Path) -> Path:
    (folder / MP4).write_text("This is no video.\n" * 20)
    return folder / MP4


def _empty(folder: Path) -> Path:
    (folder / MP4).write_bytes(b"")
    return folder / MP4


def _sound_alone(folder: Path) -> Path:
    import av

    with av.open(str(folder / MP4), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return folder / MP4


def _no_frames(folder: Path) -> Path:
    import av

    with av.open(str(folder / "a.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 16, 16, "yuv420p"
        container.start_encoding()
    return folder / "a.avi"


def _cut_gif(folder: Path) -> Path:
    path = write_gif(folder / "a.gif", np.array([top_left(64)[0] // (n + 1) for n in range(4)]))
    path.write_bytes(path.read_bytes()[:60])
    return path


def _two_sizes(folder: Path) -> Path:
    return write_pictures(folder / "a", [top_left(32)[0], top_left(16)[0]])


def _cut_picture(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    path = write_pictures(folder / "a", [noise, noise]) / "img_00002.png"
    path.write_bytes(path.read_bytes()[:1000])
    return folder / "a"


def _same_number(folder: Path) -> Path:
    write_pictures(folder / "a", [top_left()[0]], "img_{:05d}.png")
    return write_pictures(folder / "a", [top_left()[0]], "img_{:02d}.png")


def _nan(folder: Path) -> Path:
    np.save(folder / "a.npy", np.full((2, 4, 4), np.nan))
    return folder / "a.npy"


def _joints(folder: Path) -> Path:
    np.save(folder / "a.npy", np.zeros((20, 3, 15), np.float32))
    return folder / "a.npy"


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "cut, its index at the end": (_cut_mp4, "must be a whole video file"),
    "text": (_text_as_mp4, "must be a whole video file"),
    "empty": (_empty, "must be a whole video file"),
    "sound alone": (_sound_alone, "must hold pictures"),
    "no pictures": (_no_frames, "must hold"),
    "cut GIF": (_cut_gif, "must be a whole picture"),
    "two sizes": (_two_sizes, "pictures of one clip have one size, got 16 x 16 after 32 x 32"),
    "a cut picture": (_cut_picture, "img_00002.png: must be a whole picture"),
    "a number twice": (_same_number, "have different numbers"),
    "joints": (_joints, "of 4 pixels at least, got an array (20, 3, 15). Joints"),
    "NaN": (_nan, "NaN or infinity"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_clip_is_named_with_its_fault(tmp_path: Path, fault: str) -> None:
    make, said = BROKEN[fault]
    path = make(tmp_path)
    with pytest.raises(BpttError) as raised:
        Clip(path).frames(GREY)
    assert said in str(raised.value) and str(path) in str(raised.value)


def test_a_cut_avi_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (20, 32, 32), np.uint8)
    path = write_video(tmp_path / "a.avi", frames)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 2 <= len(Clip(path).frames(GREY).pictures) < 20


def rows_of(source: Path, columns: Columns | None = None) -> list[tuple[str, str | None, str]]:
    columns = columns or Columns()
    found = read_examples(source, detect(source, columns).form, columns)
    return [(row.name, row.target, row.group) for row in found.rows]


def test_class_folders_hold_files_and_folders_of_pictures(tmp_path: Path) -> None:
    write_gif(tmp_path / "run" / "1.gif", top_left())
    write_pictures(tmp_path / "walk" / "one", list(top_left()))
    (tmp_path / "walk" / "notes.txt").write_text("x")
    assert detect(tmp_path, Columns()).reason == "it holds 1 clip file and 1 folder of numbered pictures"
    assert rows_of(tmp_path) == [("run/1.gif", "run", ""), ("walk/one", "walk", "")]


def test_takes_of_ucf101_are_groups_and_its_lists_have_names(tmp_path: Path) -> None:
    names = [f"{label}/v_{label}_g0{take}_c01.gif" for label in ("Dive", "Row") for take in (1, 2)]
    for name in names:
        write_gif(tmp_path / "UCF" / name, top_left())
    (tmp_path / "UCF" / "trainlist01.txt").write_text("".join(f"{n} {1 + ('Row' in n)}\n" for n in names))
    (tmp_path / "UCF" / "classInd.txt").write_text("1 Dive\n2 Row\n")
    assert rows_of(tmp_path / "UCF" / "trainlist01.txt") == [
        (name, name.split("/")[0], f"g0{1 + i % 2}") for i, name in enumerate(names)
    ]


def test_frames_of_tsn_are_folders_with_a_number(tmp_path: Path) -> None:
    write_pictures(tmp_path / "frames" / "a", list(top_left()))
    (tmp_path / "list.txt").write_text("frames/a 3 7\n")
    found = read_examples(tmp_path / "list.txt", detect(tmp_path / "list.txt", Columns()).form, Columns())
    (row,) = found.rows
    assert (row.target, row.input.count, len(row.input.frames(GREY).pictures)) == ("7", 3, 3)


def test_kinetics_is_found_trimmed_or_whole_and_what_is_gone_is_counted(tmp_path: Path) -> None:
    write_video(tmp_path / "abc_000001_000002.mp4", top_left())
    write_video(tmp_path / "def.mp4", np.concatenate([top_left(steps=10), 255 - top_left(steps=10)]))
    lines = ["label,youtube_id,time_start,time_end,split", "dance,abc,1,2,train", "sing,def,1,2,test"]
    (tmp_path / "k.csv").write_text("\n".join([*lines, "dance,gone,0,9,train", ""]))
    found = read_examples(tmp_path / "k.csv", detect(tmp_path / "k.csv", Columns()).form, Columns())
    assert [(row.target, row.group, row.part) for row in found.rows] == [
        ("dance", "abc", "train"),
        ("sing", "def", "test"),
    ]
    np.testing.assert_allclose(quarters(found.rows[1].input.frames(GREY)), [0, 255, 255, 255], atol=NEAR)
    assert any("are not there: 1" in note for note in found.notes)


def test_a_table_has_groups_and_parts(tmp_path: Path) -> None:
    write_gif(tmp_path / "a.gif", top_left())
    (tmp_path / "t.csv").write_text("split,label,actor,clip\ntrain,wave,bk,a.gif\n")
    columns = Columns(naming=Naming(group="actor", part="split"))
    found = read_examples(tmp_path / "t.csv", detect(tmp_path / "t.csv", columns).form, columns)
    assert [(row.target, row.group, row.part) for row in found.rows] == [("wave", "bk", "train")]
