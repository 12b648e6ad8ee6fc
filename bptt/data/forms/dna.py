"""Sequences of DNA: FASTA, FASTQ, folders of both, the `.data` files of UCI, and letters alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bptt.data.forms.form import FOLDER, MARKED, ExampleForm, InputForms, Sign, alone, of_document, of_path
from bptt.data.nucleotides import LETTERS
from bptt.deferred import deferred

if TYPE_CHECKING:
    from bptt.data.forms.source_view import SourceView
    from bptt.data.readers.document import Document

_BLANK = r"(?:[ \t]*\n){0,3}"
_PASSED = r"(?:[;#].*\n|[^\S\n]*\n)*"
# By its first line; or, below comments or with a space in the header, by the letters behind it as well, so
# that a mail that begins with a quotation stays text. Below ten, any letters of the code may be a word.
_FASTA = re.compile(
    rf"\A\s*>\S|\A{_PASSED}>[ \t]*\S.*\n{_PASSED}(?i:[ACGTUN]+|[{LETTERS}]{{10,}})[ \t]*(?:\n|\Z)"
)
# The first record has letters, or none and is followed by another.
_FASTQ = re.compile(rf"\A\s*@\S.*\n(?:(?i:[{LETTERS}]+\n)+\+|{_BLANK}\+.*\n{_BLANK}@\S)")
# Ten letters: fewer may be a word.
_UCI = re.compile(rf"(?i)[^,]+,[^,]+,\s*[{LETTERS}]{{10,}}\s*")

# Both may be mixed in a folder.
_FILES = frozenset({"fasta", "fastq"})
_LABEL = "Write label=LABEL behind each name"


def _dna_files(view: SourceView) -> str | None:
    if not view.files or not all(shown.form in _FILES for shown in view.files):
        return None
    return f"it holds {len(view.files):,} files of DNA, each of one class"


def _fasta(view: SourceView) -> str | None:
    return "its first line begins with >" if _FASTA.search(view.text) else None


def _fastq(view: SourceView) -> str | None:
    return "its first record is @, letters, +" if _FASTQ.search(view.text) else None


def _uci(view: SourceView) -> str | None:
    if view.document is None:
        return None
    is_uci = all(_UCI.fullmatch(line) for line in view.document.lines if line.strip())
    return "its lines are CLASS, NAME, SEQUENCE" if is_uci else None


def _holds_sequences(document: Document) -> bool:
    """Return whether each line of a text is the letters of a sequence, or blank."""
    return all(set(line.strip().upper()) <= set(LETTERS) for line in document.lines)


FORMS = InputForms(
    "dna",
    (
        ExampleForm(
            "dna-files",
            "dna",
            of_path(alone(deferred("bptt.data.readers.folders", "read_dna_files"))),
            (Sign(FOLDER, _dna_files),),
        ),
        ExampleForm(
            "fasta",
            "dna",
            of_document(deferred("bptt.data.readers.dna", "read_fasta")),
            (Sign(MARKED + 1, _fasta),),
            _LABEL,
        ),
        ExampleForm(
            "fastq",
            "dna",
            of_document(deferred("bptt.data.readers.dna", "read_fastq")),
            (Sign(MARKED + 2, _fastq),),
            _LABEL,
        ),
        ExampleForm(
            "uci",
            "dna",
            of_document(alone(deferred("bptt.data.readers.dna", "read_uci"))),
            (Sign(MARKED + 4, _uci),),
        ),
        ExampleForm(
            "sequences", "dna", of_document(alone(deferred("bptt.data.readers.dna", "read_sequences")))
        ),
    ),
    typed="sequences",
    are_bare=_holds_sequences,
    typed_reason="each of its lines is letters of DNA",
)
