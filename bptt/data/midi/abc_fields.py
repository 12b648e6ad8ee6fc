"""The fields of ABC notation: key, metre, unit, tempo, and the names of chords."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import takewhile

from bptt.data.midi.bars import Metre

# The length of a note without a number, if no field L says it, by whether the metre is shorter than 3/4.
DEFAULT_UNITS = {False: Fraction(1, 8), True: Fraction(1, 16)}

_ORDER = "FCGDAEB"  # in which sharps are added; flats in the reverse order
_SHARPS = {letter: number - 1 for number, letter in enumerate(_ORDER)}
# Sharps more than the major key of the same tonic.
_MODES = {
    "maj": 0,
    "ion": 0,
    "mix": -1,
    "dor": -2,
    "min": -3,
    "aeo": -3,
    "m": -3,
    "phr": -4,
    "loc": -5,
    "lyd": 1,
}
# A sum of more is no bar; so has MIDI.
_MOST_BEATS = 255
# Digits of a tempo, and the microseconds a quarter that MIDI holds.
_DIGITS, _SLOWEST = 4, 0xFFFFFF
_BEAT = re.compile(r"\d{1,3}/[1-9]\d{0,2}")
_KEY = re.compile(r"\s*([A-G])([#b]?)\s*([A-Za-z]*)")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_CHORD = re.compile(r"\(?([A-G])([#b]?)([^/()]*)(?:/([A-Ga-g])([#b+]?)[,']*)?\)?$")
# Semitones above the root; the longest name that fits counts.
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "d": (0, 3, 6),
    "a": (0, 4, 8),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "9": (0, 4, 7, 10, 14),
    "7b9": (0, 4, 7, 10, 13),
    "a7": (0, 4, 8, 10),
    "d7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "5": (0, 7),
}
_SPELLINGS = {
    "maj": "", "M": "", "min": "m", "-": "m", "dim": "d", "o": "d", "aug": "a", "+": "a", "M7": "maj7",
    "min7": "m7", "-7": "m7", "dim7": "d7", "o7": "d7", "sus": "sus4", "+7": "a7", "m9": "m7", "add9": "",
}  # fmt: skip
# The lowest root of an accompaniment: G below the bass clef's C.
_LOWEST_ROOT = 43


def parse_length(text: str) -> Fraction:
    """Return a length such as 3, 3/2, /, // or /4 as a fraction; an empty one is 1."""
    whole, slash, rest = text.partition("/")
    halves = 1 + rest.count("/")
    below = rest.strip("/ ")
    return Fraction(int(whole or 1), (int(below) or 1 if below else 2**halves) if slash else 1)


def parse_metre(text: str) -> Metre | None:
    """Return beats and unit of a field M such as 6/8, C, C| or 2+3/8; None for free metre."""
    text = text.strip()
    if text.startswith("C"):
        return (2, 2) if text.startswith("C|") else (4, 4)
    found = re.match(r"\(?([\d+\s]{1,40})\)?/\s*(\d{1,2})(?!\d)", text)
    if not found:
        return None
    beats, unit = sum(int(each) for each in re.findall(r"\d+", found[1])), int(found[2])
    return (beats, unit) if 0 < beats <= _MOST_BEATS and unit in (1, 2, 4, 8, 16, 32, 64) else None


def parse_tempo(text: str, unit: Fraction) -> int | None:
    """Return the microseconds a quarter of a field Q such as 1/4=120, or 120 units a minute; None if it is
    none.
    """
    text = re.sub(r'"[^"]*"', "", text)
    before, _, behind = text.partition("=")
    beats = list(takewhile(_BEAT.fullmatch, reversed(before.split())))
    number = re.match(r"\s*(\d+)", behind) if beats else re.search(r"\d+$", text.rstrip()[-_DIGITS - 1 :])
    if number is None or len(number[0].strip()) > _DIGITS:
        return None
    beat, rate = sum(map(Fraction, beats[:_MOST_BEATS])) if beats else unit, int(number[0])
    quarter = round(60e6 / rate / float(beat * 4)) if rate and beat else 0
    return quarter if 0 < quarter <= _SLOWEST else None


def parse_key(text: str) -> tuple[int, bool, dict[str, int]] | None:
    """Return sharps, whether the mode is minor, and explicit accidentals of a field K; None if it is none.

    Bagpipes (HP, Hp) play F and C sharp.
    """
    text = re.sub(
        r"\b(?:clef|octave|transpose|middle|stafflines|style|staff)=\S+|\b(?:treble|bass|alto)\S*", "", text
    )
    marked = {
        letter.upper(): {"^": 1, "_": -1, "=": 0}[sign]
        for sign, letter in re.findall(r"([\^_=])([A-Ga-g])", text)
    }
    if text.strip().startswith(("HP", "Hp")):
        return 2, False, {}
    if not text.strip() or text.strip().startswith("none"):
        return 0, False, marked
    found = _KEY.match(text)
    if not found:
        return None
    tonic, sign, mode = found.groups()
    mode = mode if mode == "M" else mode[:3].lower()
    change = _MODES.get("m" if mode == "m" else mode, 0 if mode in ("", "M", "exp") else None)
    if change is None:
        return None
    sharps = _SHARPS[tonic] + 7 * {"#": 1, "b": -1, "": 0}[sign] + change
    if mode == "exp":
        sharps = 0
    return (sharps, mode in ("min", "aeo", "m"), marked) if abs(sharps) <= 7 else None


def key_accidentals(key: tuple[int, bool, dict[str, int]]) -> dict[str, int]:
    """Return what the key signature does to each letter."""
    sharps, _, marked = key
    letters = _ORDER[:sharps] if sharps > 0 else _ORDER[sharps:] if sharps < 0 else ""
    return {**dict.fromkeys(letters, 1 if sharps > 0 else -1), **marked}


def parse_chord(text: str) -> tuple[int, ...] | None:
    """Return the pitches of a chord name such as Em7 or D/f+, bass included; None if it is none."""
    found = _CHORD.match(text.strip())
    if not found:
        return None
    letter, sign, quality, bass, bass_sign = found.groups()
    quality = _SPELLINGS.get(quality.strip(), quality.strip())
    if quality not in _QUALITIES:
        return None
    root = _low(_STEPS[letter] + {"#": 1, "b": -1, "": 0}[sign])
    pitches = [root + step for step in _QUALITIES[quality]]
    if bass:
        low = _low(_STEPS[bass.upper()] + {"#": 1, "+": 1, "b": -1, "": 0}[bass_sign])
        pitches.append(low - 12 if low > root else low)
    return tuple(sorted(set(pitches)))


def _low(pitch_class: int) -> int:
    """Return the pitch of a class in the octave from the lowest root on."""
    return _LOWEST_ROOT + (pitch_class - _LOWEST_ROOT) % 12
