"""Names of pitches, keys and scales, as users write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bptt.errors import InputError

_NAMES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
# Semitones above the tonic.
SCALES: Mapping[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
}
_KEY = re.compile(r"([A-Ga-g])([#♯b♭]?)(m|min|maj)?(?::(\w+))?")
_PITCH = re.compile(r"([A-Ga-g])([#♯b♭]*)(-?\d+)")


def key_pitches(key: str) -> frozenset[int]:
    """Return the MIDI numbers in a key or scale, such as C, Am, F#m or D:dorian.

    Raises InputError if the key is not understood.
    """
    match = _KEY.fullmatch(key.strip())
    scale = None
    if match is not None:
        name = match[4] or ("minor" if (match[3] or "").startswith("m") and match[3] != "maj" else "major")
        scale = SCALES.get(name)
    if match is None or scale is None:
        rule = f"is a key such as C, Am or F#m, or a scale such as D:dorian ({', '.join(SCALES)})"
        raise InputError("key", rule, repr(key))
    tonic = _NAMES[match[1].upper()] + _SIGNS.get(match[2], 0)
    classes = {(tonic + step) % 12 for step in scale}
    return frozenset(pitch for pitch in range(128) if pitch % 12 in classes)


def pitch_number(option: str, name: str) -> int:
    """Return the MIDI number of a pitch such as C4 (60), Bb2 or 60. Raises InputError naming the option."""
    if name.strip().isdecimal() and int(name) < 128:
        return int(name)
    match = _PITCH.fullmatch(name.strip())
    if match is not None:
        found = 12 * (int(match[3]) + 1) + _NAMES[match[1].upper()] + sum(_SIGNS[sign] for sign in match[2])
        if 0 <= found < 128:
            return found
    raise InputError(option, "is a pitch such as C4 or Bb2, or a MIDI number from 0 to 127", repr(name))
