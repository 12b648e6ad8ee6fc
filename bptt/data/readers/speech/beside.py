"""A text beside each sound: a.wav and a.txt, in one tree or in two, and a.wav.trn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bptt.data.audio.sound import ENDINGS, Sound
from bptt.data.readers.document import read_document
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.utterances import Spoken, Utterances, by_stem, with_speakers_of_folders
from bptt.errors import InputError

_TRN = ".trn"


def find_files(folder: Path, endings: frozenset[str] = ENDINGS) -> list[Path]:
    """Return the files of these endings anywhere in a folder, sorted, those of hidden names left out."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in endings and _is_seen(path, folder)
    )


def texts_beside(folder: Path) -> dict[Path, Path]:
    """Return the text of each sound that has one: beside it, or of the same name in another tree of the
    folder, as VCTK has them.
    """
    sounds = find_files(folder)
    texts = find_files(folder, frozenset((".txt",)))
    exact = {path.with_suffix(""): path for path in texts}
    found = {sound: exact[sound.with_suffix("")] for sound in sounds if sound.with_suffix("") in exact}
    if found or not texts:
        return found
    # p225_001_mic1.flac of the newer VCTK has its text in p225_001.txt.
    names = by_stem(texts)
    stems = {sound: sound.stem.removesuffix("_mic1").removesuffix("_mic2") for sound in sounds}
    return {sound: names[stem] for sound, stem in stems.items() if stem in names}


def read_beside(folder: Path, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read sounds with a text of the same name each: all lines of the file."""
    texts, found = texts_beside(folder), Utterances(str(folder))
    for sound in find_files(folder):
        name = sound.relative_to(folder).with_suffix("").as_posix()
        found.add_sound(name, Sound(sound), str(sound))
        found.speakers[name] = options.speaker_of(sound.stem)
        if sound in texts:
            found.add_text(name, _text(texts[sound]), str(texts[sound]))
    return with_speakers_of_folders(found.examples(labelled))


def read_trn(folder: Path, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read sounds with a file .wav.trn beside each, as THCHS-30 has them: its first line is the text.

    A .trn file may hold only the path of another one, which is then read instead. The speaker is the part of
    a name before its underscore.
    """
    found = Utterances(str(folder))
    for sound in find_files(folder):
        name, beside = sound.stem, sound.with_name(sound.name + _TRN)
        found.add_sound(name, Sound(sound), str(sound))
        found.speakers[name] = options.speaker_of(name) or name.rpartition("_")[0]
        if beside.is_file():
            found.add_text(name, next(_lines(beside)), f"{beside}:1")
    return found.examples(labelled)


def _lines(path: Path) -> Iterator[str]:
    lines = read_document(path).lines
    if len(lines) == 1 and lines[0].strip().endswith(_TRN):
        other = path.parent / lines[0].strip()
        if not other.is_file():
            raise InputError(f"{path}:1", "must name a file that is there", lines[0].strip())
        lines = read_document(other).lines
    return iter(lines)


def _text(path: Path) -> str:
    return read_document(path).text if path.stat().st_size else ""


def _is_seen(path: Path, folder: Path) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
