"""What sound costs: decoding, resampling, features and random changes, in processor seconds an hour of sound.

python benchmarks/sound.py
python benchmarks/sound.py --rounds 9 --minutes 2

The sound is noise, made here. All contenders take turns in this process, on one thread; shown is the median
over the rounds. Kaldi's features are those of kaldi-native-fbank, with the same options.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from statistics import median

import kaldi_native_fbank
import numpy as np
import soundfile
import torch
from torch import Tensor

from bptt.data.audio.augmentation import Augmentation
from bptt.data.audio.decoding import open_mono
from bptt.data.audio.feature_stream import FeatureStream
from bptt.data.audio.log_mel import LogMel, LogMelStream
from bptt.data.audio.options import AugmentOptions, FeatureOptions, SoundOptions
from bptt.data.audio.resampling import resample
from bptt.data.audio.sound import Sound

RATE = 16_000
# An utterance of speech, and what a microphone hands over at once.
SECONDS, CHUNK = 5, RATE // 100


def main() -> None:
    """Measure, and print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=1.0, help="sound in each round")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    count = max(1, round(asked.minutes * 60 / SECONDS))
    draw = np.random.default_rng(0)
    sounds = [0.1 * draw.standard_normal(SECONDS * RATE).astype(np.float32) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        work = contenders(sounds, Path(folder))
        spent: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(asked.rounds + 1):
            for name, do in work.items():
                began = time.process_time()
                do()
                spent[name].append(time.process_time() - began)
    print("| | processor seconds an hour of sound |\n|---|---|")
    for name, times in spent.items():
        # The first round fills tables and caches.
        print(f"| {name} | {median(times[1:]) * 3600 / (count * SECONDS):.1f} |")


def contenders(sounds: list[np.ndarray], folder: Path) -> Mapping[str, Callable[[], object]]:
    """Return the work that is measured, by its name; each takes all sounds once."""
    paths = [folder / f"{n}.flac" for n in range(len(sounds))]
    for path, sound in zip(paths, sounds, strict=True):
        soundfile.write(path, sound, RATE)
    tensors = [torch.from_numpy(sound) for sound in sounds]
    features, options = LogMel(FeatureOptions(), RATE), SoundOptions(rate=RATE)
    augmentation = Augmentation(AugmentOptions(noisy=0.5), options)
    return {
        "decoded from FLAC": lambda: [decoded(path, options) for path in paths],
        "resampled from 44,100": lambda: [resample(sound, 44_100, RATE) for sound in longer(tensors)],
        "40 bands": lambda: [features(sound) for sound in tensors],
        "40 bands, 10 ms at a time": lambda: [streamed(sound, features) for sound in tensors],
        "40 bands by kaldi-native-fbank": lambda: [kaldi(sound) for sound in sounds],
        "changed at random, and 40 bands": lambda: [
            changed(sound, augmentation, features, n) for n, sound in enumerate(tensors)
        ],
    }


def longer(sounds: list[Tensor]) -> list[Tensor]:
    """Return sounds of the same duration at 44,100 a second."""
    return [sound.repeat(3)[: SECONDS * 44_100] for sound in sounds]


def decoded(path: Path, options: SoundOptions) -> Tensor:
    """Return the samples of a file."""
    with open_mono(Sound(path), options) as file:
        return torch.cat(list(file.pieces()))


def streamed(sound: Tensor, features: LogMel) -> Tensor:
    """Return features of sound that arrives in small pieces."""
    stream = FeatureStream(features, RATE)
    return torch.cat([*map(stream.push, sound.split(CHUNK)), stream.finish()])


def changed(sound: Tensor, augmentation: Augmentation, features: LogMel, number: int) -> Tensor:
    """Return features of a sound with changes drawn by its number."""
    variation, stream = augmentation.draw(Random(number)), LogMelStream(features)
    frames = torch.cat(
        [*map(stream.push, augmentation.changed(iter([sound]), RATE, variation)), stream.finish()]
    )
    return variation.mask(frames, frames.mean(0))


def kaldi(sound: np.ndarray) -> np.ndarray:
    """Return the features of Kaldi."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither = RATE, 0
    options.mel_opts.num_bins = 40
    found = kaldi_native_fbank.OnlineFbank(options)
    found.accept_waveform(RATE, sound.tolist())
    return np.stack([found.get_frame(number) for number in range(found.num_frames_ready)])


if __name__ == "__main__":
    main()
