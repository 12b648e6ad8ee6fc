"""Sound files, resampling and features, beside libsndfile, the formulas of sines, and Kaldi."""

from __future__ import annotations

from pathlib import Path

import kaldi_native_fbank
import numpy as np
import pytest
import soundfile
import torch
from sounds import riff, tone, write_wav

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.feature_stream import FeatureStream
from bptt.data.audio.log_mel import LogMel
from bptt.data.audio.options import FeatureOptions, SoundOptions
from bptt.data.audio.resampling import Resampler, resample
from bptt.data.audio.sound import Sound
from bptt.data.audio.sound_file import open_sound
from bptt.errors import InputError

DRAW = np.random.default_rng(0)


def samples_of(path: Path, raw_rate: int = 0) -> np.ndarray:
    with open_sound(path, raw_rate) as file:
        return np.concatenate([file.read(1000) for _ in range(file.frames // 1000 + 1)])


@pytest.mark.parametrize(
    "coding", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
def test_wav_is_read_as_libsndfile_reads_it(coding: str, form: str, tmp_path: Path) -> None:
    samples, path = DRAW.uniform(-1, 1, (3001, 2)), tmp_path / "a.wav"
    soundfile.write(path, samples, 11_025, coding, format=form)
    truth, rate = soundfile.read(path, dtype="float32")
    with open_sound(path) as file:
        assert (file.rate, file.channels, file.frames, file.missing) == (rate, 2, 3001, 0)
        file.seek(1500)
        assert np.array_equal(file.read(10**6), truth[1500:])
    assert np.array_equal(samples_of(path), truth)


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3", "AIFF", "NIST"])
def test_other_formats_are_those_of_libsndfile(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{form.lower()}"
    soundfile.write(path, tone(0.3), 16_000, format=form)
    truth = soundfile.read(path, dtype="float32")[0]
    # The window of MP3 overlaps with the piece before: one rounding.
    assert np.abs(samples_of(path)[:, 0] - truth).max() < (1e-6 if form == "MP3" else 1e-30)
    with open_sound(path) as file:
        file.seek(2000)
        # Vorbis and MP3 begin anew.
        assert np.abs(file.read(10**6)[:, 0] - truth[2000:]).max() < 1e-4


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFFFFF, 10**6])
def test_a_wav_without_a_size_or_cut_is_read_to_its_end(claimed: int, tmp_path: Path) -> None:
    numbers = np.arange(-500, 500, dtype="<i2")
    path = tmp_path / "a.wav"
    path.write_bytes(riff(numbers.tobytes() + b"\1", 8000, 1, 16, size=claimed))
    assert np.array_equal(samples_of(path)[:, 0] * 32768, numbers)
    with open_sound(path) as file:
        assert file.missing == (10**6 // 2 - 1000 if claimed == 10**6 else 0)


def test_a_file_without_a_header_needs_a_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(np.arange(100, dtype="<i2").tobytes())
    assert np.array_equal(samples_of(path, 8000)[:, 0] * 32768, np.arange(100))
    with pytest.raises(InputError, match=r"a\.raw: must say its rate.*`raw_rate` 16000"):
        samples_of(path)


def kaldi(samples: np.ndarray, rate: int, shape: str, bands: int) -> np.ndarray:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither = rate, 0
    # Its "hann" is one sample longer; that of Kaldi is called "hanning".
    options.frame_opts.window_type = {"hann": "hanning"}.get(shape, shape)
    options.mel_opts.num_bins = bands
    found = kaldi_native_fbank.OnlineFbank(options)
    found.accept_waveform(rate, samples.tolist())
    return np.stack([found.get_frame(i) for i in range(found.num_frames_ready)])


@pytest.mark.parametrize(
    ("rate", "shape", "bands"), [(16_000, "povey", 40), (8000, "hann", 40), (16_000, "hamming", 80)]
)
def test_features_are_those_of_kaldi(rate: int, shape: str, bands: int) -> None:
    samples = (0.1 * DRAW.standard_normal(rate + 17)).astype(np.float32)
    truth = kaldi(samples, rate, shape, bands)
    # Kaldi's floor is the smallest step of a float.
    options = FeatureOptions(bands=bands, shape=shape, floor=float(np.finfo(np.float32).eps))
    found = LogMel(options, rate)(torch.from_numpy(samples))
    assert found.shape == truth.shape == (LogMel(options, rate).frames(len(samples)), bands)
    # An energy is a sum of 257 products, each of a Fourier sum of 400: some hundred roundings of 6e-8.
    assert np.abs(found.numpy() - truth).max() < 2e-4


def test_frames_are_counted_as_kaldi_does() -> None:
    features = LogMel(FeatureOptions(), 16_000)
    for count, frames in ((1, 1), (399, 1), (400, 1), (559, 1), (560, 2), (16_000, 98)):
        assert features.frames(count) == frames == len(features(torch.randn(count)))


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("chunk", [1, 80, 1601, 10**6])
def test_pieces_of_any_size_give_the_same_frames(rate: int, chunk: int) -> None:
    features = LogMel(FeatureOptions(), 16_000)
    samples = torch.from_numpy(DRAW.standard_normal(rate // 2 + 3).astype(np.float32))
    samples = samples[: rate // 8] if chunk == 1 else samples
    whole = features(resample(samples, rate, 16_000))
    stream = FeatureStream(features, rate)
    pieces = torch.cat([*map(stream.push, samples.split(chunk)), stream.finish()])
    assert torch.equal(pieces, whole)


def test_a_stream_keeps_no_more_than_it_needs() -> None:
    stream = FeatureStream(LogMel(FeatureOptions(), 16_000), 44_100)
    held = [len(stream.push(torch.randn(4410))) and len(stream._frames._held) for _ in range(30)]
    assert max(held) < 16_000 // 5


def gain(before: int, after: int, frequency: float) -> tuple[float, float]:
    """The amplitude of a sine of 1 at another rate, and of what is beside it, away from the ends."""
    found = resample(torch.from_numpy(tone(1, before, frequency, 1).astype(np.float32)), before, after)
    times = np.arange(len(found))[after // 4 : -after // 4] / after
    middle = found.double().numpy()[after // 4 : -after // 4]
    waves = np.stack([np.sin(2 * np.pi * frequency * times), np.cos(2 * np.pi * frequency * times)], 1)
    size = np.linalg.lstsq(waves, middle, rcond=None)[0]
    return float(np.hypot(*size)), float(np.std(middle - waves @ size) * 2**0.5)


RATES = [
    (8000, 16_000),
    (11_025, 16_000),
    (22_050, 16_000),
    (44_100, 16_000),
    (48_000, 16_000),
    (16_001, 16_000),
]


@pytest.mark.parametrize(("before", "after"), RATES)
def test_what_both_rates_hold_is_kept(before: int, after: int) -> None:
    lower = min(before, after) / 2
    for share in (0.01, 0.3, 0.7, 0.9):
        size, beside = gain(before, after, share * lower)
        # 0.001 dB; and the 92 dB of the window.
        assert abs(size - 1) < 1.2e-4
        assert beside < 2.6e-5


@pytest.mark.parametrize(("before", "after"), [pair for pair in RATES if pair[0] > 17_000])
def test_what_the_lower_rate_cannot_hold_is_gone(before: int, after: int) -> None:
    for share in (1.01, 1.1, before / after - 0.05):
        found = resample(
            torch.from_numpy(tone(0.5, before, share * after / 2, 1).astype(np.float32)), before, after
        )
        # 90 dB below.
        assert found[after // 8 : -after // 8].abs().max() < 3.2e-5


@pytest.mark.parametrize(("before", "after"), RATES)
def test_the_length_is_that_of_the_time(before: int, after: int) -> None:
    for count in (1, 2, before // 7):
        assert len(resample(torch.zeros(count), before, after)) == -(-count * after // before)


def test_resampled_pieces_come_as_soon_as_they_can() -> None:
    resampler, received, returned = Resampler(48_000, 16_000), 0, 0
    for piece in torch.randn(9600).split(480):
        received, returned = received + len(piece), returned + len(resampler.push(piece))
        # 64 zero crossings on either side, and a row of 16 results.
        assert received / 3 - returned <= 64 + 16 + 1


def test_one_channel_is_made_of_several(tmp_path: Path) -> None:
    left, right = tone(0.1), tone(0.1, frequency=700)
    path = write_wav(tmp_path / "a.wav", np.stack([left, right], 1))
    for channel, truth in ((0, (left + right) / 2), (1, left), (2, right)):
        with open_mono(Sound(path), SoundOptions(channel=channel)) as file:
            assert np.allclose(torch.cat(list(file.pieces())).numpy(), truth, atol=2**-15)
    with (
        pytest.raises(InputError, match="must have a channel 3"),
        open_mono(Sound(path), SoundOptions(channel=3)) as file,
    ):
        list(file.pieces())


def test_a_part_of_a_file_is_cut_out(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.arange(16_000) / 32768)
    with open_mono(Sound(path, 0.25, 0.5), SoundOptions()) as file:
        assert torch.equal(torch.cat(list(file.pieces())) * 32768, torch.arange(4000.0, 8000.0))
