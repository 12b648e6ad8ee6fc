"""The sound of one note of each family of instruments: partials with envelopes, or noise, in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float32]

# Partials above this share of the sample rate would alias.
_HIGHEST = 0.45
# Seconds over which a note fades out after its end, whatever its timbre does by itself.
_CLICK = 0.003


@dataclass(frozen=True)
class Timbre:
    """A sound made of harmonics. Harmonic k has amplitude k ** -`slope`, steeper for soft notes by `dulling`,
    and decays as exp(-t k ** 0.5 / `decay`) (seconds; infinite: it is sustained) faster in the treble.
    `attack` and `release` are in seconds. `stiffness` sharpens high harmonics as a string does, `odd` weakens
    the even ones, `vibrato` is the depth in shares of the frequency.
    """

    partials: int
    slope: float
    dulling: float
    attack: float
    decay: float
    release: float
    stiffness: float = 0.0
    odd: float = 0.0
    vibrato: float = 0.0
    gain: float = 1.0


PIANO = Timbre(14, 1.1, 1.1, 0.003, 1.6, 0.12, 2e-4)
PLUCKED = Timbre(16, 1.0, 0.9, 0.002, 0.8, 0.08, 5e-5)
MALLET = Timbre(5, 1.6, 0.8, 0.002, 0.35, 0.15, 4e-3)
ORGAN = Timbre(8, 1.2, 0.3, 0.015, np.inf, 0.05, gain=0.55)
BASS = Timbre(10, 1.3, 1.0, 0.004, 1.0, 0.06, 1e-4, gain=1.3)
STRINGS = Timbre(14, 1.25, 0.8, 0.07, np.inf, 0.18, vibrato=0.003, gain=0.6)
BRASS = Timbre(12, 1.0, 1.2, 0.03, np.inf, 0.07, vibrato=0.0015, gain=0.5)
REED = Timbre(12, 1.15, 0.8, 0.02, np.inf, 0.06, odd=0.7, vibrato=0.002, gain=0.6)
FLUTE = Timbre(5, 2.2, 0.6, 0.04, np.inf, 0.08, vibrato=0.003, gain=0.8)
PAD = Timbre(8, 1.6, 0.5, 0.25, np.inf, 0.5, vibrato=0.002, gain=0.55)

# The families of General MIDI, eight programs each.
_FAMILIES = (
    PIANO, MALLET, ORGAN, PLUCKED, BASS, STRINGS, STRINGS, BRASS,
    REED, FLUTE, REED, PAD, PAD, PLUCKED, MALLET, PAD,
)  # fmt: skip
# Programs that are unlike their family: harpsichord and clavinet, pizzicato and harp, timpani.
_UNLIKE = {6: PLUCKED, 7: PLUCKED, 45: PLUCKED, 46: PLUCKED, 47: MALLET}


def timbre_of(program: int) -> Timbre:
    """Return the timbre of a program of General MIDI."""
    return _UNLIKE.get(program, _FAMILIES[program // 8 % len(_FAMILIES)])


def tone(timbre: Timbre, pitch: int, velocity: int, held: float, rate: int) -> Wave:
    """Return the sound (N,) of a key that is held for `held` seconds, its release included."""
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    strength = velocity / 127
    # High strings die away sooner: by half for each octave above middle C.
    decay = timbre.decay * min(2.0, 2.0 ** ((60 - pitch) / 18))
    # Sound that has fallen by 60 dB is not heard.
    audible = held if np.isinf(decay) else min(held, 7 * decay)
    count = max(1, round((audible + timbre.release) * rate))
    time = _times(count, rate)
    order = np.arange(1, timbre.partials + 1)
    heard = order * np.sqrt(1 + timbre.stiffness * order**2)
    order, heard = (each[heard * frequency < _HIGHEST * rate] for each in (order, heard))
    levels = order ** -(timbre.slope + timbre.dulling * (1 - strength))
    levels[order % 2 == 0] *= 1 - timbre.odd
    phase = np.float32(2 * np.pi * frequency) * time
    if timbre.vibrato:
        # 5.5 Hz, growing over the first half second.
        depth = np.float32(timbre.vibrato * frequency / 5.5) * np.minimum(1, 2 * time)
        phase += depth * np.sin(np.float32(2 * np.pi * 5.5) * time)
    found = np.zeros(count, np.float32)
    for level, multiple, harmonic in zip(levels, heard, order, strict=True):
        partial = np.sin(np.float32(multiple) * phase)
        if not np.isinf(decay):
            partial *= np.exp(time * np.float32(-np.sqrt(harmonic) / decay))
        found += np.float32(level) * partial
    found *= np.float32(timbre.gain * strength**1.5 / np.sqrt(np.square(levels).sum() + 1e-9))
    return _shaped(found, timbre, held, time, rate)


def _times(count: int, rate: int) -> Wave:
    """Return the time of each sample in seconds (N,)."""
    return np.arange(count, dtype=np.float32) / np.float32(rate)


def _shaped(found: Wave, timbre: Timbre, held: float, time: Wave, rate: int) -> Wave:
    """Return a sound with its attack, and its release after `held` seconds."""
    rise = min(len(found), max(1, round(timbre.attack * rate)))
    found[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32)) ** 2
    end = round(held * rate)
    if end < len(found):
        # To -40 dB at the end of the release, and from there to nothing.
        found[end:] *= np.exp(np.float32(-4.6 / timbre.release) * (time[end:] - time[end]))
    fade = min(len(found), max(1, round(_CLICK * rate)))
    found[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return found


@dataclass(frozen=True)
class Drum:
    """A sound of percussion: a tone that falls from `high` to `low` Hz, and noise above `cut` Hz; each with a
    level and the time (seconds) in which it falls to 1/e.
    """

    high: float
    low: float
    tone: float
    tone_decay: float
    noise: float
    noise_decay: float
    cut: float
    gain: float = 1.0


KICK = Drum(150, 48, 1.0, 0.12, 0.15, 0.008, 2000, 1.3)
SNARE = Drum(240, 180, 0.5, 0.07, 0.8, 0.09, 1200)
SIDE_STICK = Drum(900, 800, 0.6, 0.02, 0.5, 0.01, 2500, 0.8)
CLAP = Drum(0, 0, 0.0, 0.01, 1.0, 0.08, 1500, 0.9)
CLOSED_HAT = Drum(0, 0, 0.0, 0.01, 0.7, 0.03, 7000, 0.7)
OPEN_HAT = Drum(0, 0, 0.0, 0.01, 0.7, 0.22, 7000, 0.6)
CRASH = Drum(0, 0, 0.0, 0.01, 0.8, 0.7, 4500, 0.6)
RIDE = Drum(2900, 2850, 0.15, 0.25, 0.35, 0.3, 6500, 0.6)
LOW_TOM, MIDDLE_TOM, HIGH_TOM = (Drum(1.6 * f, f, 1.0, 0.18, 0.15, 0.02, 1500) for f in (85, 125, 180))
COWBELL = Drum(640, 630, 0.8, 0.08, 0.1, 0.02, 3000, 0.6)
SHAKER = Drum(0, 0, 0.0, 0.01, 0.5, 0.05, 6000, 0.5)
CONGA = Drum(300, 240, 0.9, 0.1, 0.2, 0.01, 2000, 0.8)

# General MIDI, and what Roland's electronic kits send for the rims and edges of the same drums.
_DRUMS = {
    35: KICK, 36: KICK, 37: SIDE_STICK, 38: SNARE, 39: CLAP, 40: SNARE, 41: LOW_TOM, 42: CLOSED_HAT,
    43: LOW_TOM, 44: CLOSED_HAT, 45: MIDDLE_TOM, 46: OPEN_HAT, 47: MIDDLE_TOM, 48: HIGH_TOM, 49: CRASH,
    50: HIGH_TOM, 51: RIDE, 52: CRASH, 53: RIDE, 54: SHAKER, 55: CRASH, 56: COWBELL, 57: CRASH, 58: LOW_TOM,
    59: RIDE, 22: CLOSED_HAT, 26: OPEN_HAT, 69: SHAKER, 70: SHAKER, 82: SHAKER,
}  # fmt: skip


def drum_of(pitch: int) -> Drum:
    """Return the sound of a pitch of percussion."""
    return _DRUMS.get(pitch, CONGA)


def stroke(drum: Drum, velocity: int, rate: int) -> Wave:
    """Return the sound (N,) of a stroke, the same at every call."""
    strength = velocity / 127
    longest = max(drum.tone_decay * bool(drum.tone), drum.noise_decay)
    count = max(1, round(5 * longest * rate))
    time = _times(count, rate)
    found = np.zeros(count, np.float32)
    if drum.tone:
        # The pitch falls with the skin's tension, over a third of the decay.
        fall = drum.tone_decay / 3
        swing = drum.low * time + (drum.high - drum.low) * fall * (1 - np.exp(-time / np.float32(fall)))
        falling = np.exp(-time / np.float32(drum.tone_decay))
        found += drum.tone * np.sin(np.float32(2 * np.pi) * swing) * falling
    noise = np.fft.rfft(np.random.default_rng(0).standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    # Soft strokes are duller: half as far into the treble.
    noise *= (frequencies > drum.cut) / (1 + (frequencies / (drum.cut * (1 + 5 * strength))) ** 2)
    hiss = np.fft.irfft(noise, count).astype(np.float32)
    hiss /= np.sqrt(np.mean(np.square(hiss))) + np.float32(1e-9)
    found += np.float32(drum.noise * 0.4) * hiss * np.exp(-time / np.float32(drum.noise_decay))
    found *= np.float32(drum.gain * strength**1.5)
    fade = min(count, max(1, round(_CLICK * rate)))
    found[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return found
