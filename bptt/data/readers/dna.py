"""DNA sequences with a class each: FASTA, FASTQ, the `.data` files of UCI, labels beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.nucleotides import check_letters
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns
from bptt.errors import InputError

Named = list[tuple[str, str | None]]
# A line behind its place.
Line = tuple[str, str]

_ANY = Columns()

# Of old FASTA files and of some programs.
COMMENTS = ";#"

_FASTQ = "a FASTQ record is @NAME, letters, +, a quality for each letter: 4 lines, or more if wrapped"

_MARK = re.compile(r"(?<!\S)label=(\S+)")
_BAR = re.compile(r"([^\s|]+)\|([^\s|]+)")


def read_fasta(document: Document, columns: Columns = _ANY) -> Examples[str, str]:
    """Read the sequences of a FASTA file, in capitals, each with the first word of its header as its name.

    Lines that begin with ; or # are comments. The labels are what words `label=LABEL` in the headers say;
    else, where every header is two words, the second one; else, where every header is `NAME|LABEL`, what
    follows the bar; else there are none. Records without a sequence are left out and counted. Raises
    InputError with the line for a letter that is not of the IUPAC code, and for letters before the first
    header.
    """
    records: list[tuple[str, str, list[str]]] = []
    for place, line in document.numbered():
        if line.startswith(">"):
            records.append((place, _header(line, place), []))
        elif line.strip() and line[0] not in COMMENTS:
            if not records:
                raise InputError(place, "a FASTA file begins with >NAME", repr(line[:40]))
            records[-1][2].append(check_letters(line, place))
    headers = [header for _, header, _ in records]
    named = _marked(headers) or _second_words(headers) or _behind_bars(headers) or _bare(headers)
    sequences = ["".join(parts) for _, _, parts in records]
    return _gather(document, columns, sequences, named, [place for place, _, _ in records])


def read_fastq(document: Document, columns: Columns = _ANY) -> Examples[str, str]:
    """Read the sequences of a FASTQ file: records of @NAME, letters, +, and a quality for each letter.

    Letters and qualities may span several lines. Only `label=LABEL` is a label: the second word of a
    sequencer's header is none. Records without letters are left out and counted. Raises InputError with the
    line for a record that is incomplete.
    """
    lines = list(document.numbered())
    sequences, headers, places = [], [], []
    start = 0
    while start < len(lines):
        place, line = lines[start]
        if line.strip():
            sequence, start = _record(lines, start)
            sequences.append(sequence)
            headers.append(_header(line, place))
            places.append(place)
        else:
            start += 1
    named = _marked(headers) or _bare(headers)
    return _gather(document, columns, sequences, named, places)


def _record(lines: Sequence[Line], start: int) -> tuple[str, int]:
    """Return the letters of the record that begins at line `start`, and the number of the line behind it."""
    place, header = lines[start]
    plus = next((i for i in range(start + 1, len(lines)) if lines[i][1].startswith(("+", "@"))), len(lines))
    if not header.startswith("@") or plus == len(lines) or not lines[plus][1].startswith("+"):
        raise InputError(place, _FASTQ, header[:40])
    sequence = "".join(check_letters(line, where) for where, line in lines[start + 1 : plus])
    end, found = plus + 1, 0
    # A quality may be @ or +, too: only their number says where they end.
    while end < len(lines) and found < len(sequence):
        found += len(lines[end][1].strip())
        end += 1
        if found != len(sequence) and (found > len(sequence) or plus == start + 2):
            raise InputError(lines[end - 1][0], f"must have {len(sequence)} qualities, one a letter", found)
    if found < len(sequence):
        raise InputError(place, _FASTQ, f"{len(sequence)} letters and {found} qualities")
    return sequence, end


def read_uci(document: Document) -> Examples[str, str]:
    """Read lines of `CLASS, NAME, SEQUENCE`, as of the splice-junction and promoter data of UCI."""
    rows = []
    for place, line in document.numbered():
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 3 or not all(cells):
            raise InputError(place, "must be CLASS, NAME, SEQUENCE", repr(line[:60]))
        rows.append(Example(check_letters(cells[2], place), cells[0], place, cells[1]))
    return gather(document.name, rows)


def read_sequences(document: Document) -> Examples[str, str]:
    """Read a sequence without a label on each line that is not blank. Raises InputError with the line for a
    letter that is not of the IUPAC code.
    """
    rows: list[Example[str, str]] = [
        Example(check_letters(line, place), None, place)
        for place, line in document.numbered()
        if line.strip()
    ]
    return gather(document.name, rows)


def add_labels(examples: Examples[str, str], labels: Document) -> Examples[str, str]:
    """Return the same sequences with the labels of a TSV of `NAME label`, in the place of their own.

    Raises InputError if a sequence has no label there, or a line is not a name and a label, or a name
    has two labels.
    """
    found: dict[str, str] = {}
    for place, line in labels.numbered():
        cells = line.split()
        if cells and len(cells) != 2:
            raise InputError(place, "must be a name and a label", repr(line[:60]))
        if cells and found.setdefault(cells[0], cells[1]) != cells[1]:
            raise InputError(place, f"{cells[0]} must have one label", f"{found[cells[0]]} and {cells[1]}")
    for row in examples.rows:
        if row.name not in found:
            raise InputError(row.place, f"must have a label in {labels.name}", f"none for {row.name}")
    return replace(examples, rows=tuple(replace(row, target=found[row.name]) for row in examples.rows))


def _gather(
    document: Document, columns: Columns, sequences: Sequence[str], named: Named, places: Sequence[str]
) -> Examples[str, str]:
    """Return the examples; those without a sequence are left out and counted."""
    rows = [
        Example(sequence, label, place, name)
        for sequence, (name, label), place in zip(sequences, named, places, strict=True)
    ]
    notes = note_left_out([row.place for row in rows if not row.input], "have no sequence")
    full = [row for row in rows if row.input]
    return gather(document.name, full, notes=notes, labelled=columns.labelled)


def _header(line: str, place: str) -> str:
    if not line[1:].strip():
        raise InputError(place, "a header must have a name", repr(line))
    return line[1:].strip()


def _marked(headers: Sequence[str]) -> Named:
    found = [_MARK.search(header) for header in headers]
    if not any(found):
        return []
    pairs = zip(headers, found, strict=True)
    return [(header.split()[0], match and match[1]) for header, match in pairs]


def _second_words(headers: Sequence[str]) -> Named:
    words = [header.split() for header in headers]
    return [(each[0], each[1]) for each in words] if all(len(each) == 2 for each in words) else []


def _behind_bars(headers: Sequence[str]) -> Named:
    matches = [match for header in headers if (match := _BAR.fullmatch(header))]
    return [(match[1], match[2]) for match in matches] if len(matches) == len(headers) else []


def _bare(headers: Sequence[str]) -> Named:
    return [(header.split()[0], None) for header in headers]
