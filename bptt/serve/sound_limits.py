"""The limits of the sound in a request: a small body can hold a sound of hours."""

from __future__ import annotations

from pathlib import Path

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import SoundOptions
from bptt.data.audio.sound import Sound
from bptt.serve.http_problem import HttpProblem

# Rates of sound, in samples a second: a quarter of that of telephones, and four times that of studios.
_LEAST, _MOST = 2_000, 768_000
# Channels of a sound: more than microphones have.
_CHANNELS = 64


def check_form(rate: int, channels: int) -> None:
    """Raise HttpProblem 422 for a rate, or a number of channels, that no sound has.

    To resample, or to mix it, may take any time and memory.
    """
    if not _LEAST <= rate <= _MOST:
        rule = f"must have {_LEAST:,} to {_MOST:,} samples a second"
        raise HttpProblem(422, f"body: {rule}, got {rate:,}. Send the rate of the sound")
    if channels > _CHANNELS:
        rule = f"must have at most {_CHANNELS} channels"
        raise HttpProblem(422, f"body: {rule}, got {channels:,}. Send one of them")


def check_seconds(seconds: float, most: float) -> None:
    """Raise HttpProblem 413 for a sound of more than `most` seconds."""
    if seconds > most:
        raise HttpProblem(413, f"body: must be at most {most:g} s of sound, got more. Send it in parts")


def check_file(path: Path, most: float) -> None:
    """Raise HttpProblem as `check_form` and `check_seconds` do, for what the header of a file says.

    Raises InputError if the file is no sound.
    """
    with open_mono(Sound(path), SoundOptions()) as file:
        check_form(file.rate, file.channels)
        check_seconds(file.seconds, most)
