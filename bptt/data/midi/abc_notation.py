"""A tune in ABC notation as elements of time: notes, rests, bar lines, repeats, changes of key and metre."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

from bptt.data.midi.abc_fields import (
    DEFAULT_UNITS,
    key_accidentals,
    parse_chord,
    parse_key,
    parse_length,
    parse_metre,
    parse_tempo,
)
from bptt.data.midi.bars import Metre


@dataclass(frozen=True)
class SoundedNotes:
    """The notes of one onset; a rest has none. `length` is in whole notes; `tied` pitches go on."""

    pitches: tuple[int, ...]
    length: Fraction
    tied: frozenset[int] = frozenset()


@dataclass(frozen=True)
class BarLine:
    """A bar line, and what it says about repeats; `double`: the end of a section."""

    ends_repeat: bool = False
    begins_repeat: bool = False
    double: bool = False


@dataclass(frozen=True)
class Ending:
    """The beginning of bars that are played in these repetitions alone."""

    numbers: frozenset[int]


@dataclass(frozen=True)
class PartName:
    """The beginning of a part that the order of parts names."""

    name: str


@dataclass(frozen=True)
class ChordName:
    """A chord of the accompaniment, from here on; no pitches: none."""

    pitches: tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """A change of time signature, or of tempo in microseconds a quarter, or of key in sharps and mode."""

    metre: Metre | None = None
    quarter: int | None = None
    key: tuple[int, bool] | None = None


Element = SoundedNotes | BarLine | Ending | PartName | ChordName | Change

_LENGTH = r"\d{0,4}(?:/{1,8}(?:[12]?\d{1,2})?)?"  # of a note, in units
# Numbers and marks have the lengths that music has; what is longer ends in signs that are not understood.
# Sums of fractions of larger numbers have as many digits as there are notes.
_TOKEN = re.compile(
    r"""(?P<annotation>"[^"]*"?)
    | \[(?P<inline>[A-Za-z]):(?P<value>[^\[\]]{0,200})\]
    | (?P<bar>:*\[?\|+[\]|:]*(?:\[(?=\d))?|::+)(?P<ending>\d[\d,\-]*)?
    | \[(?P<bracketed>\d[\d,\-]*)
    | (?P<opening>\[)
    | (?P<closing>\])(?P<chordlength>LENGTH)(?P<chordtie>-?)
    | (?P<note>[\^_=]{0,2}[A-Ga-g][,']*)(?P<length>LENGTH)(?P<tie>-?)
    | (?P<rest>[zx])(?P<restlength>LENGTH)
    | (?P<bars>[ZX])(?P<count>\d{0,3})
    | \{(?P<grace>[^}]*)\}?
    | \((?P<tuplet>\d)(?::(?P<time>\d?))?(?::(?P<many>\d?))?
    | (?P<broken>>{1,3}|<{1,3})
    | (?P<overlay>&[^|]*)
    | ![^!\s]*! | \+[a-z]+\+ | [()~.uvHLMOPRSTJ+\\$`y\s*-]
    | (?P<unknown>.)
    """.replace("LENGTH", _LENGTH),
    re.VERBOSE,
)
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"^": 1, "_": -1, "=": 0}
# Notes in the time of others, where a tuplet does not say it; of 5, 7 and 9 it depends on the metre.
_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}


@dataclass
class Voice:
    """One voice while it is read: `elements` so far, and what lasts."""

    unit: Fraction
    metre: Metre | None
    key: dict[str, int]
    elements: list[Element] = field(default_factory=list)
    # Accidentals of this bar, by letter and octave; pitches whose tie waits for the next note.
    _marked: dict[str, int] = field(default_factory=dict)
    _tied: dict[str, int] = field(default_factory=dict)
    _scales: list[Fraction] = field(default_factory=list)
    _broken: Fraction = Fraction(1)
    # The place of the last note or rest.
    _last: int | None = None
    _chord: list[tuple[int, bool, Fraction]] | None = None

    @property
    def sounds(self) -> bool:
        """Whether the voice has a note."""
        return any(isinstance(element, SoundedNotes) and element.pitches for element in self.elements)

    def read(self, line: str, counts: Counter[str]) -> None:
        """Take a line of music, or what is between two changes of voice."""
        for found in _TOKEN.finditer(line):
            if found["note"] is not None:
                self._note(found)
            elif found["annotation"] is not None:
                self._annotation(found["annotation"].strip('"'), counts)
            elif found["inline"] is not None:
                self.set_field(found["inline"], found["value"], counts)
            elif found["opening"] is not None:
                self._chord = []
            elif found["closing"] is not None:
                self._close(parse_length(found["chordlength"]), bool(found["chordtie"]))
            elif found["rest"] is not None:
                self._sound((), parse_length(found["restlength"]) * self.unit)
            elif found["bars"] is not None:
                beats, unit = self.metre or (4, 4)
                self._sound((), Fraction(beats, unit) * int(found["count"] or 1))
            elif found["grace"] is not None:
                counts["grace notes left out"] += len(re.findall(r"[A-Ga-g]", found["grace"]))
            elif found["tuplet"] is not None:
                self._tuplet(int(found["tuplet"]), found["time"], found["many"])
            elif found["bar"] is not None or found["bracketed"] is not None:
                self._bar(found["bar"] or "", found["ending"] or found["bracketed"])
            elif found["broken"] is not None:
                self._break(found["broken"])
            elif found["overlay"] is not None:
                counts["second voices within a bar (&) left out"] += 1
            elif found["unknown"] is not None:
                counts[f"signs that are not understood, such as {found['unknown']}"] += 1

    def set_field(self, name: str, value: str, counts: Counter[str]) -> None:
        """Take a field in or between lines: K, L, M, P or Q; others say nothing about the notes."""
        match name:
            case "K":
                key = parse_key(value)
                if key is None:
                    counts["keys that are not understood"] += 1
                else:
                    self.key = key_accidentals(key)
                    self.elements.append(Change(key=key[:2]))
            case "L":
                unit = re.fullmatch(r"\s*1(/(?:[12]\d\d|[1-9]\d?))?\s*", value)
                if unit is None:
                    counts["units of length that are not understood"] += 1
                else:
                    self.unit = parse_length(unit[1] or "")
            case "M":
                metre = parse_metre(value)
                self.metre = metre
                if metre is not None:
                    self.elements.append(Change(metre=metre))
            case "P":
                self.elements.append(PartName(value.strip()[:1]))
            case "Q":
                quarter = parse_tempo(value, self.unit)
                if quarter is not None:
                    self.elements.append(Change(quarter=quarter))

    def _note(self, found: re.Match[str]) -> None:
        signs, letter, octave = re.fullmatch(r"([\^_=]*)([A-Ga-g])([,']*)", found["note"]).groups()  # type: ignore[union-attr]
        height = (5 if letter.isupper() else 6) + octave.count("'") - octave.count(",")
        place = f"{letter.upper()}{height}"
        if signs:
            self._marked[place] = sum(_ACCIDENTALS[sign] for sign in signs)
        change = self._marked.get(place, self._tied.get(place, self.key.get(letter.upper(), 0)))
        pitch = min(max(12 * height + _STEPS[letter.upper()] + change, 0), 127)
        tied, length = bool(found["tie"]), parse_length(found["length"])
        self._tied.pop(place, None)
        if tied:
            self._tied[place] = change
        if self._chord is not None:
            self._chord.append((pitch, tied, length))
        else:
            self._sound((pitch,), length * self.unit, frozenset({pitch} if tied else ()))

    def _close(self, length: Fraction, tied: bool) -> None:
        """End a chord: it lasts as long as its first note, times the number behind it."""
        if self._chord:
            pitches = tuple(pitch for pitch, _, _ in self._chord)
            going_on = frozenset(pitch for pitch, each, _ in self._chord if each or tied)
            self._sound(pitches, self._chord[0][2] * length * self.unit, going_on)
        self._chord = None

    def _sound(self, pitches: tuple[int, ...], length: Fraction, tied: frozenset[int] = frozenset()) -> None:
        scale = self._scales.pop(0) if self._scales else Fraction(1)
        self._last = len(self.elements)
        self.elements.append(SoundedNotes(pitches, length * scale * self._broken, tied))
        self._broken = Fraction(1)

    def _tuplet(self, notes: int, time: str | None, many: str | None) -> None:
        compound = self.metre is not None and self.metre[0] % 3 == 0 and self.metre[1] == 8
        in_time = int(time or 0) or _TUPLETS.get(notes, 3 if compound else 2)
        self._scales = [Fraction(in_time, max(1, notes))] * (int(many or 0) or notes)

    def _break(self, signs: str) -> None:
        """Scale the note before a broken rhythm and the one behind it, unless another waits for that."""
        if self._last is None or self._broken != 1:
            return
        longer, shorter = 2 - Fraction(1, 2 ** len(signs)), Fraction(1, 2 ** len(signs))
        before, self._broken = (longer, shorter) if signs[0] == ">" else (shorter, longer)
        last = self.elements[self._last]
        assert isinstance(last, SoundedNotes)
        self.elements[self._last] = SoundedNotes(last.pitches, last.length * before, last.tied)

    def _bar(self, sign: str, ending: str | None) -> None:
        if sign:
            self._marked = {}
            double = "||" in sign or "]" in sign or "[|" in sign
            parts = sign.strip(":")
            both = sign.count(":") > 1 and not parts
            ends, begins = sign.startswith(":"), both or (sign.endswith(":") and bool(parts))
            self.elements.append(BarLine(ends, begins, double))
        if ending:
            self.elements.append(Ending(_numbers(ending)))

    def _annotation(self, text: str, counts: Counter[str]) -> None:
        if not text.strip() or text[0] in "^_<>@":
            return
        pitches = parse_chord(text)
        if pitches is None:
            counts["chord names that are not understood"] += 1
        else:
            self.elements.append(ChordName(pitches))


def _numbers(text: str) -> frozenset[int]:
    """Return the repetitions that an ending such as 1,3 or 1-3 is for; there are none after the 99th."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)-*(?:(?<=-)(\d+))?", text):
        if len(first) <= 2 and len(last) <= 2:
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def new_voice(fields: dict[str, str], counts: Counter[str]) -> Voice:
    """Return a voice at the beginning of a tune, with the fields of its head."""
    metre = parse_metre(fields.get("M", "4/4"))
    short = metre is not None and Fraction(*metre) < Fraction(3, 4)
    voice = Voice(DEFAULT_UNITS[short], metre, {})
    for name in "LMKQ":
        if name in fields:
            voice.set_field(name, fields[name], counts)
    return voice
