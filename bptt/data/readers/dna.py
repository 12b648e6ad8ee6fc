"""DNA sequences with a class each: FASTA, FASTQ, the `.data` files of UCI, labels beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.nucleotides import LETTERS
from bptt.data.readers.document import Document
from bptt.errors import InputError

Named = list[tuple[str, str | None]]

_MARK = re.compile(r"(?<!\S)label=(\S+)")
_BAR = re.compile(r"([^\s|]+)\|([^\s|]+)")


def read_fasta(document: Document) -> Examples[str, str]:
    """The sequences of a FASTA file, in capitals, each with the first word of its header as its name.

    The labels are what words `label=LABEL` in the headers say; else, where every header is two words,
    the second one; else, where every header is `NAME|LABEL`, what follows the bar; else there are none.
    Records without a sequence are left out and counted. Raises InputError with the line for a letter
    that is not of the IUPAC code, and for letters before the first header.
    """
    records: list[tuple[str, str, list[str]]] = []
    for place, line in document.numbered():
        if line.startswith(">"):
            records.append((place, _header(line, place), []))
        elif line.strip():
            if not records:
                raise InputError(place, "a FASTA file begins with >NAME", repr(line[:40]))
            records[-1][2].append(_letters(line, place))
    headers = [header for _, header, _ in records]
    named = _marked(headers) or _second_words(headers) or _behind_bars(headers) or _bare(headers)
    rows = [
        Example("".join(parts), label, place, name)
        for (place, _, parts), (name, label) in zip(records, named, strict=True)
    ]
    empty = [row.place for row in rows if not row.input]
    notes = note_left_out(empty, "have no sequence")
    return gather(document.name, [row for row in rows if row.input], notes=notes)


def read_fastq(document: Document) -> Examples[str, str]:
    """The sequences of a FASTQ file, of four lines a record. Only `label=LABEL` is a label: the second
    word of a sequencer's header is none. Raises InputError with the line.
    """
    lines = [(place, line) for place, line in document.numbered() if line.strip()]
    sequences, headers, places = [], [], []
    for i in range(0, len(lines), 4):
        record = lines[i : i + 4]
        place, header = record[0]
        marks = [line[:1] for _, line in record]
        if len(record) < 4 or marks[0] != "@" or marks[2] != "+":
            raise InputError(place, "a FASTQ record is @NAME, letters, +, qualities: 4 lines", header[:40])
        sequence, quality = _letters(record[1][1], record[1][0]), record[3][1].strip()
        if len(sequence) != len(quality):
            raise InputError(record[3][0], f"must have {len(sequence)} qualities, one a letter", len(quality))
        sequences.append(sequence)
        headers.append(_header(header, place))
        places.append(place)
    named = _marked(headers) or _bare(headers)
    rows = [
        Example(sequence, label, place, name)
        for sequence, (name, label), place in zip(sequences, named, places, strict=True)
    ]
    return gather(document.name, rows)


def read_uci(document: Document) -> Examples[str, str]:
    """Lines of `CLASS, NAME, SEQUENCE`, as of the splice-junction and promoter data of UCI."""
    rows = []
    for place, line in document.numbered():
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 3 or not all(cells):
            raise InputError(place, "must be CLASS, NAME, SEQUENCE", repr(line[:60]))
        rows.append(Example(_letters(cells[2], place), cells[0], place, cells[1]))
    return gather(document.name, rows)


def add_labels(examples: Examples[str, str], labels: Document) -> Examples[str, str]:
    """The same sequences with the labels of a TSV of `NAME label`, in the place of their own.

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


def _letters(line: str, place: str) -> str:
    sequence = line.strip().upper()
    wrong = next((i for i, letter in enumerate(sequence) if letter not in LETTERS), None)
    if wrong is not None:
        cure = "Remove gaps; a protein is no DNA"
        came = f"{sequence[wrong]!r} at letter {wrong + 1}"
        raise InputError(place, f"has the letters of IUPAC, {LETTERS}", came, cure)
    return sequence
