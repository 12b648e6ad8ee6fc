"""Music on the command line: sample into files, score, evaluate, inspect; what is refused, and how."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
import torch
from conftest import Command
from made_tunes import tune, write_tunes

import bptt
from bptt.data.midi.abc_tunes import read_abc
from bptt.data.midi.read_midi import read_midi
from bptt.data.midi.write_midi import write_midi
from bptt.jobs.expose import expose
from bptt.jobs.music.scoring import log_probabilities

SMALL = {"hidden": 8, "layers": 1, "epochs": 1, "batch_size": 4, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tunes, a model of them, `run`, and one of frames, `frames`."""
    folder = tmp_path_factory.mktemp("music")
    write_tunes(folder / "tunes")
    for name, more in (("run", {}), ("frames", {"representation": "frames"})):
        bptt.train("music", folder / "tunes", folder / name, **SMALL, **more)
    return folder


def test_training_says_what_it_reads_and_what_to_do_next(
    folder: Path, tmp_path: Path, command: Command
) -> None:
    small = "--hidden 8 --layers 1 --epochs 1 --batch-size 4".split()
    ended = command("train", "music", folder / "tunes", "-o", tmp_path / "run", *small)
    assert ended.code == 0, ended.err
    for line in ("read as tokens, for 0%", "split: by tune, 12 of them", "pieces read: 12", "nats per token"):
        assert line in ended.out + ended.err
    assert f"next: bptt sample {tmp_path / 'run'} -o tune.mid" in ended.out


@pytest.mark.parametrize("name", ["run", "frames"])
def test_a_sample_is_written_in_every_form(folder: Path, name: str, tmp_path: Path, command: Command) -> None:
    files = [tmp_path / f"tune{ending}" for ending in (".mid", ".wav", ".abc")]
    figure = tmp_path / "roll.png"
    outputs = [part for file in files for part in ("-o", file)]
    ended = command("sample", folder / name, *outputs, "--figure", figure, "--bars", 2, "--seed", 1)
    assert ended.code == 0, ended.err
    assert "in key" in ended.out and "log P" in ended.out
    (score,) = read_midi(files[0])
    assert score.notes
    with wave.open(str(files[1])) as sound:
        assert sound.getnframes() / sound.getframerate() > 1
    ((_, again),) = read_abc(files[2].read_text(encoding="utf-8"), "tune.abc")
    assert {note.pitch for note in again.notes} == {note.pitch for note in score.notes}
    assert figure.read_bytes().startswith(b"\x89PNG")
    twice = command("sample", folder / name, "-o", files[0], "--bars", 2)
    assert twice.code == 2 and "must be the name of a new file" in twice.err


def test_candidates_are_numbered_by_their_rank(folder: Path, tmp_path: Path, command: Command) -> None:
    ended = command("sample", folder / "run", "-o", tmp_path / "a.mid", "-n", 3, "--keep", 2, "--bars", 1)
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-1.mid", "a-2.mid"]
    values = [float(line.partition("log P ")[2].split()[0]) for line in ended.out.splitlines()]
    assert values == sorted(values, reverse=True)


def test_a_primer_is_continued_with_and_without_it(folder: Path, tmp_path: Path, command: Command) -> None:
    primer = tmp_path / "primer.mid"
    write_midi(tune(3, bars=2), primer)
    for more in ((), ("--no-primer",)):
        file = tmp_path / f"more{len(more)}.mid"
        ended = command("sample", folder / "run", "-o", file, "--primer", primer, "--bars", 2, *more)
        assert ended.code == 0, ended.err
    (whole,), (rest,) = (read_midi(tmp_path / f"more{n}.mid") for n in (0, 1))
    begins = 8 * whole.ticks_per_quarter
    assert [note[:2] for note in whole.notes if note.onset >= begins] == [
        (note.onset + begins, note.pitch) for note in rest.notes
    ]


def test_a_primer_of_the_corpus_is_no_copy(folder: Path, tmp_path: Path, command: Command) -> None:
    """The judgement is that of the continuation: one of a bar of this model shares no long run."""
    primer = folder / "tunes" / "tune03_0.mid"
    ended = command("sample", folder / "run", "-o", tmp_path / "a.mid", "--primer", primer, "--bars", 1)
    assert ended.code == 0 and "of the corpus" not in ended.err, ended.err


