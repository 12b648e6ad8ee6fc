"""Isolated words do not collapse into the first step; a training on sounds goes on to the bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from made_speech import LETTERS, RATE, frames_of, write_speech, write_tones
from safetensors.torch import load_file

import bptt
from bptt.data.examples import Example, gather
from bptt.errors import InputError

TEXTS = ["ab", "ba c", "fed", "c", "bad", "a fe", "dd", "ace"]


@pytest.mark.parametrize(
    ("around", "blank_bias", "right"),
    [((0, 1), None, True), ((10, 40), None, True), ((10, 40), 0.0, False)],
    ids=["alone", "with noise around", "with noise around, the blank not likely at the start"],
)
def test_isolated_words_do_not_collapse_into_the_first_step(
    around: tuple[int, int], blank_bias: float | None, right: bool, tmp_path: Path
) -> None:
    """One letter a recording, read in one direction: without the bias its symbol stays at step 0."""
    texts = [LETTERS[row % len(LETTERS)] for row in range(240)]
    data = write_speech(tmp_path / "words.npz", texts, around=around)
    options = {} if blank_bias is None else {"blank_bias": blank_bias}
    trained = bptt.train(
        "transcribe", data, tmp_path / "run", hidden_size=24, num_layers=1, bidirectional=False, dropout=0.0,
        epochs=30, learning_rate=0.01, warmup=0, held_out=0.0, progress=False, **options,
    )  # fmt: skip
    draw = np.random.default_rng(5)
    heard = [Example(frames_of(text, draw, around), text, "t") for text in texts[:60]]
    found = trained.evaluate(gather("t", heard, ("1",) * 6))
    assert (found["ser"] <= 0.05) == right
    if around[0]:
        # A letter of seven frames with 25 frames of noise on either side is in the middle.
        assert (0.3 < found["place"] < 0.7) == right


def test_a_training_on_sounds_goes_on_to_the_bit_with_what_it_changes(tmp_path: Path) -> None:
    data = write_tones(tmp_path, TEXTS)
    options = {"hidden_size": 5, "num_layers": 1, "batch_size": 2, "schedule": "constant", "noisy": 0.5}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    bptt.train("transcribe", data, whole, epochs=3, progress=False, **options)
    bptt.train("transcribe", data, parts, epochs=1, progress=False, **options)
    bptt.train("transcribe", data, parts, epochs=3, resume=True, workers=2, progress=False)
    one, other = (load_file(run / "last" / "checkpoint.safetensors") for run in (whole, parts))
    assert one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)
    losses = [[json.loads(line)["loss"] for line in (run / "metrics.jsonl").open()] for run in (whole, parts)]
    assert losses[0] == losses[1]


def test_sounds_are_learned_from_answered_and_judged_by_speaker(tmp_path: Path, command: Command) -> None:
    data, run = (
        write_tones(tmp_path, ["ab", "ba c", "fed", "c", "bad", "a fe", "dd", "ace"]),
        tmp_path / "run",
    )
    small = "--epochs", 1, "--hidden", 5, "--layers", 1
    learned = command("train", "transcribe", data, "-o", run, *small)
    assert learned.code == 0
    assert "held out: 2 recordings of 1 speaker" in learned.err
    assert "transcripts: in small letters" in learned.err
    answered = command("predict", run, tmp_path / "0.wav", tmp_path / "1.wav", "--json")
    names = [json.loads(line)["name"] for line in answered.out.splitlines()]
    assert len(names) == 2
    assert command("predict", run, tmp_path).out.count("\n") == 8
    (found,) = bptt.load(run).predict([tmp_path / "0.wav"])
    samples = np.frombuffer((tmp_path / "0.wav").read_bytes()[44:], "<i2").astype(np.int16)
    for given in (samples, samples / 32768, np.stack([samples, samples], 1)):
        assert bptt.load(run).predict([(given, RATE)]) == [found]
    with pytest.raises(InputError, match=r"inputs\[0\]: the rate of samples is a whole number above 0"):
        bptt.load(run).predict([(samples, 0)])
    with pytest.raises(InputError, match=r"inputs\[0\]: must be samples, one or more numbers \(N,\)"):
        bptt.load(run).predict([(samples[:0], RATE)])
    (tmp_path / "others.tsv").write_text("path\ttext\n0.wav\ta#\n1.wav\t#-\n", encoding="utf-8")
    others = command("evaluate", run, tmp_path / "others.tsv")
    assert "others.tsv: 3 characters not learned, '#' 2, '-' 1" in others.err
    judged = command("evaluate", run, data)
    speakers = [line.split("\t")[0] for line in judged.out.splitlines() if line.startswith("speaker")]
    assert speakers == ["speaker", "speaker0", "speaker1", "speaker2", "speaker3"]
    begun = command("train", "transcribe", data, "-o", tmp_path / "more", "--init-from", run, *small[:2])
    assert begun.code == 0 and "tensors taken whole" in begun.err
