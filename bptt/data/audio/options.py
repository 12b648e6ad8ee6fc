"""The options of sound: how it is read, and its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bptt.errors import InputError
from bptt.options.field import check_fields, option

# The highest rate that is chosen by itself: speech has little above its half.
USUAL_RATE = 16_000
# A larger change of speed is no speech any more.
_FASTEST = 0.5


@dataclass(frozen=True)
class FeatureOptions:
    """Log-mel features: `bands`, and the windows that they are taken from, in milliseconds.

    The defaults are those of Kaldi. Energies in ±1 below `floor` count as `floor`: in the logarithm digital
    silence would dwarf all else. Raises InputError naming an option that is out of range.
    """

    bands: int = option(40, "Number of mel bands.", group="Sound", least=1)
    window: float = option(25.0, "Window in milliseconds.", group="Sound", flags="frame-window")
    hop: float = option(10.0, "Step between windows in milliseconds.", group="Sound", flags="frame-hop")
    shape: Literal["povey", "hann", "hamming"] = option(
        "povey", "Window function.", group="Sound", flags="frame-shape"
    )
    preemphasis: float = option(0.97, "Pre-emphasis.", group="Sound", share=True)
    low: float = option(
        20.0, "Lowest frequency of the bands in Hz.", group="Sound", flags="low-frequency", least=0
    )
    floor: float = option(
        1e-5, "Least energy of a band, for samples in ±1.", group="Sound", flags="energy-floor"
    )

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("window", "hop", "floor"):
            if getattr(self, name) <= 0:
                raise InputError(name, "is above 0", getattr(self, name))
        if self.hop > self.window:
            raise InputError("hop", f"is at most the window, {self.window} ms", self.hop)


@dataclass(frozen=True)
class SoundOptions(FeatureOptions):
    """How sound is read: resampled to `rate` (0: as `SoundCodec.learn` finds), all channels mixed or one
    `channel` taken, the first being 1, and normalised.

    `normalise` takes the mean out of each band and divides by its deviation: those of the training sounds,
    with which sound can be read as it arrives, or of each sound. Files without a header hold 16-bit numbers
    of one channel at `raw_rate`.
    """

    rate: int = option(
        0,
        "Sampling rate of the model.",
        usual="that of most training sounds, at most 16000",
        group="Sound",
        least=0,
    )
    channel: int = option(0, "Channel to read (0: the mean of all).", group="Sound", least=0)
    normalise: Literal["global", "utterance", "none"] = option(
        "global", "Normalisation of the features: by all training sounds, or by each sound.", group="Sound"
    )
    raw_rate: int = option(0, "Sampling rate of files without a header (.raw, .pcm).", group="Sound", least=0)


@dataclass(frozen=True)
class RawFormat:
    """Bare samples: numbers of 16 bits, `channels` of them at `rate` a second; `channel` is taken, the first
    being 1, or the mean of all (0). The low byte comes first ("i16"), or the high one ("i16be").
    """

    rate: int
    channels: int = 1
    channel: int = 0
    coding: Literal["i16", "i16be"] = "i16"


@dataclass(frozen=True)
class AugmentOptions:
    """Changes of training sounds, drawn anew for each epoch; 0 turns each of them off.

    The speed is 1 - `speed`, 1 or 1 + `speed`, with the pitch; the loudness changes by up to `gain` dB. Noise
    is added to a share `noisy` of the sounds, `snr` to `snr` + 20 dB below them: coloured noise, or that of
    the files in the folder `noise`. Up to `time_masks` stretches of up to `time_mask` frames, and
    `band_masks` of up to `band_mask` neighbouring bands, are replaced by the mean (SpecAugment, Park et al.
    2019). Raises InputError naming an option that is out of range.
    """

    speed: float = option(0.1, "Change of the speed of training sounds.", group="Augmentation", share=True)
    gain: float = option(
        6.0, "Largest change of the loudness of training sounds in dB.", group="Augmentation", least=0
    )
    noisy: float = option(0.0, "Share of training sounds to add noise to.", group="Augmentation", share=True)
    noise: Path | None = option(
        None, "Folder of noise to add to training sounds.", usual="coloured noise", group="Augmentation"
    )
    snr: float = option(10.0, "Lowest signal-to-noise ratio of added noise in dB.", group="Augmentation")
    time_masks: int = option(2, "Stretches of time to mask (SpecAugment).", group="Augmentation", least=0)
    time_mask: int = option(10, "Longest masked stretch in frames.", group="Augmentation", least=0)
    band_masks: int = option(2, "Groups of bands to mask (SpecAugment).", group="Augmentation", least=0)
    band_mask: int = option(6, "Most bands of a masked group.", group="Augmentation", least=0)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.speed > _FASTEST:
            raise InputError("speed", f"is at most {_FASTEST}", self.speed)
        if self.noise is not None and not self.noisy:
            raise InputError("noise", "needs a share of sounds to add it to", 0, "Give it: `noisy` 0.5")
