"""Transcripts of many sounds in one file: of LibriSpeech, AISHELL, and CMU Sphinx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bptt.data.audio.sound import ENDINGS, Sound
from bptt.data.readers.document import read_document
from bptt.data.readers.listed_files import ListedFiles
from bptt.data.readers.speech.beside import find_files
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.utterances import Spoken, Utterances, by_stem, with_speakers_of_folders
from bptt.errors import InputError

TRANS = ".trans.txt"
FILEIDS, TRANSCRIPTION = ".fileids", ".transcription"

# The name of an utterance, in brackets at the end of its line.
_NAME = re.compile(r"[^()\s]+")
_MARKS = frozenset(("<s>", "</s>", "<sil>"))
# How many folders above that of its sounds the transcript of AISHELL may be.
_ABOVE = 4
# Lines that show that a file is a transcript.
_SHOWN = 50


def read_librispeech(folder: Path, labelled: bool) -> Spoken:
    """Read the sounds beside each S-C.trans.txt, whose lines are S-C-NNNN and the words; S is the speaker."""
    found = Utterances(str(folder))
    for sound in find_files(folder):
        found.add_sound(sound.stem, Sound(sound), str(sound))
        found.speakers[sound.stem] = sound.stem.split("-")[0]
    for path in sorted(folder.rglob("*" + TRANS)):
        for name, text, place in _named_lines(path):
            found.add_text(name, text, place)
    return found.examples(labelled)


def find_transcript(folder: Path) -> Path | None:
    """Return the file that names the sounds of a folder and their texts: a text in it, or in a folder
    `transcript` of it or above it.
    """
    names = by_stem(find_files(folder))
    if not names:
        return None
    above = [folder.resolve(), *folder.resolve().parents][:_ABOVE]
    places = [folder, *(each / "transcript" for each in above)]
    texts = (path for place in places if place.is_dir() for path in sorted(place.glob("*.txt")))
    return next((path for path in texts if _is_transcript(path, names.keys())), None)


def read_transcript(source: Path, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read a folder of sounds, and one file whose lines are the name of a sound and its words, as AISHELL has
    them; or that file, whose sounds are beside it or in `wav` above it.

    Texts of sounds that are in other folders are no fault.
    """
    transcript = source if source.is_file() else find_transcript(source)
    assert transcript is not None
    folder = source if source.is_dir() else _folder_of(transcript)
    found = Utterances(str(source))
    for sound in find_files(folder):
        found.add_sound(sound.stem, Sound(sound), str(sound))
        found.speakers[sound.stem] = options.speaker_of(sound.stem)
    others = 0
    for name, text, place in _named_lines(transcript):
        if name in found.sounds:
            found.add_text(name, text, place)
        else:
            others += 1
    found.notes.append(f"texts: {transcript}" + (f"; {others:,} of other sounds" if others else ""))
    return with_speakers_of_folders(found.examples(labelled))


def names_sounds(path: Path) -> bool:
    """Return whether a text file is a transcript of sounds that are beside it or in `wav` above it."""
    folder = _folder_of(path)
    return _is_transcript(path, by_stem(find_files(folder)).keys())


def read_sphinx(path: Path, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read X.fileids, a path without ending on each line, and X.transcription, whose lines end in (id).

    The marks <s> and </s> are left out. The sounds are in `wav`, or where the paths lead from the folder of
    the lists or the one above. Raises InputError with the line of a sound that is not there.
    """
    ids, lines = path.with_suffix(FILEIDS), path.with_suffix(TRANSCRIPTION)
    found = Utterances(str(path))
    if ids.is_file():
        files = ListedFiles(ids, sorted(ENDINGS))
        for place, line in read_document(ids).numbered():
            if line.strip():
                sound = files.find(line.strip(), place)
                found.add_sound(sound.stem, Sound(sound), place)
                found.speakers[sound.stem] = options.speaker_of(sound.stem)
    if lines.is_file():
        for name, text, place in _sphinx_lines(lines):
            found.add_text(name, text, place)
    return with_speakers_of_folders(found.examples(labelled))


def _sphinx_lines(path: Path) -> Iterator[tuple[str, str, str]]:
    for place, line in read_document(path).numbered():
        if not line.strip():
            continue
        text, _, name = line.rstrip().rpartition("(")
        if not name.endswith(")") or not _NAME.fullmatch(name[:-1]):
            raise InputError(place, "must end in the name of its sound: WORDS (id)", line[:80])
        words = [word for word in text.split() if word not in _MARKS]
        # Some lists have the path of the sound in place of its name.
        yield name[:-1].rpartition("/")[2], " ".join(words), place


def _named_lines(path: Path) -> Iterator[tuple[str, str, str]]:
    for place, line in read_document(path).numbered():
        if line.strip():
            name, *text = line.split(None, 1)
            yield name, text[0] if text else "", place


def _is_transcript(path: Path, names: object) -> bool:
    with path.open("rb") as file:
        starts = [line.split(None, 1)[:1] for line, _ in zip(file, range(_SHOWN), strict=False)]
    first = [start[0].decode("utf-8", "replace") for start in starts if start]
    # A part of the data may lie elsewhere: some are enough.
    return bool(first) and any(name in names for name in first)  # type: ignore[operator]


def _folder_of(transcript: Path) -> Path:
    """Return the folder of the sounds of a transcript."""
    wav = transcript.parent.parent / "wav"
    return wav if transcript.parent.name == "transcript" and wav.is_dir() else transcript.parent
