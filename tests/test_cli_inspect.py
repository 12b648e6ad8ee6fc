"""`bptt inspect` on a run of every job, deep ones and such in both directions among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Command
from tiny_data import write_pairs

TINY = "--hidden", 6, "--epochs", 1, "--lr", 0.02
LOOK = "--limit", 12, "--examples", 3, "--lags", 5


def reviews(path: Path) -> Path:
    lines = [f"{k % 2}\tfilm number {k} 电影 is {('dull', 'great')[k % 2]} .\n" for k in range(20)]
    path.write_text("label\ttext\n" + "".join(lines), encoding="utf-8")
    return path


def tagged(path: Path) -> Path:
    sentences = (f"Anna{k} B-PER\nsaw O\nNew B-LOC\nYork I-LOC\n. O\n\n" for k in range(10))
    path.write_text("".join(sentences), encoding="utf-8")
    return path


def pairs(path: Path) -> Path:
    return write_pairs(path, 40)


JOBS: dict[str, tuple[str, Callable[[Path], Path], tuple[object, ...], set[str]]] = {
    "deep, projected, both directions": (
        "classify",
        reviews,
        ("--cell", "lstm-projection", "--projection", 3, "--layers", 3),
        {f"layer {layer} {arrow}" for layer in (1, 2, 3) for arrow in "→←"},
    ),
    "tags by a CRF": ("tag", tagged, (), {"layer 1 →", "layer 1 ←"}),
    "relu, where units may be dead": (
        "classify",
        reviews,
        ("--cell", "elman-relu"),
        {"layer 1 →", "layer 1 ←"},
    ),
    "encoder and decoder": (
        "translate",
        pairs,
        ("--embedding", 5, "--cell", "gru"),
        {"encoder layer 1 →", "encoder layer 1 ←", "decoder layer 1"},
    ),
    "a decoder that is called step by step": (
        "translate",
        pairs,
        ("--embedding", 5, "--attention", "general", "--input-feeding"),
        {"encoder layer 1 →", "encoder layer 1 ←", "decoder layer 1"},
    ),
}


@pytest.mark.parametrize("job", JOBS)
def test_every_job_is_looked_into(job: str, command: Command, tmp_path: Path) -> None:
    verb, write, options, layers = JOBS[job]
    data, run = write(tmp_path / "data"), tmp_path / "run"
    trained = command("train", verb, data, "-o", run, *TINY, *options)
    assert trained.code == 0, trained.err
    ended = command("inspect", run, "--data", data, *LOOK, "--figures", tmp_path / "pictures")
    assert ended.code == 0, ended.err
    sentences = [
        line.split(":")[0]
        for line in ended.out.splitlines()
        if line.endswith(" lags") or "no gradient" in line
    ]
    assert {name.rsplit(" ", 1)[0] for name in sentences} >= layers
    verdicts = {
        line.split(": ")[1] for line in ended.out.splitlines() if line.startswith(("good", "bad", "warning"))
    }
    assert verdicts == layers
    assert (run / "report.html").stat().st_size < 3_000_000
    assert (tmp_path / "pictures" / "gradient_flow.png").exists()


def test_other_jobs_say_what_they_need(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert command("train", "classify", reviews(tmp_path / "data"), "-o", run, *TINY).code == 0
    ended = command("inspect", run)
    assert ended.code == 2
    assert "needs data to inspect" in ended.err and "--text" in ended.err
    shown = command("inspect", run, "--text", "a film 电影 .\ndull !", *LOOK)
    assert shown.code == 0, shown.err


def test_what_follows_a_property_that_is_asked_for_is_said(command: Command, tmp_path: Path) -> None:
    run, data, pictures = tmp_path / "run", pairs(tmp_path / "data"), tmp_path / "pictures"
    assert command("train", "translate", data, "-o", run, *TINY).code == 0
    asked = "--property", "[ab]", "--property", "nowhere", "--property", "line-position"
    ended = command("inspect", run, "--data", data, *LOOK, *asked, "--figures", pictures)
    assert ended.code == 0, ended.err
    said = [line for line in ended.out.splitlines() if line.startswith("property")]
    inside, none, place = said
    assert inside.startswith("property [ab], area under the curve: encoder layer 1") and "; decoder" in inside
    assert none == "property nowhere: the same at every step, so that no unit can follow it"
    assert place.startswith("property line-position, correlation of ranks: ") and place.count("unit") == 2
    # An area is at least one half: a unit that is low inside is said to be.
    assert all(float(area) >= 0.5 for area in re.findall(r"unit \d+: ([\d.]+)", inside))
    # One picture of the source, one of the target.
    assert len(list(pictures.glob("text_line_position_*.png"))) == 2


def test_a_fault_of_the_user_is_told(command: Command, tmp_path: Path) -> None:
    run, data = tmp_path / "run", reviews(tmp_path / "data")
    assert command("train", "classify", data, "-o", run, *TINY).code == 0
    faults: dict[str, tuple[object, ...]] = {
        "examples: is a whole number of at least 1": ("--data", data, "--examples", 0),
        "limit: is a whole number of at least 1": ("--data", data, "--limit", 0),
        "number: is from 0 to 19": ("--data", data, "--number", 99),
        "target: goes with the sources of translations": ("--data", data, "--target", data),
        "text:1: must hold": ("--text", ""),
        "regular expression": ("--data", data, "--property", "("),
    }
    for message, options in faults.items():
        ended = command("inspect", run, *options)
        assert (ended.code, ended.out) == (2, "") and message in ended.err
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("place", ["report.html", "given.html"])
def test_the_page_replaces_no_file_and_follows_no_link(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Asked before the work: somebody's own file, a link to one, a link into nothing, a folder."""
    run, data, mine = tmp_path / "run", reviews(tmp_path / "data"), tmp_path / "mine"
    assert command("train", "classify", data, "-o", run, *TINY).code == 0
    monkeypatch.chdir(tmp_path)
    mine.write_text("precious")
    options = () if place == "report.html" else ("-o", run / place)
    for make in (
        lambda path: path.write_text("precious"),
        lambda path: path.symlink_to(mine),
        lambda path: path.symlink_to(tmp_path / "nothing"),
        lambda path: path.mkdir(),
    ):
        make(run / place)
        ended = command("inspect", run, "--data", data, *LOOK, *options)
        assert (ended.code, ended.out) == (
            2,
            "",
        ) and f"{place}: must be free, or an earlier output" in ended.err
        assert mine.read_text() == "precious" and not (tmp_path / "nothing").exists()
        (run / place).rmdir() if (run / place).is_dir() else (run / place).unlink()
    for _ in range(2):
        assert command("inspect", run, "--data", data, *LOOK, *options).code == 0
    assert (run / place).stat().st_size > 10_000


def test_a_run_of_somebody_else_gets_no_page(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = tmp_path / "run", reviews(tmp_path / "data")
    assert command("train", "classify", data, "-o", run, *TINY).code == 0
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("bptt.files.belongs_to_us", lambda folder: False)
    ended = command("inspect", run, "--data", data, *LOOK)
    assert ended.code == 0, ended.err
    assert "page: report.html" in ended.out and (tmp_path / "here" / "report.html").exists()
    assert not (run / "report.html").exists()
