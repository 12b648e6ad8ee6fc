"""A score as a tune in ABC notation: bars, voices, ties over bar lines, accidentals by the key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from bptt.data.midi.abc_fields import key_accidentals
from bptt.data.midi.bars import Bar, bars_of
from bptt.data.midi.key_profiles import estimate_key
from bptt.data.midi.score import KeySignature, Note, Score
from bptt.errors import InputError
from bptt.files import write_new

# Steps a quarter: thirds and 32nds. A duration without a number is an eighth.
_RESOLUTION, _UNIT = 24, 12
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {0: "=", 1: "^", -1: "_"}
_BARS_A_LINE = 4
# Tonics of major keys by rising fifths: F has one flat, C nothing, G one sharp.
_FIFTHS = "FCGDAEB"

# Step, duration, pitches.
_Chord = tuple[int, int, tuple[int, ...]]


def write_abc(score: Score, path: Path, number: int = 1) -> None:
    """Write a score as an ABC file. Raises InputError if there is a file of that name already, or as
    `abc_text` does; MachineError if it cannot be written.
    """
    write_new(path, abc_text(score, number).encode())


def abc_text(score: Score, number: int = 1) -> str:
    """Return a score as a tune, without percussion, velocities and programs, on a grid of 24 steps a quarter.

    Each track is a voice, or several where notes of different length sound together. The key is that of the
    score, or estimated. Raises InputError if no note has a pitch.
    """
    voices = [voice for track in range(score.tracks) for voice in _voices(score, track)]
    if not voices:
        rule = "must have a note with a pitch to be written as ABC"
        raise InputError("score", rule, "none", "Write it as .mid or .wav, which hold percussion")
    signature = score.key_signatures[0] if score.key_signatures else estimate_key(score).signature
    bars = list(_bars(score, voices))
    title = re.sub(r"\s+", " ", score.title) or "untitled"
    beats, unit = bars[0].metre
    rate = round(60e6 / score.tempo_at(0))
    fields = {"X": number, "T": title, "M": f"{beats}/{unit}", "L": "1/8", "Q": f"1/4={rate}"}
    fields["K"] = _key_name(signature)
    accidentals = key_accidentals((signature.sharps, signature.minor, {}))
    lines = []
    for place, voice in enumerate(voices):
        lines += [f"V:{place + 1}"] if len(voices) > 1 else []
        lines += _written(voice, bars, accidentals, signature.sharps)
    return "\n".join([*(f"{name}:{value}" for name, value in fields.items()), *lines, ""])


def _key_name(signature: KeySignature) -> str:
    """Return the name of a key, such as Bbm."""
    fifths = signature.sharps + (4 if signature.minor else 1)
    sign = "#" * (fifths // 7) if fifths >= 0 else "b"
    return _FIFTHS[fifths % 7] + sign + ("m" if signature.minor else "")


def _voices(score: Score, track: int) -> list[list[_Chord]]:
    """Return the chords of a track, in as many voices as keep chords of one voice from overlapping."""
    scale = Fraction(_RESOLUTION, score.ticks_per_quarter)
    groups: dict[tuple[int, int], set[int]] = {}
    for note in score.notes:
        if note.track == track and not note.drum:
            start, end = _placed(note, scale)
            groups.setdefault((start, end), set()).add(note.pitch)
    voices: list[list[_Chord]] = []
    for (start, end), pitches in sorted(groups.items(), key=lambda group: (group[0], -max(group[1]))):
        free = next((voice for voice in voices if voice[-1][0] + voice[-1][1] <= start), None)
        if free is None:
            voices.append(free := [])
        free.append((start, end - start, tuple(sorted(pitches))))
    return voices


def _placed(note: Note, scale: Fraction) -> tuple[int, int]:
    start, end = (round(tick * scale) for tick in (note.onset, note.end))
    return start, max(end, start + 1)


def _bars(score: Score, voices: Sequence[Sequence[_Chord]]) -> Iterator[Bar]:
    """Yield the bars until the last note has ended."""
    end = max(start + length for voice in voices for start, length, _ in voice)
    last = Bar(0, 0, (4, 4))
    for last in bars_of(score, _RESOLUTION):
        yield last
    length = last.end - last.start
    while last.end < end:
        last = Bar(last.end, last.end + length, last.metre)
        yield last


def _written(voice: Sequence[_Chord], bars: Sequence[Bar], key: dict[str, int], sharps: int) -> list[str]:
    """Return the lines of a voice."""
    found: list[str] = []
    line: list[str] = []
    place, metre = 0, bars[0].metre
    pending = list(voice)
    for number, bar in enumerate(bars):
        text = [] if bar.metre == metre else [f"[M:{bar.metre[0]}/{bar.metre[1]}]"]
        metre, now, marked = bar.metre, bar.start, dict[str, int]()
        while place < len(pending) and pending[place][0] < bar.end:
            start, length, pitches = pending[place]
            text += [f"z{_length(start - now)}"] if start > now else []
            cut = min(length, bar.end - start)
            text.append(_chord(pitches, cut, cut < length, key, marked, sharps))
            now = start + cut
            if cut < length:
                pending[place] = (now, length - cut, pitches)
                break
            place += 1
        text += [f"z{_length(bar.end - now)}"] if now < bar.end else []
        line.append(" ".join(text))
        if len(line) == _BARS_A_LINE or number == len(bars) - 1:
            found.append(" | ".join(line) + (" |]" if number == len(bars) - 1 else " |"))
            line = []
    return found


def _chord(
    pitches: Sequence[int], length: int, tied: bool, key: dict[str, int], marked: dict[str, int], sharps: int
) -> str:
    names = [_name(pitch, key, marked, sharps) for pitch in pitches]
    text = f"[{''.join(names)}]" if len(names) > 1 else names[0]
    return f"{text}{_length(length)}{'-' if tied else ''}"


def _name(pitch: int, key: dict[str, int], marked: dict[str, int], sharps: int) -> str:
    """Return the letter of a pitch with its octave, and an accidental if key and bar do not say it."""
    candidates = [
        (letter, change, (pitch - change - step) // 12)
        for letter, step in _STEPS.items()
        for change in (0, 1, -1)
        if (pitch - change - step) % 12 == 0
    ]
    wanted = 1 if sharps >= 0 else -1

    def cost(candidate: tuple[str, int, int]) -> tuple[bool, int]:
        letter, change, _ = candidate
        # As the key has it, then a natural, then a sharp in a key of sharps.
        return change != key.get(letter, 0), 0 if change == 0 else 1 if change == wanted else 2

    letter, change, octave = min(candidates, key=cost)
    place = f"{letter}{octave}"
    sign = "" if marked.get(place, key.get(letter, 0)) == change else _SIGNS[change]
    marked[place] = change
    if octave >= 6:
        return f"{sign}{letter.lower()}" + "'" * (octave - 6)
    return f"{sign}{letter}" + "," * (5 - octave)


def _length(steps: int) -> str:
    """Return a length in eighths, such as 2, /2 or 2/3; nothing for one."""
    share = Fraction(steps, _UNIT)
    above, below = share.numerator, share.denominator
    return (str(above) if above != 1 else "") + (f"/{below}" if below != 1 else "")
