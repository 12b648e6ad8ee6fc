"""The layouts of speech: what shows each, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bptt.data.audio.sound import MEDIA
from bptt.data.forms.source_view import SourceView
from bptt.data.readers.forms import Detected
from bptt.data.readers.grid import Columns
from bptt.data.readers.sources import Source, path_of
from bptt.data.readers.speech.bare import read_named, read_sounds
from bptt.data.readers.speech.beside import find_files, read_beside, read_trn, texts_beside
from bptt.data.readers.speech.kaldi import SCP, TEXT, read_kaldi
from bptt.data.readers.speech.manifests import SOUND_COLUMNS, read_manifest
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.transcripts import (
    FILEIDS,
    TRANS,
    TRANSCRIPTION,
    find_transcript,
    names_sounds,
    read_librispeech,
    read_sphinx,
    read_transcript,
)
from bptt.data.readers.speech.utterances import Spoken
from bptt.errors import InputError, counted

# Endings that are shown of the files of a folder.
_SHOWN = 5
# Tables that Hugging Face puts beside the sounds, and the list of WeNet.
_TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet", "data.list")


@dataclass(frozen=True)
class SpeechForm:
    """A layout of speech: `find` returns the words that show it in a source, or None."""

    find: Callable[[SourceView, SpeechOptions], str | None]
    read: Callable[[Source, SpeechOptions, bool], Spoken]


def detect_speech(source: Source, options: SpeechOptions, labelled: bool = True) -> Detected:
    """Return the layout of a source of speech, and what shows it.

    Raises InputError if it has none, or holds the parts of a data set, one of which must be named.
    """
    view = SourceView(source, Columns(), labelled, lambda folder: ())
    for name, form in SPEECH_FORMS.items():
        reason = form.find(view, options)
        if reason is not None:
            return Detected(name, reason)
    cure = "Write a table with columns path and text"
    raise InputError(
        str(source), f"must be speech in one of the forms {', '.join(SPEECH_FORMS)}", _contents(view), cure
    )


def read_speech(source: Source, options: SpeechOptions, labelled: bool = True) -> Spoken:
    """Read the sounds of a source in the layout `options.form`, with their texts, speakers and names.

    Without `labelled`, for sounds to be transcribed, texts may be missing. Notes count what was left out and
    why. Raises InputError with file and line for what cannot be read.
    """
    return SPEECH_FORMS[options.form].read(source, options, labelled)


def check_speech_form(form: str) -> None:
    """Raise InputError unless there is a layout of this name."""
    if form not in SPEECH_FORMS:
        raise InputError("form", f"is one of {', '.join(SPEECH_FORMS)}", repr(form))


def _contents(view: SourceView) -> str:
    """Return what a source of no layout holds."""
    if view.folder is not None:
        endings = sorted(
            {path.suffix.lower() or path.name for path in view.folder.rglob("*") if path.is_file()}
        )
        shown = f"files {', '.join(endings[:_SHOWN])}" if endings else "nothing"
        return f"a folder that holds {shown}"
    if view.document is None:
        return "a file of another kind"
    return f"a file that begins {view.document.lines[0][:80]!r}"


def _file(view: SourceView) -> Path | None:
    return view.source if isinstance(view.source, Path) and view.folder is None else None


def _named(view: SourceView, options: SpeechOptions) -> str | None:
    is_sound = view.folder is not None or (view.source and MEDIA.owns(str(view.source)))
    return "`text_pattern` finds the text in the names" if options.text_pattern and is_sound else None


def _kaldi(view: SourceView, options: SpeechOptions) -> str | None:
    folder = _kaldi_folder(view.source)
    if folder is None or not (folder / SCP).is_file():
        return None
    return f"it has {SCP} and {TEXT}" if (folder / TEXT).is_file() else f"it has {SCP}"


def _kaldi_folder(source: Source) -> Path | None:
    if not isinstance(source, Path):
        return None
    return source.parent if source.name == SCP else source


def _manifest(view: SourceView, options: SpeechOptions) -> str | None:
    table = _table(view.source)
    if view.folder is not None:
        _refuse_common_voice(view.folder)
        return None if table is None else f"it has {table.name}"
    file = _file(view)
    if file is not None and (MEDIA.owns(file.name) or file.suffix in (FILEIDS, TRANSCRIPTION)):
        return None
    names = {name.casefold() for name in (view.first if view.rows else ())}
    wanted = {name.casefold() for name in (options.sound_column or "", options.text_column or "") if name}
    known = next((name for name in SOUND_COLUMNS if name in names), None)
    if known or wanted & names:
        return f"it has a column {known or ', '.join(wanted & names)}"
    if view.document is not None and (MEDIA.column(view.rows) is not None or MEDIA.cuts(view.document.lines)):
        return "its lines name sound files"
    return None


def _table(source: Source) -> Path | None:
    """Return the table of a folder."""
    if not isinstance(source, Path) or not source.is_dir():
        return None
    return next((source / name for name in _TABLES if (source / name).is_file()), None)


def _refuse_common_voice(folder: Path) -> None:
    parts = [name for name in ("train.tsv", "dev.tsv", "test.tsv") if (folder / name).is_file()]
    if parts:
        cure = f"Name the part: {folder / parts[0]}" + "".join(
            f" `dev` {folder / name}" for name in parts[1:2]
        )
        raise InputError(str(folder), "must be one part of a data set", ", ".join(parts), cure)


def _librispeech(view: SourceView, options: SpeechOptions) -> str | None:
    found = None if view.folder is None else next(view.folder.rglob("*" + TRANS), None)
    return None if found is None else f"it has {found.name}"


def _trn(view: SourceView, options: SpeechOptions) -> str | None:
    found = None if view.folder is None else next(view.folder.rglob("*.wav.trn"), None)
    return None if found is None else f"it has {found.name}"


def _sphinx(view: SourceView, options: SpeechOptions) -> str | None:
    file = _file(view)
    if file is not None and file.suffix in (FILEIDS, TRANSCRIPTION):
        return f"its name ends in {file.suffix}"
    lists = [] if view.folder is None else sorted(view.folder.glob(f"**/*{FILEIDS}"))
    if not lists:
        return None
    cure = f"Name the part: {lists[-1]}"
    raise InputError(
        str(view.folder), "must be one part of a data set", f"{len(lists)} lists of Sphinx", cure
    )


def _beside(view: SourceView, options: SpeechOptions) -> str | None:
    if view.folder is None:
        return None
    texts, sounds = texts_beside(view.folder), find_files(view.folder)
    return f"{len(texts):,} of its {len(sounds):,} sounds have a text of their name" if texts else None


def _transcript(view: SourceView, options: SpeechOptions) -> str | None:
    if view.folder is not None:
        found = find_transcript(view.folder)
        return None if found is None else f"{found.name} names its sounds"
    file = _file(view)
    is_text = file is not None and not MEDIA.owns(file.name) and view.document is not None
    return "its lines begin with the names of sounds" if file and is_text and names_sounds(file) else None


def _sounds(view: SourceView, options: SpeechOptions) -> str | None:
    file = _file(view)
    if file is not None:
        return f"its name ends in {file.suffix}" if MEDIA.owns(file.name) else None
    count = 0 if view.folder is None else len(find_files(view.folder))
    return f"it holds {counted(count, 'sounds')}" if count else None


def _in_folder(read: Callable[[Path, bool], Spoken]) -> Callable[[Source, SpeechOptions, bool], Spoken]:
    return lambda source, options, labelled: read(path_of(source), labelled)


def _of_path(
    read: Callable[[Path, SpeechOptions, bool], Spoken],
) -> Callable[[Source, SpeechOptions, bool], Spoken]:
    return lambda source, options, labelled: read(path_of(source), options, labelled)


# In the order in which they are asked.
SPEECH_FORMS: Mapping[str, SpeechForm] = {
    "named": SpeechForm(_named, _of_path(read_named)),
    "sphinx": SpeechForm(_sphinx, _of_path(read_sphinx)),
    "kaldi": SpeechForm(_kaldi, lambda s, o, l: read_kaldi(_kaldi_folder(path_of(s)) or Path(), l)),
    "manifest": SpeechForm(_manifest, lambda s, o, l: read_manifest(_table(s) or s, o, l)),
    "librispeech": SpeechForm(_librispeech, _in_folder(read_librispeech)),
    "trn": SpeechForm(_trn, _of_path(read_trn)),
    "beside": SpeechForm(_beside, _of_path(read_beside)),
    "transcript": SpeechForm(_transcript, _of_path(read_transcript)),
    "sounds": SpeechForm(_sounds, _of_path(read_sounds)),
}
