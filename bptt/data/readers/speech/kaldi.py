"""The folders of Kaldi, ESPnet and WeNet: wav.scp, text, utt2spk, segments; and data.list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bptt.data.audio.sound import Sound
from bptt.data.readers.document import read_document
from bptt.data.readers.listed_files import ListedFiles
from bptt.data.readers.numbers import finite
from bptt.data.readers.speech.utterances import Spoken, Utterances
from bptt.errors import InputError

SCP, TEXT, SEGMENTS = "wav.scp", "text", "segments"


def read_kaldi(folder: Path, labelled: bool) -> Spoken:
    """Read the utterances of a folder with `wav.scp`, `text`, and perhaps `segments` and `utt2spk`.

    Commands in `wav.scp` are not run, whatever they are. Raises InputError with the line of a command, of a
    file that is not there, or of a segment that makes no sense.
    """
    found = Utterances(str(folder))
    recordings = list(_recordings(folder / SCP))
    if (folder / SEGMENTS).is_file():
        paths = {name: path for name, path, _ in recordings}
        for name, sound, place in _segments(folder / SEGMENTS, paths):
            found.add_sound(name, sound, place)
    else:
        for name, path, place in recordings:
            found.add_sound(name, Sound(path), place)
    if (folder / TEXT).is_file():
        for name, text, place in _pairs(folder / TEXT):
            found.add_text(name, text, place)
    if (folder / "utt2spk").is_file():
        found.speakers = {name: speaker.strip() for name, speaker, _ in _pairs(folder / "utt2spk")}
    return found.examples(labelled)


def _recordings(path: Path) -> Iterator[tuple[str, Path, str]]:
    files = ListedFiles(path)
    for name, entry, place in _pairs(path):
        entry = entry.strip()
        if entry.endswith("|"):
            rule = "must be a file: commands are never run"
            cure = "Run it once yourself, e.g. by Kaldi's wav-copy.scp, and list the files that it writes"
            raise InputError(place, rule, entry[:80], cure)
        if ".ark:" in entry:
            cure = "Copy the recordings into files: wav-copy scp:wav.scp"
            raise InputError(place, "must be a file of sound, not a place in an archive", entry[:80], cure)
        yield name, files.find(entry, place), place


def _segments(path: Path, recordings: dict[str, Path]) -> Iterator[tuple[str, Sound, str]]:
    for name, rest, place in _pairs(path):
        parts = rest.split()
        start, end = map(finite, parts[1:]) if len(parts) == 3 else (None, None)
        if start is None or end is None:
            raise InputError(place, "must be UTTERANCE RECORDING START END", f"{name} {rest}")
        if parts[0] not in recordings:
            raise InputError(place, f"must name a recording of {SCP}", parts[0])
        # Kaldi writes -1 for the end of a recording.
        stop = None if end == -1 else end
        if start < 0 or (stop is not None and stop <= start):
            raise InputError(place, "must end after its start, at 0 or later", f"{start} to {end}")
        yield name, Sound(recordings[parts[0]], start, stop), place


def _pairs(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the name at the start of each line, the rest, and the place."""
    for place, line in read_document(path).numbered():
        if line.strip():
            name, *rest = line.split(None, 1)
            yield name, rest[0] if rest else "", place
