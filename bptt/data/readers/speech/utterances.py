"""Sounds and texts joined by the name of the utterance; what has no partner is counted and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bptt.data.audio.sound import Sound
from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.errors import InputError

Spoken = Examples[Sound, str]

# Folders that are taken for speakers are at least as many.
_SPEAKERS = 4


@dataclass(frozen=True)
class SpokenText:
    """The text of an utterance and its place."""

    name: str
    text: str
    place: str


@dataclass
class Utterances:
    """The utterances of a source by their names, as its files are read one after the other.

    The first sound and the first text of a name count. `speakers` are those of some names.
    """

    where: str
    sounds: dict[str, Sound] = field(default_factory=dict)
    texts: dict[str, SpokenText] = field(default_factory=dict)
    speakers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)
    _twice: list[str] = field(default_factory=list)

    def add_sound(self, name: str, sound: Sound, place: str) -> None:
        """Add the sound of an utterance."""
        if name in self.sounds:
            self._twice.append(place)
        else:
            self.sounds[name], self._places[name] = sound, place

    def add_text(self, name: str, text: str, place: str) -> None:
        """Add the text of an utterance."""
        if name in self.texts:
            self._twice.append(place)
        else:
            self.texts[name] = SpokenText(name, one_line(text), place)

    def examples(self, labelled: bool) -> Spoken:
        """Return the utterances that have a sound; those to learn from, if `labelled`, need a text, too.

        Raises InputError if there are none.
        """
        rows: list[Example[Sound, str]] = []
        bare: list[str] = []
        for name, sound in self.sounds.items():
            line, place = self.texts.get(name), self._places[name]
            if line is None and labelled:
                bare.append(f"{name} ({place})")
            text = None if line is None else line.text
            rows.append(
                Example(sound, text, place if line is None else line.place, name, self.speakers.get(name, ""))
            )
        silent = [line.place for name, line in self.texts.items() if name not in self.sounds]
        self.notes += note_left_out(self._twice, "repeat the name of another")
        self.notes += note_left_out(silent, "have a text and no sound")
        self.notes += note_left_out(bare, "have a sound and no text")
        return spoken(self.where, rows, self.notes, labelled)


def spoken(where: str, rows: Iterable[Example[Sound, str]], notes: Sequence[str], labelled: bool) -> Spoken:
    """Return examples of sounds; to learn from, if `labelled`, only those that have a text.

    Raises InputError if there are none.
    """
    rows = list(rows)
    empty = [row.place for row in rows if row.target == ""]
    if labelled:
        rows = [row for row in rows if row.target]
        notes = (*notes, *note_left_out(empty, "have an empty text"))
    if not rows:
        got = "; ".join(notes) or "none"
        raise InputError(where, "must hold sounds, and a text for each to learn from", got)
    return gather(where, rows, notes=tuple(notes), labelled=labelled)


def with_speakers_of_folders(examples: Spoken) -> Spoken:
    """Return examples without speakers as spoken by those after whom the folders of their files are named.

    That is said, and done only for several folders of files; few may be something else.
    """
    folders = [row.input.path.parent for row in examples.rows]
    if examples.has_groups or len(set(folders)) < _SPEAKERS:
        return examples
    rows = tuple(replace(row, group=path.name) for row, path in zip(examples.rows, folders, strict=True))
    note = (
        f"speaker: the folder of each file ({len(set(folders)):,} of them; `speaker_pattern` says otherwise)"
    )
    return replace(examples, rows=rows, notes=(*examples.notes, note))


def one_line(text: str) -> str:
    """Return a text with single spaces between its words, and none at its ends."""
    return " ".join(text.split())


def by_stem(paths: Iterable[Path]) -> Mapping[str, Path]:
    """Return files by their names without the ending; of equal names the first in sorted order."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(path.stem, path)
    return found
