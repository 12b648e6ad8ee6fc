"""Subjects read from a user's file, and the job that a file is for, detected from its contents."""

from __future__ import annotations

from pathlib import Path

from bptt.comparison.options import JobName
from bptt.comparison.subject import LAG, LabelledSubject, Shared, Subject, TaggedSubject, TextSubject
from bptt.data.readers.corpus import read_corpus
from bptt.data.readers.detect import detect
from bptt.data.readers.document import read_document
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.data.readers.tagged import looks_like_conll, read_conll
from bptt.data.vocabulary_options import LevelName, VocabularyOptions, usual_white_space
from bptt.errors import InputError
from bptt.models.options import WordOptions


def read_subject(path: Path, job: JobName, level: LevelName, length: int, shared: Shared) -> Subject:
    """Read a file as the data of `job`, with `length` tokens of truncated back-propagation for a text.

    Raises InputError if the file cannot be read as such data.
    """
    if job == "lm":
        vocabulary = VocabularyOptions(level, white_space=usual_white_space(level))
        return TextSubject(read_corpus([path]), vocabulary, length, shared)
    if job == "tag":
        found = read_conll(read_document(path))
        return TaggedSubject(path.name, found, None, WordOptions(), LAG, shared)
    columns = Columns()
    form = detect(path, columns).form
    return LabelledSubject(path.name, read_examples(path, form, columns), form, shared)


def detect_job(path: Path) -> JobName:
    """Return the job whose data a file looks like.

    "tag": words in columns, with blank lines between sentences; "classify": examples with labels; "lm": any
    other text. Raises InputError if there is no such file.
    """
    if _is_tagged(path):
        return "tag"
    return "lm" if detect(path, Columns()).form == "lines" else "classify"


def _is_tagged(path: Path) -> bool:
    if path.is_dir():
        return False
    try:
        document = read_document(path)
        blank = any(not line.strip() for line in document.lines)
        return blank and looks_like_conll(document) and read_conll(document).has_targets
    except InputError:
        # No text, or lines of unequal columns. The reader of the job that is detected reports the fault.
        return False
