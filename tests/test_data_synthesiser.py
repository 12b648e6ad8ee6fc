"""The synthesiser: pitch, length and loudness measured in its sound; no clipping; faster than real time."""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from tunes import melody

from bptt.data.midi.score import Note, Score, Tempo
from bptt.data.midi.synthesiser import RATE, synthesise, wav_bytes, write_wav
from bptt.data.midi.timbres import drum_of, stroke, timbre_of, tone
from bptt.errors import InputError


def loudness(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))


def brightness(sound: np.ndarray) -> float:
    """The mean frequency of the power, in Hz."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


@pytest.mark.parametrize("program", range(0, 128, 8))
@pytest.mark.parametrize("pitch", [33, 57, 81, 105])
def test_a_tone_has_its_pitch(program: int, pitch: int) -> None:
    sound = tone(timbre_of(program), pitch, 90, 1.0, RATE)
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    bins = np.fft.rfftfreq(len(sound), 1 / RATE)
    near = np.abs(bins - frequency) < frequency / 3
    # Within a bin, or the 6 cents of a vibrato and a stiff string.
    assert bins[near][spectrum[near].argmax()] == pytest.approx(frequency, abs=bins[1] + 0.0035 * frequency)


@pytest.mark.parametrize("program", range(0, 128, 8))
def test_loud_notes_are_louder_and_brighter(program: int) -> None:
    soft, loud = (tone(timbre_of(program), 60, velocity, 0.5, RATE) for velocity in (30, 120))
    assert loudness(loud) > 2 * loudness(soft)
    assert brightness(loud) > brightness(soft)


def test_a_piano_dies_away_and_an_organ_does_not() -> None:
    piano, organ = (tone(timbre_of(program), 60, 90, 3.0, RATE) for program in (0, 16))
    early, late = slice(RATE // 10, RATE // 2), slice(2 * RATE, 5 * RATE // 2)
    assert loudness(piano[late]) < 0.5 * loudness(piano[early])
    assert loudness(organ[late]) == pytest.approx(loudness(organ[early]), rel=0.05)


@pytest.mark.parametrize("program", [0, 16, 48])
def test_a_tone_ends_without_a_click(program: int) -> None:
    sound = tone(timbre_of(program), 60, 100, 0.3, RATE)
    assert abs(sound[0]) < 1e-3
    assert abs(sound[-1]) < 1e-3
    # No step is larger than a sine of 5 kHz at its loudest makes.
    assert np.abs(np.diff(sound)).max() < 2 * np.pi * 5000 / RATE * np.abs(sound).max()
    assert len(sound) < RATE * (0.3 + timbre_of(program).release) + 2


def test_drums_differ() -> None:
    kick, snare, hat = (stroke(drum_of(pitch), 100, RATE) for pitch in (36, 38, 42))
    assert brightness(kick) < 400 < brightness(snare) < brightness(hat)
    assert len(hat) < len(snare)
    assert np.array_equal(kick, stroke(drum_of(36), 100, RATE))


def test_notes_sound_when_they_should() -> None:
    score = Score((Note(480, 60, 240, 100, 16), Note(1440, 72, 240, 100, 16)), 480, (Tempo(0, 1_000_000),))
    sound = synthesise(score)
    heard = [
        loudness(sound[round(at * RATE) : round((at + 0.3) * RATE)]) > 0.01 for at in (0.5, 1.1, 2.5, 3.1)
    ]
    assert heard == [False, True, False, True]
    # An organ does not ring on.
    assert len(sound) / RATE == pytest.approx(3.5 + 0.05 + 0.15, abs=0.1)


def test_many_loud_notes_do_not_clip() -> None:
    score = Score(tuple(Note(0, pitch, 960, 127) for pitch in range(30, 90)))
    sound = synthesise(score)
    assert np.abs(sound).max() < 0.98
    assert loudness(sound) > 0.05


def test_treble_is_on_the_right_and_a_quiet_tune_is_left_quiet() -> None:
    high = synthesise(Score((Note(0, 100, 480, 100),)))
    assert loudness(high[:, 1]) > 1.5 * loudness(high[:, 0])
    loud, quiet = (synthesise(Score((Note(0, 60, 480, velocity),))) for velocity in (100, 50))
    assert loudness(quiet[: len(loud)]) < 0.5 * loudness(loud)


def test_the_sound_of_a_tune_is_a_wav_file(tmp_path: Path) -> None:
    score = melody(1, 2, drums=True)
    with wave.open(io.BytesIO(wav_bytes(score))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples).max() > 2000
    assert wav_bytes(score) == wav_bytes(score)
    write_wav(score, tmp_path / "a.wav")
    with pytest.raises(InputError, match="must be the name of a new file"):
        write_wav(score, tmp_path / "a.wav")


def test_faster_than_real_time() -> None:
    score = melody(1, 16, drums=True)
    synthesise(melody(2, 1))
    begin = time.process_time()
    synthesise(score)
    assert time.process_time() - begin < score.seconds / 20


def test_odd_scores() -> None:
    assert synthesise(Score(())).shape[1] == 2
    assert np.isfinite(synthesise(Score((Note(0, 127, 0, 1), Note(0, 0, 480, 127))))).all()
    endless = Score((Note(0, 60, 480 * 2 * 600),))
    assert len(synthesise(endless)) < 40 * RATE
    with pytest.raises(InputError, match="three hours"):
        synthesise(Score((Note(0, 60, 480 * 2 * 4 * 3600),)))
