"""Sounds as inputs of a model: learned, kept in a run, changed at random; and every kind of broken file."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import soundfile
import torch
from sounds import riff, tone, write_wav

from bptt.data.audio import libsndfile
from bptt.data.audio.augmentation import Augmentation
from bptt.data.audio.options import AugmentOptions, SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.examples import Example
from bptt.errors import InputError
from bptt.models.codecs.sound import SoundCodec
from bptt.models.encoded import encode_inputs
from bptt.models.inputs import SeriesInput
from bptt.models.moments import Moments

DRAW = np.random.default_rng(1)
OFF = {"speed": 0.0, "gain": 0.0, "time_masks": 0, "band_masks": 0}


def some(folder: Path, count: int = 5, rate: int = 8000) -> list[Sound]:
    return [
        Sound(write_wav(folder / f"{n}.wav", tone(0.2 + 0.1 * n, rate, 200 + 50 * n, 0.1 * (n + 1)), rate))
        for n in range(count)
    ]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_codec_learns_rate_lengths_and_moments(workers: int, tmp_path: Path) -> None:
    sounds = some(tmp_path, 40)
    codec = SoundCodec.learn(sounds, SoundOptions(bands=13), workers)
    assert codec.options.rate == 8000
    frames = [codec.encode(sound)[0] for sound in sounds]
    assert [codec.length(sound) for sound in sounds] == list(map(len, frames))
    part, truth = codec.part(), SeriesInput(13)
    truth.fit(frames)
    assert torch.allclose(part.mean, truth.mean, rtol=1e-6)
    assert torch.allclose(part.deviation, truth.deviation, rtol=1e-6)


def test_the_rate_is_that_of_most_files_at_most_that_of_speech(tmp_path: Path) -> None:
    assert SoundCodec.learn(some(tmp_path / "a", 3, 44_100), SoundOptions()).options.rate == 16_000
    assert SoundCodec.learn(some(tmp_path / "b", 3, 8000), SoundOptions(rate=11_025)).options.rate == 11_025


def test_a_run_keeps_how_sound_is_read(tmp_path: Path) -> None:
    codec = SoundCodec.learn(some(tmp_path), SoundOptions(bands=23, floor=1e-3, shape="hann"))
    for name, content in codec.files().items():
        (tmp_path / name).write_bytes(content)
    assert SoundCodec.load(tmp_path).options == codec.options
    (tmp_path / "sound.json").write_text('{"bands": "many"}', "utf-8")
    with pytest.raises(InputError):
        SoundCodec.load(tmp_path)


def test_each_sound_may_be_normalised_by_itself(tmp_path: Path) -> None:
    sound, silent = (
        Sound(write_wav(tmp_path / f"{n}.wav", loud * DRAW.normal(0, 1, 9000), 8000))
        for n, loud in ((1, 0.1), (2, 0))
    )
    codec = SoundCodec.learn([sound, silent], SoundOptions(normalise="utterance"))
    # Not its rounding, which a division by itself would blow up.
    assert torch.equal(codec.encode(silent)[0], torch.zeros(111, 40))
    (found,) = codec.encode(sound)
    assert torch.allclose(found.mean(0), torch.zeros(40), atol=1e-5)
    assert torch.allclose(found.std(0, correction=0), torch.ones(40), atol=1e-4)
    with pytest.raises(InputError, match="normalise: is not `utterance`"):
        codec.stream(8000)


def test_moments_are_those_of_all_steps() -> None:
    parts = [torch.from_numpy(DRAW.normal(100, 2, (n, 3))) for n in (1, 50, 0, 700)]
    moments, whole = Moments(3), torch.cat(parts)
    for part in parts:
        moments.add(part)
    assert torch.allclose(moments.mean, whole.mean(0), rtol=1e-12)
    assert torch.allclose(moments.deviation, whole.std(0, correction=0), rtol=1e-12)
    constant = Moments(1)
    constant.add(torch.full((99, 1), 0.1))
    assert constant.deviation.item() == 1


def draws(tmp_path: Path, workers: int, epochs: range) -> list[torch.Tensor]:
    sounds = some(tmp_path)
    codec = SoundCodec.learn(sounds, SoundOptions(), changes=AugmentOptions(noisy=0.9))
    rows = [Example(sound, None, sound.path.name) for sound in sounds]
    inputs = encode_inputs(codec, rows, 0, False, workers, seed=7)
    found = []
    for epoch in epochs:
        inputs.expect((epoch, [row]) for row in range(len(rows)))
        found += [inputs.take([row], epoch)[0][0] for row in range(len(rows))]
    return found


def test_changes_depend_on_seed_epoch_and_example_alone(tmp_path: Path) -> None:
    whole = draws(tmp_path, 0, range(4))
    assert all(map(torch.equal, draws(tmp_path, 3, range(4)), whole))
    # As a resumed run goes on.
    assert all(map(torch.equal, draws(tmp_path, 1, range(2, 4)), whole[10:]))
    assert not any(torch.equal(one, other) for one, other in zip(whole[:5], whole[5:10], strict=True))


def test_speed_changes_length_and_pitch(tmp_path: Path) -> None:
    options = SoundOptions(rate=16_000)
    augmentation = Augmentation(AugmentOptions(**{**OFF, "speed": 0.1}), options)
    found = set()
    for seed in range(20):
        piece = torch.from_numpy(tone(1, frequency=1000).astype(np.float32))
        played = torch.cat(list(augmentation.changed(iter([piece]), 16_000, augmentation.draw(Random(seed)))))
        peak = np.abs(np.fft.rfft(played.numpy())).argmax() * 16_000 / len(played)
        found.add((len(played), round(float(peak))))
    assert found == {(17_778, 900), (16_000, 1000), (14_546, 1100)}


@pytest.mark.parametrize("of_files", [False, True])
def test_noise_is_as_loud_as_was_drawn(of_files: bool, tmp_path: Path) -> None:
    folder = write_wav(tmp_path / "noise/a.wav", DRAW.normal(0, 0.1, 9000), 8000).parent if of_files else None
    options = AugmentOptions(**{**OFF, "noisy": 0.999, "noise": folder, "snr": 5.0})
    augmentation = Augmentation(options, SoundOptions(rate=16_000))
    for seed in range(5):
        variation = augmentation.draw(Random(seed))
        assert variation.noise is not None and 5 <= variation.noise.snr <= 25
        piece = torch.from_numpy(tone(3).astype(np.float32))
        (noisy,) = augmentation.changed(iter([piece]), 16_000, variation)
        ratio = 10 * torch.log10(piece.square().mean() / (noisy - piece).square().mean())
        assert abs(float(ratio) - variation.noise.snr) < 1e-3


def test_loudness_changes_by_no_more_than_was_said() -> None:
    augmentation = Augmentation(AugmentOptions(**{**OFF, "gain": 6.0}), SoundOptions(rate=16_000))
    gains = [augmentation.draw(Random(seed)).gain for seed in range(200)]
    assert 10 ** (-6 / 20) <= min(gains) < 0.6 and 1.8 < max(gains) <= 10 ** (6 / 20)


def test_masks_put_the_mean_in_place() -> None:
    options = AugmentOptions(**{**OFF, "time_masks": 2, "band_masks": 1, "time_mask": 9, "band_mask": 4})
    augmentation = Augmentation(options, SoundOptions(rate=16_000))
    frames, fill = torch.zeros(100, 40), torch.arange(1.0, 41.0)
    for seed in range(50):
        masked = augmentation.draw(Random(seed)).mask(frames, fill)
        assert torch.equal(masked, torch.where(masked > 0, fill, 0.0))
        bands, times = (masked > 0).all(0), (masked > 0).all(1)
        assert bands.sum() <= 4 and times.sum() <= 18
        assert torch.equal(masked > 0, bands[None, :] | times[:, None])
    assert len(augmentation.draw(Random(3)).mask(torch.zeros(1, 40), fill)) == 1


def raw(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "a.wav"
        path.write_bytes(data)
        return path

    return make


def wav(samples: np.ndarray, rate: int = 16_000) -> Callable[[Path], Path]:
    return lambda folder: write_wav(folder / "a.wav", samples, rate)


def floats(*bad: float) -> Callable[[Path], Path]:
    numbers = np.concatenate([tone(0.1), bad, tone(0.1)]).astype("<f4")
    return raw(riff(numbers.tobytes(), 16_000, 1, 32, tag=3))


def cut(form: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"a.{form.lower()}"
        soundfile.write(path, DRAW.normal(0, 0.1, 16_000), 16_000, format=form)
        path.write_bytes(path.read_bytes()[:-9000])
        return path

    return make


def named(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


NUMBERS = np.round(tone(0.5) * 32767).astype("<i2").tobytes()
WHOLE = riff(NUMBERS, 16_000, 1, 16)
LOUD, BESIDE = tone(0.5, loud=1.5), tone(0.5)[:, None]

# Every one is refused with the file and the place, or read and counted.
BROKEN: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "empty": (raw(b""), "error", r"a\.wav: must hold sound, got an empty file"),
    "header cut": (raw(WHOLE[:30]), "error", "must have a fmt chunk of 16 bytes"),
    "no chunk of samples": (raw(WHOLE[:36]), "error", "must be a WAV file with a chunk of samples"),
    "no fmt chunk": (raw(WHOLE[:12] + WHOLE[36:]), "error", "must have a fmt chunk before its samples"),
    "no channels": (
        raw(riff(NUMBERS, 16_000, 0, 16)),
        "error",
        "must have channels and a rate, got 0 channels",
    ),
    "no rate": (raw(riff(NUMBERS, 0, 1, 16)), "error", "must have channels and a rate"),
    "no samples": (raw(riff(b"", 16_000, 1, 16)), "error", "must hold sound, got no samples"),
    "samples cut": (raw(WHOLE[:-3001]), "note", "end before their header says: 1"),
    "one sample": (raw(riff(NUMBERS[:2], 16_000, 1, 16)), "note", "are shorter than a window, and padded: 1"),
    "short": (wav(tone(0.02)), "note", "are shorter than a window, and padded: 1"),
    "silent": (wav(np.zeros(8000)), "note", "are silent: 1"),
    "NaN": (floats(np.nan), "error", r"must be finite numbers, got NaN or infinity at 0\.100 s"),
    "infinite": (floats(0.0, np.inf), "error", "must be finite numbers"),
    "no scale": (
        floats(0.5, -1e30),
        "error",
        r"must be numbers in ±1, or on the scale .* got -1e\+30 at 0\.",
    ),
    "antiphase": (
        wav(np.hstack([BESIDE, -BESIDE])),
        "note",
        r"have channels that cancel \(`channel` takes one\): 1",
    ),
    "clipped": (wav(LOUD), "note", "are clipped: 1"),
    "offset": (wav(tone(0.5) + 0.2), "note", "have a constant offset: 1"),
    "low rate": (
        wav(tone(0.5, 8000), 8000),
        "note",
        r"are sampled below the 16,000 a second of the model: 1",
    ),
    "stereo": (wav(np.hstack([BESIDE, 0.5 * BESIDE])), "note", r"sounds of several channels, mixed .*: 1"),
    "a text": (
        raw(b"this is no sound at all, but a text of some length"),
        "error",
        "must be a sound file: WAV",
    ),
    "without header": (named("a.raw", NUMBERS), "error", r"must say its rate.*`raw_rate` 16000"),
    "FLAC cut": (cut("FLAC"), "error", r"a\.flac: must be an undamaged sound file"),
    "MP3 of zeros": (named("a.mp3", bytes(5000)), "error", "must be a sound file: WAV"),
    "video": (
        named("a.wav", struct.pack("<4sI4s", b"RIFF", 99, b"AVI ") + bytes(99)),
        "error",
        "must be a sound file",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_or_counted(case: str, tmp_path: Path) -> None:
    make, kind, match = BROKEN[case]
    sound = Sound(make(tmp_path))
    if kind == "error":
        with pytest.raises(InputError, match=match) as caught:
            SoundCodec.learn([sound], SoundOptions(rate=16_000))
        assert caught.value.where == str(sound.path)
        return
    codec = SoundCodec.learn([sound], SoundOptions(rate=16_000))
    assert codec.encode(sound)[0].isfinite().all()
    notes = [line for line in codec.describe() if not line.startswith("sound: ")]
    assert any(re.search(match, line) for line in notes), notes


def test_what_was_read_is_said_once(tmp_path: Path) -> None:
    codec = SoundCodec(SoundOptions(rate=16_000))
    assert codec.conclude() == []
    for sound in some(tmp_path, 3):
        codec.encode(sound)
    first = tmp_path / "0.wav"
    assert codec.conclude() == [
        "resampled to 16,000 samples a second: 3 of 8,000",
        f"sounds that are sampled below the 16,000 a second of the model: 3, such as {first}",
    ]


def test_a_cut_beyond_the_end_is_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(0.5))
    with pytest.raises(InputError, match=r"must hold sound, got no samples from 2\.0 s on"):
        SoundCodec.learn([Sound(path, 2.0, 3.0)], SoundOptions(rate=16_000))


def test_without_soundfile_wav_is_read_and_all_else_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.flac", tone(0.1), 16_000)
    monkeypatch.setattr(libsndfile, "soundfile", None)
    SoundCodec.learn(some(tmp_path), SoundOptions())
    with pytest.raises(InputError, match=r"needs soundfile.*pip install 'bptt\[audio\]'"):
        SoundCodec.learn([Sound(tmp_path / "a.flac")], SoundOptions())
