"""The forms that labelled examples come in, by name, and the reader of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bptt.data.examples import Array, Examples
from bptt.data.readers.arrays import read_npz
from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.dna import read_fasta, read_fastq, read_sequences, read_uci
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.folders import read_class_files, read_class_folders, read_dna_files
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.labelled import read_fasttext, read_labelled, read_lines
from bptt.data.readers.objects import is_json, read_json
from bptt.data.readers.parquet import read_parquet
from bptt.data.readers.series import read_ts, read_ucr
from bptt.data.readers.tables import read_long, read_table
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET
from bptt.errors import InputError

Kind = Literal["text", "dna", "series", "table"]
Classified = Examples[str, str] | Examples[Array, str]
# A file or folder, or a text that came another way.
Source = Path | Document

# How the labels of examples are given in forms that also hold examples without.
_LABELS = {
    "lines": "Write a text, a tab and its label on each line, or a file or folder of texts for each label",
    "fasta": "Write label=LABEL behind each name",
    "fastq": "Write label=LABEL behind each name",
    "ts": "Write each label behind a colon at the end of its line, and @classLabel true with all of them",
}


@dataclass(frozen=True)
class Form:
    """The kind of the inputs, and how they are read."""

    kind: Kind
    read: Callable[[Source, Columns], Classified]


def document_of(source: Source) -> Document:
    """The text of a source. Raises as `read_text` does."""
    return source if isinstance(source, Document) else read_document(source)


def is_typed(source: Source) -> bool:
    """Whether a text was typed, so that it is no file, whatever it looks like."""
    return isinstance(source, Document) and source.typed


def read_grid(source: Source) -> Grid:
    """The columns of a Parquet, JSON, TSV or CSV file. Raises InputError naming the line."""
    if isinstance(source, Path) and read_bytes(source).startswith(PARQUET):
        return read_parquet(source)
    document = document_of(source)
    return read_json(document) if is_json(document) else read_delimited(document)


def read_examples(source: Source, form: str, columns: Columns) -> Classified:
    """The examples of a source in the form of this name in `FORMS`. Raises InputError naming the fault."""
    if form not in FORMS:
        raise InputError("input", f"is one of {', '.join(FORMS)}", repr(form))
    found = FORMS[form].read(source, columns)
    if found.has_targets or found.unlabelled:
        return found
    return replace(found, unlabelled=_LABELS.get(form, ""))


def _path_of(source: Source) -> Path:
    if isinstance(source, Document):
        raise InputError(source.name, "must be a file or a folder", "a text")
    return source


def _of_document(kind: Kind, read: Callable[[Document, Columns], Classified]) -> Form:
    return Form(kind, lambda source, columns: read(document_of(source), columns))


def _of_grid(kind: Kind, read: Callable[[Grid, Columns], Classified]) -> Form:
    return Form(kind, lambda source, columns: read(read_grid(source), columns))


def _of_path(kind: Kind, read: Callable[[Path], Classified]) -> Form:
    return Form(kind, lambda source, columns: read(_path_of(source)))


FORMS: Mapping[str, Form] = {
    "lines": Form("text", lambda source, columns: read_lines(document_of(source))),
    "columns": _of_grid("text", read_labelled),
    "fasttext": _of_document("text", read_fasttext),
    "class-folders": Form("text", lambda source, columns: read_class_folders(_path_of(source), columns)),
    "class-files": _of_path("text", read_class_files),
    "dna-files": _of_path("dna", read_dna_files),
    "fasta": _of_document("dna", read_fasta),
    "fastq": _of_document("dna", read_fastq),
    "uci": Form("dna", lambda source, columns: read_uci(document_of(source))),
    "sequences": Form("dna", lambda source, columns: read_sequences(document_of(source))),
    "ts": _of_document("series", read_ts),
    "ucr": Form("series", lambda source, columns: read_ucr(document_of(source))),
    "long": _of_grid("series", read_long),
    "npz": _of_path("series", read_npz),
    "table": _of_grid("table", read_table),
}
