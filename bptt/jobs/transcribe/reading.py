"""Recordings and their texts: sounds in the layouts of speech, or features in files of numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bptt.data.examples import Examples
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import FORMS, Detected, Source, read_examples
from bptt.data.readers.grid import Columns
from bptt.data.readers.speech.layouts import detect_speech, read_speech
from bptt.errors import InputError
from bptt.jobs.transcribe.options import FEATURES, RecordingOptions


def detect_recordings(source: Source, options: RecordingOptions) -> Detected:
    """Return the form of recordings to learn from, and what shows it. Raises InputError if there is none."""
    try:
        return detect_speech(source, options)
    except InputError as error:
        found = _as_features(source, options)
        if found is None:
            raise error
        return found


def read_recordings(source: Source, options: RecordingOptions) -> Examples[Any, str]:
    """Read recordings with what was said, in the form `options.form`.

    Raises InputError with file and line for one that cannot be read, or has no text.
    """
    if options.kind == "sound":
        return read_speech(source, options)
    return read_examples(source, options.form, options.columns)


def read_asked_recordings(
    source: Source, learned: RecordingOptions, labelled: bool, said: Said
) -> Examples[Any, Any]:
    """Read recordings for a model that learned from those of `learned`; unless `labelled`, texts may miss.

    Of sounds, what the user has `said` comes first, then the layout that the source shows.
    """
    if learned.kind != "sound":
        return read_asked(source, learned.form, replace(learned.columns, labelled=labelled), said)
    options = replace(
        learned,
        sound_column=said.input or learned.sound_column,
        text_column=said.target or learned.text_column,
    )
    form = said.form or detect_speech(source, options, labelled).form
    return read_speech(source, replace(options, form=form), labelled)


def _as_features(source: Source, options: RecordingOptions) -> Detected | None:
    columns = Columns(options.sound_column, options.text_column, header=options.header)
    try:
        found = detect(source, columns)
    except InputError:
        return None
    return found if FORMS[found.form].kind == FEATURES else None
