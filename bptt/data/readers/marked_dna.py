"""DNA with marked stretches: FASTA or FASTQ beside BED or GFF, or a table of letters and marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bptt.data.examples import Example, Examples, Words, gather
from bptt.data.nucleotides import check_letters
from bptt.data.readers.dna import COMMENTS, read_fasta, read_fastq
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.grid import Columns
from bptt.data.readers.sources import Source, document_of, is_typed
from bptt.data.readers.stretches import beside, marks_to_tags, read_stretches, stretches_to_tags
from bptt.errors import InputError

_UNLABELLED = Columns(labelled=False)
# Names of the columns of a table, in small letters.
_NAMES = frozenset("name id sequence seq letters bases dna marks mark labels mask".split())
_WIDTHS = (1, 2, 3)
_TABLE = "a line must be letters of DNA and as many marks, perhaps behind a name, with tabs between them"


def read_marked_dna(source: Source, stretches: Path | None, labelled: bool) -> Examples[Words, Words]:
    """Read sequences with a tag of scheme BIO for each base, or, unless `labelled`, perhaps without.

    A text that begins as FASTA or FASTQ has its stretches in the file `stretches`, or in one of its own name
    that ends in .bed, .gff or .gff3. Any other has on each line the letters, and behind a tab the marks. Of a
    typed text each line is the letters of a sequence. Letters become capitals, and U becomes T.

    Raises InputError with the line for a letter that is not of the IUPAC code, stretches that overlap or lie
    outside, a string of marks of another length; and if there are no stretches, but `labelled`.
    """
    document = document_of(source)
    if is_typed(source):
        rows = [_bare(line, place) for place, line in document.numbered()]
        return gather(document.name, rows)
    if not is_records(document):
        if stretches is not None:
            cure = "Leave `stretches` out: the marks are in the table"
            raise InputError(document.name, "needs FASTA or FASTQ for a file of stretches", "a table", cure)
        return gather(document.name, _table(document), labelled=labelled)
    found = stretches or (beside(source) if isinstance(source, Path) else None)
    records = (read_fastq if _start(document) == "@" else read_fasta)(document, _UNLABELLED)
    if found is None:
        if labelled:
            cure = f"Name a BED or GFF file (`stretches`), or put one beside it, such as {_like(document)}"
            raise InputError(document.name, "needs the stretches of its sequences", "none", cure)
        bare = tuple(_bare(row.input, row.place, row.name) for row in records.rows)
        return Examples(bare, notes=records.notes)
    return _joined(document, records, read_document(found))


def is_records(document: Document) -> bool:
    """Return whether a text begins as FASTA or FASTQ."""
    return _start(document) in (">", "@")


def _joined(document: Document, records: Examples[str, str], stretches: Document) -> Examples[Words, Words]:
    """Return sequences with the stretches of a file. Raises InputError if it names others."""
    known = {row.name: row for row in records.rows}
    if len(known) < len(records):
        twice = next(row for row in records.rows if known[row.name] is not row)
        rule = f"the names of sequences must differ, as {stretches.name} refers to them"
        raise InputError(twice.place, rule, f"{twice.name} twice")
    found = read_stretches(stretches)
    for name, several in found.of.items():
        if name not in known:
            cure = f"Its first sequence is {records.rows[0].name}"
            raise InputError(several[0].place, f"must name a sequence of {document.name}", repr(name), cure)
    rows = tuple(
        Example(
            _bases(row.input, row.place),
            stretches_to_tags(found.of.get(row.name, ()), row.name, len(row.input)),
            row.place,
            row.name,
        )
        for row in records.rows
    )
    return Examples(rows, notes=(*records.notes, found.note))


def _table(document: Document) -> list[Example[Words, Words]]:
    rows: list[Example[Words, Words]] = []
    for place, line in document.numbered():
        cells = [cell.strip() for cell in line.split("\t")]
        is_header = not rows and {cell.lower() for cell in cells} <= _NAMES
        if not line.strip() or line[0] in COMMENTS or is_header:
            continue
        if len(cells) not in _WIDTHS:
            raise InputError(place, _TABLE, f"{len(cells)} columns", "Is it FASTA, which begins with >NAME?")
        rows.append(_row(cells, place))
    return rows


def _row(cells: Sequence[str], place: str) -> Example[Words, Words]:
    name, letters, marks = ["", *cells, ""] if len(cells) == 1 else ["", *cells][-3:]
    bases = _bases(letters, place)
    tags = marks_to_tags(marks, letters, place) if len(cells) > 1 else None
    return Example(bases, tags, place, name)


def _bare(letters: str, place: str, name: str = "") -> Example[Words, Words]:
    """Return a sequence without marks."""
    return Example(_bases(letters, place), None, place, name)


def _bases(letters: str, place: str) -> Words:
    return tuple(check_letters(letters, place).replace("U", "T"))


def _start(document: Document) -> str:
    """Return the first character of a text below its comments."""
    lines = (line.strip() for line in document.lines)
    return next((line[0] for line in lines if line and line[0] not in COMMENTS), "")


def _like(document: Document) -> str:
    return Path(document.name).with_suffix(".bed").name
