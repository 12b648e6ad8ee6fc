"""Clips learned: what only their order tells, beside linear models that do not see it; answers over time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from clips import wrapping_square, write_gif, write_video
from conftest import Command

import bptt
from bptt.jobs.classify.linear_models import FILE
from bptt.jobs.exposure import show_input
from bptt.models.clip_changes import vary_clip
from bptt.models.clip_input import ClipInput
from bptt.models.linear_baselines import LinearBaselines, summarise
from bptt.models.summaries import SUMMARIES

SMALL = ("--hidden", "24", "--frame-size", "12", "--held-out", "0", "--threads", "1")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BPTT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def write_ways(folder: Path, starts: range, tops: range) -> Path:
    """Write squares that move forth and back: no picture, and no mean, tells which."""
    for label, way in (("forth", 1), ("back", -1)):
        for start in starts:
            for top in tops:
                write_gif(folder / label / f"{start}_{top}.gif", wrapping_square(way, start, top, steps=12))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_ways(folder / "train", range(0, 24, 2), range(0, 19, 6))
    write_ways(folder / "test", range(1, 24, 3), range(3, 16, 6))
    return folder


@pytest.fixture(scope="module")
def run(made: Path) -> Path:
    path = made / "run"
    bptt.train(
        "classify",
        str(made / "train"),
        str(path),
        hidden=48,
        frame_size=12,
        held_out=0.0,
        epochs=40,
        progress=False,
    )
    return path


def test_order_is_learned_where_linear_models_are_at_chance(run: Path, made: Path, command: Command) -> None:
    """Of 48 clips 0.99 are all; a linear model on a frame or the mean is right for about half of them."""
    said = command("evaluate", run, made / "test").out
    assert "accuracy\t1.0000000000" in said or "accuracy\t1\n" in said
    table = dict(line.split("\t") for line in said.splitlines() if line.count("\t") == 1)
    for name in ("one step, the middle one", "mean of the steps"):
        assert 0.2 <= float(table[f"linear: {name}"]) <= 0.8
    assert (run / FILE).exists()


def test_answers_have_the_most_probable_labels(run: Path, made: Path, command: Command) -> None:
    clip = next((made / "test" / "back").iterdir())
    (first, second) = command("predict", run, clip, "--top", "2").out.splitlines()
    assert first.split("\t")[0] == "back" and second.split("\t")[0] == "forth"
    assert float(first.split("\t")[1]) + float(second.split("\t")[1]) == pytest.approx(1, abs=2e-6)


def test_python_takes_paths_and_arrays(run: Path, made: Path) -> None:
    trained = bptt.load(run)
    square = wrapping_square(1, 1, 3, steps=12)
    path = made / "test" / "forth" / "1_3.gif"
    found = trained.predict([str(path), square, np.repeat(square[..., None], 3, axis=3)])
    assert [each.label for each in found] == ["forth"] * 3
    assert found[0].probability == pytest.approx(found[1].probability, abs=0.05)
    with pytest.raises(bptt.InputError, match=r"must be pictures of numbers \(T, H, W\)"):
        trained.predict([np.zeros((3, 4))])


def test_a_label_over_time_changes_where_the_motion_does(run: Path, tmp_path: Path, command: Command) -> None:
    """Forth for 4 seconds at 10 a second, then back: windows of a second that lie in either say so."""
    forth = wrapping_square(1, 0, 9, steps=40)
    back = wrapping_square(-1, 0, 9, steps=40)
    path = write_video(tmp_path / "both.avi", np.concatenate([forth, back]))
    lines = command("predict", run, path, "--stream", "--window", "1", "--json").out.splitlines()
    found = [json.loads(line) for line in lines]
    assert [found[0]["label"], found[-1]["label"]] == ["forth", "back"]
    assert found[0]["start"] == 0 and 3.5 <= found[-1]["start"] <= 5.5


def test_a_resumed_training_is_the_same(made: Path, tmp_path: Path, command: Command) -> None:
    """Whose clips are changed at random, anew in each epoch."""
    few = write_ways(tmp_path / "few", range(0, 24, 8), range(0, 19, 9))
    for name, epochs in (("whole", (3,)), ("parts", (1, 3))):
        for number in epochs:
            resumed = ("--resume",) if number > epochs[0] else ("--schedule", "constant", *SMALL)
            ended = command("train", "classify", few, "-o", tmp_path / name, "--epochs", number, *resumed)
            assert ended.code == 0, ended.err
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]


def test_a_mirror_is_refused_for_labels_with_sides(tmp_path: Path, command: Command) -> None:
    for label in ("turn left", "turn right"):
        write_gif(tmp_path / "data" / label / "a.gif", wrapping_square(1, 0, 0))
    said = command("train", "classify", tmp_path / "data", "-o", tmp_path / "run", "--mirror", *SMALL)
    assert "--mirror: is for labels without sides, got turn left, turn right" in said.err


def test_inspection_has_the_pictures_of_each_step(
    run: Path, made: Path, tmp_path: Path, command: Command
) -> None:
    clip = made / "test" / "back" / "1_3.gif"
    shown = show_input("clips", bptt.load(run).codec, bptt.load(run).codec.check(clip, "clip"), 8)
    assert shown.pictures is not None and shown.pictures.pictures.shape == (8, 12, 12, 1)
    assert shown.tokens[:2] == ("0.00s", "0.10s")
    folder = tmp_path / "figures"
    page = tmp_path / "page.html"
    command("inspect", run, "--data", made / "test", "--examples", "2", "--output", page, "--figures", folder)
    assert (folder / "pictures_layer_1.png").exists() and page.stat().st_size < 3_000_000


def test_principal_components_begin_uncorrelated() -> None:
    """Of the training pictures: mean 0 and variance 1, no covariance, for as many as there are directions."""
    torch.manual_seed(0)
    clips = [torch.rand(30, 8, 8, 1) for _ in range(10)]
    part = ClipInput(8, 1)
    part.fit(clips)
    found = torch.cat([part(clip[:, None])[:, 0, :48] for clip in clips]).double()
    torch.testing.assert_close(found.mean(0), torch.zeros(48, dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        found.T @ found / len(found), torch.eye(48, dtype=torch.float64), atol=1e-3, rtol=0
    )


def test_an_example_is_changed_by_what_is_drawn_alone() -> None:
    clip = torch.rand(20, 8, 8, 3)
    first, again, other = (vary_clip(clip, Random(seed)) for seed in ("1 0 0", "1 0 0", "1 1 0"))
    assert torch.equal(first, again) and first.shape[1:] == clip.shape[1:]
    assert other.shape != first.shape or not torch.equal(first, other)
    assert {len(vary_clip(clip, Random(n))) for n in range(200)} <= set(range(16, 26))


def test_parts_of_the_time_have_their_order() -> None:
    """Up and down differ in the sign of the change, and in the order of the means."""
    rising = torch.tensor([0.0, 0, 0, 0, 1, 1, 1, 1])[:, None]
    up, down = summarise(SUMMARIES[3:], [rising, rising.flip(0)])[0]
    # Mean and deviation of each of 4 parts; the changes, 7, fall into parts of 1, 2, 2 and 2.
    assert up.tolist() == [0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0.5, 0.5, 0, 0]
    assert down.tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0.5, 0.5, 0, 0]
    (short,) = summarise(SUMMARIES[3:], [rising[:1]])[0]
    assert short.tolist() == [0.0] * 16


def test_linear_models_agree_with_scikit_learn() -> None:
    """Standardised, C of 100 over vectors divided by the root of their length: to the tolerance of both."""
    linear = pytest.importorskip("sklearn.linear_model")
    draw = torch.Generator().manual_seed(0)
    inputs = [torch.randn(9, 4, generator=draw) + n % 3 for n in range(30)]
    targets = torch.arange(30) % 3
    vectors = summarise(SUMMARIES, inputs)
    models = LinearBaselines(SUMMARIES, [rows.shape[1] for rows in vectors], 3)
    models.fit(vectors, targets)
    # Fewer numbers than inputs, and more.
    assert (vectors[2].shape[1], vectors[3].shape[1]) == (12, 64)
    for number in (2, 3):
        _agrees_with_its_peer(linear, vectors[number], targets, models(vectors)[number])


def _agrees_with_its_peer(
    linear: Any, rows: torch.Tensor, targets: torch.Tensor, found: torch.Tensor
) -> None:
    scaled = ((rows - rows.mean(0)) / rows.std(0, correction=0) / rows.shape[1] ** 0.5).numpy()
    peer = linear.LogisticRegression(C=100, tol=1e-6, max_iter=1000).fit(scaled, targets.numpy())
    np.testing.assert_allclose(found.softmax(1), peer.predict_proba(scaled), atol=0.01)