def test_the_piece_of_a_file_of_several_that_is_continued_is_named(
    folder: Path, tmp_path: Path, command: Command
) -> None:
    book = tmp_path / "book.abc"
    book.write_text("".join(f"X:{n}\nT:Tune {n}\nL:1/4\nK:C\nCDEF|\n\n" for n in (1, 2)), encoding="utf-8")
    ended = command("sample", folder / "run", "-o", tmp_path / "a.mid", "--primer", book, "--bars", 1)
    assert ended.code == 0 and "Tune 1: continued, the first of 2 pieces" in ended.err, ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "a.xyz"), "must end in"),
        ((), "must name a file"),
        (("-o", "a.mid", "--key", "H"), "--key: is a key"),
        (("-o", "a.mid", "--instruments", "40"), "are those that the model has learned: 0"),
        (("-o", "a.mid", "--prompt", "a"), "--prompt: is an option of runs of `bptt train lm`"),
        (("-o", "a.mid", "--primer", "none.mid"), "none.mid"),
        (("-o", "a.mid", "--bars", "0"), "bars"),
        (("-o", "a.mid", "--seconds", "0"), "--seconds: is a length above 0"),
        (("-o", "a.mid", "--no-primer"), "--no-primer: is about a primer"),
        (("-o", "a.mid", "--primer-bars", "2"), "--primer-bars: is about a primer"),
        (("-o", "none/a.wav"), "must be in a folder that is there"),
        (("-o", "a.mid", "-o", "a.mid"), "must name each file once"),
    ],
)
def test_what_cannot_be_is_refused(
    folder: Path, options: tuple[str, ...], said: str, tmp_path: Path, command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    ended = command("sample", folder / "run", *options)
    assert ended.code == 2 and said in ended.err, ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["run", "frames"])
def test_scores_and_metrics_are_of_the_pieces(folder: Path, name: str, command: Command) -> None:
    file = folder / "tunes" / "tune03_0.mid"
    ended = command("score", folder / name, file, folder / "tunes")
    assert ended.code == 0, ended.err
    head, first, *rest = ended.out.splitlines()
    assert head.split("\t")[-3:] == ["in key", "longest copied", "piece"]
    assert len(rest) == 12 and first.split("\t")[:-1] in [line.split("\t")[:-1] for line in rest]
    ended = command("evaluate", folder / name, file)
    metrics = {line.split("\t")[0]: float(line.split("\t")[1]) for line in ended.out.splitlines()}
    assert metrics["nats_per_note"] == pytest.approx(float(first.split("\t")[3]), abs=1e-4)
    assert {"in_key", "corpus_in_key", "pitches_distance", "longest_copied", "hanging"} <= metrics.keys()


@pytest.mark.parametrize("name", ["run", "frames"])
def test_a_piece_is_looked_into(folder: Path, name: str, tmp_path: Path, command: Command) -> None:
    file, page = folder / "tunes" / "tune03_0.mid", tmp_path / "page.html"
    ended = command("inspect", folder / name, "--data", file, "--limit", 30, "--lags", 5, "-o", page)
    assert ended.code == 0, ended.err
    assert page.stat().st_size > 10_000
    exposure = expose(bptt.load(folder / name), file, labelled=True, limit=30)
    shown = {"run": "Pitch_", "frames": "+"}
    assert any(shown[name] in token for token in exposure.sequences[0].tokens)
    # Each loss is that of the whole piece.
    steps = bptt.load(folder / name).notation.encode(tune(3))
    (expected,) = log_probabilities(bptt.load(folder / name).model, [steps], 1)
    with torch.no_grad():
        found = exposure.losses([0, 5, 11, 5])
    assert torch.allclose(found.double(), -expected[[0, 5, 11, 5]], atol=1e-4)


def test_a_text_model_refuses_options_of_music(tmp_path: Path, command: Command) -> None:
    (tmp_path / "book.txt").write_text("the cat sat\n" * 20, encoding="utf-8")
    bptt.train("lm", tmp_path / "book.txt", tmp_path / "lm", hidden=4, epochs=1, embedding=3, progress=False)
    ended = command("sample", tmp_path / "lm", "--bars", 3)
    assert ended.code == 2 and "--bars: is an option of runs of `bptt train music`" in ended.err
