"""Sounds without files of texts: the text is in the name of each file, or there is none."""

from __future__ import annotations

from pathlib import Path

from bptt.data.audio.sound import Sound
from bptt.data.examples import Example, note_left_out
from bptt.data.readers.speech.beside import find_files
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.utterances import Spoken, spoken
from bptt.errors import InputError


def read_named(source: Path, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read sounds whose text is in their names, by the pattern of the options.

    Sounds to learn from are left out and counted if the pattern finds nothing.
    """
    rows, others = [], []
    for path in _sounds(source):
        text = options.text_of(path.stem)
        if labelled and text is None:
            others.append(str(path))
        else:
            rows.append(Example(Sound(path), text, str(path), path.stem, options.speaker_of(path.stem)))
    notes = note_left_out(others, "have names in which `text_pattern` finds nothing")
    return spoken(str(source), rows, notes, labelled)


def read_sounds(source: Path, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read a file, or all files of a folder, without texts.

    Raises InputError if they are to be learned from.
    """
    if labelled:
        cure = (
            "Write a table with columns path and text; or a .txt beside each sound; or, if names hold the "
            "texts, give `text_pattern`"
        )
        raise InputError(str(source), "must have a text for each sound", "sounds alone", cure)
    rows: list[Example[Sound, str]] = []
    for path in _sounds(source):
        name = path.relative_to(source).as_posix() if source.is_dir() else path.name
        rows.append(Example(Sound(path), None, str(path), name, options.speaker_of(path.stem)))
    return spoken(str(source), rows, (), labelled)


def _sounds(source: Path) -> list[Path]:
    return find_files(source) if source.is_dir() else [source]
