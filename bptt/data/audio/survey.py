"""A survey of training sounds: their lengths, rates and faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bptt.data.audio.decoding import MonoFile
from bptt.data.audio.options import USUAL_RATE, SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.audio.sound_file import open_sound

# Shares of samples at full scale, and of the whole range, from which a sound is said to be faulty.
_CLIPPED, _OFFSET, _SILENT = 0.001, 0.05, 1e-4


@dataclass(frozen=True)
class SoundFacts:
    """One sound: its `rate`, `channels`, `seconds`, and the names of its `faults`."""

    rate: int
    channels: int
    seconds: float
    faults: tuple[str, ...]

    @classmethod
    def of(cls, file: MonoFile, options: SoundOptions) -> SoundFacts:
        """Return the facts of a sound that was read to its end."""
        heard = file.heard
        seconds = heard.samples / file.rate
        shown = {
            f"are sampled below the {options.rate:,} a second of the model": file.rate < options.rate,
            "end before their header says": file.missing > 0,
            "are silent": heard.peak < _SILENT,
            "have channels that cancel (`channel` takes one)": heard.cancels and not options.channel,
            "are clipped": heard.clipped > _CLIPPED * heard.samples,
            "have a constant offset": abs(heard.total) > _OFFSET * heard.samples,
            "are shorter than a window, and padded": seconds * 1000 < options.window,
        }
        return cls(file.rate, file.channels, seconds, tuple(fault for fault, there in shown.items() if there))


@dataclass
class Survey:
    """Counts over many sounds, and the first file with each fault."""

    rates: Counter[int] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    _first: dict[str, Path] = field(default_factory=dict)

    def add(self, sound: Sound, facts: SoundFacts) -> None:
        """Take a sound into account."""
        self.rates[facts.rate] += 1
        self.channels[facts.channels] += 1
        self.seconds += facts.seconds
        for fault in facts.faults:
            self.faults[fault] += 1
            self._first.setdefault(fault, sound.path)

    @property
    def size(self) -> str:
        """The number of sounds, and their length, in words."""
        return f"sound: {sum(self.rates.values()):,} of {_duration(self.seconds)}"

    def notes(self, options: SoundOptions) -> list[str]:
        """Return lines for the user: how many sounds were changed, and how many have which fault."""
        others = ((rate, count) for rate, count in self.rates.most_common() if rate != options.rate)
        shown = ", ".join(f"{count:,} of {rate:,}" for rate, count in others)
        found = [f"resampled to {options.rate:,} samples a second: {shown}"] if shown else []
        several = sum(number for channels, number in self.channels.items() if channels > 1)
        if several:
            taken = f"of channel {options.channel}" if options.channel else "mixed (`channel` takes one)"
            found.append(f"sounds of several channels, {taken}: {several:,}")
        faults = self.faults.items()
        return [
            *found,
            *(f"sounds that {why}: {count:,}, such as {self._first[why]}" for why, count in faults),
        ]


def usual_rate(sounds: Sequence[Sound], options: SoundOptions) -> int:
    """Return the rate that the user has chosen, or that of most sounds, at most 16,000 a second.

    Raises InputError if a file cannot be opened.
    """
    if options.rate:
        return options.rate
    rates: Counter[int] = Counter()
    for path in dict.fromkeys(sound.path for sound in sounds):
        with open_sound(path, options.raw_rate) as file:
            rates[file.rate] += 1
    return min(USUAL_RATE, rates.most_common(1)[0][0])


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
