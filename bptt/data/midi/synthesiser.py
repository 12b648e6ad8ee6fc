"""A score as sound: a small synthesiser, and its WAV file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bptt.data.audio.pcm_wav import pcm_wav
from bptt.data.memory import check_memory
from bptt.data.midi.score import Note, Score
from bptt.data.midi.timbres import Timbre, Wave, drum_of, stroke, timbre_of, tone
from bptt.errors import InputError
from bptt.files import write_new

RATE = 32_000  # samples a second: treble up to 14 kHz
# Of a note that sounds this long (seconds) the rest is silent; a file may hold one that never ends.
_LONGEST_NOTE = 30.0
# Beyond this much sound the file would be larger than 1.4 GB.
_LONGEST = 3 * 3600
SILENT_START = 0.05  # seconds
# The loudest sample; and up to where loudness is left as it is.
_CEILING, _KNEE = 0.97, 0.6
# Of one note at full velocity.
_LEVEL = 0.25
# Where drums are on the stage, -1 is left; a piano has its treble on the right.
_WIDTH = 0.35
_DRUM_PLACES = {42: 0.3, 44: 0.3, 46: 0.3, 22: 0.3, 26: 0.3, 49: -0.4, 57: 0.5, 51: -0.4, 43: -0.5, 48: 0.3}


def synthesise(score: Score, rate: int = RATE) -> npt.NDArray[np.float32]:
    """Return the sound of a score (N, 2), within ±1: left and right.

    Raises InputError for a score of more than three hours, MachineError if memory does not hold the sound.
    """
    if score.seconds > _LONGEST:
        rule = "must last three hours at most to be made audible"
        raise InputError("score", rule, f"{score.seconds:,.0f} s")
    onsets = score.seconds_at([note.onset for note in score.notes]) + SILENT_START
    ends = score.seconds_at([note.end for note in score.notes]) + SILENT_START
    # 4 s for the last note to die away.
    count = round((max(ends, default=0.0) + 4) * rate)
    check_memory("sound", 3 * 8 * count)
    found = np.zeros((2, count), np.float32)
    known: dict[tuple[object, ...], Wave] = {}
    for note, onset, end in zip(score.notes, onsets.tolist(), ends.tolist(), strict=True):
        sound = _sound(note, min(end - onset, _LONGEST_NOTE), rate, known)
        start = round(onset * rate)
        left, right = _gains(note)
        part = found[:, start : start + len(sound)]
        part[0] += left * sound[: part.shape[1]]
        part[1] += right * sound[: part.shape[1]]
    return _levelled(found, rate).T


def _sound(note: Note, held: float, rate: int, known: dict[tuple[object, ...], Wave]) -> Wave:
    """Return the sound of a note; equal ones are made once."""
    # Velocities and lengths that cannot be heard apart share a sound.
    velocity, length = -(-note.velocity // 4) * 4 - 1, max(0.02, round(held * 100) / 100)
    timbre: Timbre | None = None if note.drum else timbre_of(note.program)
    key = (note.pitch, velocity, None if note.drum else length, timbre)
    if key not in known:
        drawn = stroke(drum_of(note.pitch), velocity, rate) if timbre is None else None
        made = tone(timbre, note.pitch, velocity, length, rate) if timbre is not None else drawn
        assert made is not None
        known[key] = made * np.float32(_LEVEL)
    return known[key]


def _gains(note: Note) -> tuple[np.float32, np.float32]:
    """Return the gains of left and right, of constant power."""
    place = _DRUM_PLACES.get(note.pitch, 0.0) if note.drum else _WIDTH * (note.pitch - 64) / 44
    angle = (1 + max(-1.0, min(1.0, place))) * np.pi / 4
    return np.float32(np.cos(angle) * np.sqrt(2)), np.float32(np.sin(angle) * np.sqrt(2))


def _levelled(found: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """Return sound without its silent end, and with its peaks bent below the ceiling."""
    loudness = np.abs(found).max(0)
    heard = np.flatnonzero(loudness > 1e-4)
    found = found[:, : (heard[-1] + 1 if len(heard) else 0) + rate // 10]
    # The bulk of the sound sets the gain; the few peaks above the knee are bent, not cut.
    usual = float(np.quantile(loudness[heard], 0.995)) if len(heard) else 0.0
    if usual > _KNEE:
        found = found * np.float32(_KNEE / usual)
    above = np.abs(found) > _KNEE
    room = _CEILING - _KNEE
    bent = _KNEE + room * np.tanh((np.abs(found) - _KNEE) / room)
    return np.where(above, np.sign(found) * bent, found).astype(np.float32)


def wav_bytes(score: Score, rate: int = RATE) -> bytes:
    """Return the sound of a score as a WAV file, 16 bit, stereo. Raises as `synthesise` does."""
    return pcm_wav(synthesise(score, rate), rate)


def write_wav(score: Score, path: Path, rate: int = RATE) -> None:
    """Write the sound of a score as a WAV file. Raises InputError if there is a file of that name already,
    MachineError if it cannot be written, and as `synthesise` does.
    """
    write_new(path, wav_bytes(score, rate))
