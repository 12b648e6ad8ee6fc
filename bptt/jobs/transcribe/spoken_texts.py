"""Transcripts as they are learned and compared: one case, one form of Unicode, no marks of noise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import normalize

from bptt.data.examples import Examples
from bptt.data.scripts import scripts_of
from bptt.errors import counted
from bptt.jobs.transcribe.options import LetterCase, TranscriptOptions

# The share of transcripts in one case from which on the others are taken for oversights.
_SAME_CASE = 0.9
# [noise], [background speech], <unk>, <s>, </s>, {laugh}.
_MARK = re.compile(r"\[[^\[\]\n]{1,40}\]|<[^<>\s]{1,40}>|\{[^{}\s]{1,40}\}")
# The byte order mark, and characters of no width that editors leave behind.
_INVISIBLE = re.compile("[\ufeff\u200b\u2060\u00ad]")
# A space between letters of Chinese or Japanese: a word break that nobody writes.
_SPACELESS = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_BREAK = re.compile(rf"(?<={_SPACELESS}) (?={_SPACELESS})")

Recordings = Examples[Any, str]


@dataclass(frozen=True)
class Cleaned:
    """A transcript as it is learned, and the names of the changes that were made."""

    text: str
    changes: tuple[str, ...]


def settled(texts: Sequence[str], options: TranscriptOptions) -> TranscriptOptions:
    """Return the options with what the training transcripts show: case and spaces."""
    spaces = options.spaces
    if spaces is None:
        spaces = not scripts_of(texts).is_spaceless
    bare = [text if options.marks else _MARK.sub("", text) for text in texts]
    return replace(options, spaces=spaces, case=_case_of(bare))


def clean(text: str, options: TranscriptOptions) -> Cleaned:
    """Return a transcript as it is learned.

    It is in Unicode NFC, without byte order marks, its white space single spaces, without marks such as
    [noise] unless they are to be kept, in the case of the training transcripts.
    """
    changes: list[str] = []

    def after(found: str, change: str) -> str:
        if found != text:
            changes.append(change)
        return found

    text = after(_INVISIBLE.sub("", text), "invisible characters left out")
    text = after(normalize("NFC", text), "composed to Unicode NFC")
    if not options.marks:
        text = after(_MARK.sub(" ", text), "marks left out")
    tidy = " ".join(text.split())
    if tidy != text.strip(" ") and not {"marks left out"} & set(changes):
        changes.append("white space made single spaces")
    text = tidy
    if not options.spaces:
        text = after(_BREAK.sub("", text), "spaces between words left out")
    if options.case == "upper":
        text = after(text.upper(), "made capitals")
    elif options.case == "lower":
        text = after(text.lower(), "made small letters")
    return Cleaned(text, tuple(changes))


def clean_all(examples: Recordings, options: TranscriptOptions) -> Recordings:
    """Return examples with their transcripts cleaned, and notes on how many were changed in which way."""
    marks = Counter(mark for text in examples.targets for mark in _MARK.findall(text))
    found = [clean(text, options) for text in examples.targets]
    rows = tuple(replace(row, target=each.text) for row, each in zip(examples.rows, found, strict=True))
    counts = Counter(change for each in found for change in each.changes)
    notes = [f"transcripts {change}: {count:,} of {len(found):,}" for change, count in counts.items()]
    if marks:
        kept = "kept as text" if options.marks else "`marks` keeps them"
        notes.append(f"marks in transcripts: {_listed(marks)} ({kept})")
    empty = [row.place for row in rows if not row.target]
    if empty:
        notes.append(f"transcripts without text: {len(empty):,}, the first at {empty[0]}")
    return replace(examples, rows=rows, notes=(*examples.notes, *notes))


def note_unknown(texts: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """Return a note on the characters of texts that no training transcript has; none if there are none."""
    letters = set(known)
    unknown = Counter(letter for text in texts for letter in text if letter not in letters)
    if not unknown:
        return ()
    count = sum(unknown.values())
    return (f"{what}: {counted(count, 'characters')} not learned, {_listed(unknown)}",)


def _listed(counts: Counter[str], most: int = 8) -> str:
    named = ", ".join(f"{name!r} {count:,}" for name, count in counts.most_common(most))
    return named + (f", and {len(counts) - most:,} others" if len(counts) > most else "")


def _case_of(texts: Sequence[str]) -> LetterCase:
    """Return the case of nearly all texts that have letters of a case, else "mixed"."""
    cased = [text for text in texts if text.upper() != text.lower()]
    if not cased:
        return "mixed"
    if sum(text == text.upper() for text in cased) >= _SAME_CASE * len(cased):
        return "upper"
    return "lower" if sum(text == text.lower() for text in cased) >= _SAME_CASE * len(cased) else "mixed"
