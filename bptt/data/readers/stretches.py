"""Stretches of named sequences, such as exons: BED and GFF files, and strings of marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from bptt.data.examples import Words
from bptt.data.readers.document import Document
from bptt.data.schemes import BIO, Span, to_tags
from bptt.errors import InputError

# Endings of the files of stretches that may lie beside a file of sequences.
BESIDE = (".bed", ".gff", ".gff3")
# Marks of a base outside of every stretch.
OUTSIDE_MARKS = ".-_0O"
# The label of a stretch in a BED file without names.
UNNAMED = "marked"

_GFF_WIDTH, _BED_WIDTH = 9, 3
_STRANDS = ("+", "-", ".", "?")
_COMMENTS = re.compile(r"#|(track|browser)\b")
_COUNT = re.compile(r"\d{1,15}")


class Found(NamedTuple):
    """A stretch and the place of its line; `sequence` is the name of the sequence."""

    sequence: str
    span: Span
    place: str


class Stretches(NamedTuple):
    """The stretches of each sequence in order, and a note about the file for the user."""

    of: Mapping[str, Sequence[Found]]
    note: str


def beside(path: Path) -> Path | None:
    """Return the file of stretches with the name of a file of sequences; None if there is none."""
    bare = path.with_suffix("") if path.suffix == ".gz" else path
    found = (bare.with_suffix(ending + more) for ending in BESIDE for more in ("", ".gz"))
    return next((each for each in found if each.is_file()), None)


def read_stretches(document: Document) -> Stretches:
    """Read BED, which counts from 0 and leaves out the end, or GFF, which counts from 1 and includes it.

    The label is the name in BED, the type in GFF. Strands are ignored. Raises InputError with the line for a
    line of neither format, a start or end that is no position, or stretches of a sequence that overlap.
    """
    rows = [(place, _cells(line)) for place, line in _lines(document)]
    if not rows:
        raise InputError(document.name, "must hold a stretch", "none", "Write NAME, START, END, LABEL")
    # One line is enough: a faulty one must be named by the rules of its own format.
    is_gff = any(_is_gff(cells) for _, cells in rows)
    read = _gff if is_gff else _bed
    found = sorted((read(place, cells) for place, cells in rows), key=lambda each: each[:2])
    for one, other in pairwise(found):
        if one.sequence == other.sequence and other.span.start < one.span.end:
            came = f"{_shown(other, is_gff)}, and {_shown(one, is_gff)} at {one.place}"
            cure = "Keep one of them, or cut them apart"
            raise InputError(other.place, f"stretches of {one.sequence} must not overlap", came, cure)
    said = "GFF, from 1, the end included" if is_gff else "BED, from 0, the end not included"
    strands = sum(cells[6 if is_gff else 5] == "-" for _, cells in rows if len(cells) > 5)
    ignored = f"; strands are ignored, {strands:,} are -" if strands else ""
    note = f"{len(found):,} stretches in {document.name}: {said}{ignored}"
    return Stretches({name: tuple(each) for name, each in groupby(found, lambda one: one.sequence)}, note)


def marks_to_tags(marks: str, letters: str, place: str) -> Words:
    """Return the tags of letters from a string with a mark for each, of which equal ones are a stretch.

    Marks in `OUTSIDE_MARKS` are outside. Raises InputError with the place if the lengths differ.
    """
    if len(marks) != len(letters):
        came = f"{len(letters)} letters and {len(marks)} marks"
        cure = f"Write one mark for each letter, and . outside: {'.' * min(3, len(letters))}"
        raise InputError(place, "must have as many marks as letters", came, cure)
    spans, start = [], 0
    for mark, run in groupby(marks):
        end = start + len(list(run))
        if mark not in OUTSIDE_MARKS:
            spans.append(Span(start, end, mark))
        start = end
    return to_tags(spans, len(marks), BIO)


def stretches_to_tags(stretches: Sequence[Found], name: str, length: int) -> Words:
    """Return the tags of a sequence. Raises InputError with the line of a stretch that ends behind it."""
    for each in stretches:
        if each.span.end > length:
            cure = "Does the file belong to other sequences?"
            raise InputError(each.place, f"must end within {name}, of {length} letters", each.span.end, cure)
    return to_tags([each.span for each in stretches], length, BIO)


def _lines(document: Document) -> Iterator[tuple[str, str]]:
    for place, line in document.numbered():
        # GFF3: sequences may follow.
        if line.startswith("##FASTA"):
            return
        if line.strip() and not _COMMENTS.match(line):
            yield place, line


def _cells(line: str) -> list[str]:
    return line.rstrip("\n\r").split("\t") if "\t" in line else line.split()


def _is_gff(cells: Sequence[str]) -> bool:
    """Return whether a line has a strand where GFF has it; BED of as many columns has a number there."""
    return len(cells) == _GFF_WIDTH and cells[6] in _STRANDS


def _bed(place: str, cells: Sequence[str]) -> Found:
    if len(cells) < _BED_WIDTH:
        cure = "Write NAME, START, END, LABEL with tabs between them"
        raise InputError(place, "must be a line of BED or GFF", repr(" ".join(cells)[:60]), cure)
    start, end = (
        _position(place, name, cell) for name, cell in zip(("start", "end"), cells[1:3], strict=True)
    )
    if start >= end:
        rule = "the end must lie behind the start: BED counts from 0 and leaves out the end"
        raise InputError(place, rule, f"{start} to {end}", "Add 1 to the end if it is the last base")
    return Found(cells[0], Span(start, end, _label(cells[3] if len(cells) > 3 else "")), place)


def _gff(place: str, cells: Sequence[str]) -> Found:
    if len(cells) != _GFF_WIDTH:
        cure = "Correct the line; the lines of BED belong in a file of their own"
        rule = f"must be a line of GFF, of {_GFF_WIDTH} columns, as others of the file are"
        raise InputError(place, rule, f"{len(cells)} columns", cure)
    start, end = (
        _position(place, name, cell) for name, cell in zip(("start", "end"), cells[3:5], strict=True)
    )
    if not 1 <= start <= end:
        rule = "start and end must be positions from 1 on, the start first, as GFF has them"
        raise InputError(place, rule, f"{start} to {end}", "Swap or correct them; BED counts from 0")
    return Found(cells[0], Span(start - 1, end, _label(cells[2])), place)


def _position(place: str, name: str, cell: str) -> int:
    if not _COUNT.fullmatch(cell.strip()):
        raise InputError(place, f"the {name} must be a whole number", repr(cell[:40]), "Correct the column")
    return int(cell)


def _label(name: str) -> str:
    return UNNAMED if name.strip() in ("", ".") else name.strip()


def _shown(found: Found, is_gff: bool) -> str:
    return f"{found.span.start + is_gff} to {found.span.end}"
