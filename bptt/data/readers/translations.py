"""Sources of translations, of any kind, with the line of text that is wanted for each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from bptt.data.examples import Examples
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.delimited import even_rows
from bptt.data.readers.detect import Detected, detect
from bptt.data.readers.forms import (
    FORMS,
    Kind,
    Source,
    document_of,
    is_typed,
    read_examples,
    read_grid,
    read_rows,
)
from bptt.data.readers.grid import Columns
from bptt.data.readers.headers import SOURCES, TARGETS, find_header, holds_names
from bptt.data.readers.labelled import read_lines
from bptt.data.readers.objects import is_json
from bptt.data.readers.pairs import read_pairs, read_parallel
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET
from bptt.errors import InputError

Pairs = Examples[Any, str]

_NOTHING_SAID = Said()
SourceKind = Literal["class"] | Kind

# Sentences, and names of classes, come as pairs or as lines; all else as labelled examples do.
_PAIRS = ("text", "class")


def check_translated(option: str, form: str) -> None:
    """Raise InputError, naming the option, unless inputs of this form are translated."""
    if form not in _PAIRS and (form not in FORMS or FORMS[form].kind == "text"):
        others = (name for name, each in FORMS.items() if each.kind != "text")
        raise InputError(option, f"is one of {', '.join((*_PAIRS, *others))}", repr(form))


def kind_of(form: str) -> SourceKind:
    """Return the kind of the inputs of a form that `check_translated` allows."""
    if form == "class":
        return "class"
    return "text" if form == "text" else FORMS[form].kind


def detect_translated(source: Source, columns: Columns) -> Detected:
    """Return the form of inputs to be translated; classes look as texts do."""
    found = detect(source, columns, labelled=False)
    return replace(found, form="text") if found.kind == "text" else found


def read_translations(source: Source, target: Source | None, form: str, columns: Columns) -> Pairs:
    """Read sources with their targets: line n of `target` for source n; without such a file, the second
    column, or the label. Raises InputError naming the line.
    """
    if form in ("text", "class"):
        if target is None:
            return read_pairs(read_rows(source), columns)
        return read_parallel(source, target)
    examples = read_examples(source, form, columns)
    return _checked(examples) if target is None else _with_lines(examples, target)


def read_untranslated(source: Source, form: str, columns: Columns, said: Said = _NOTHING_SAID) -> Pairs:
    """Read sources to be translated, none left out: of pairs the sources; else of sentences and classes each
    line is one, an empty line too, as in all texts that were typed.
    """
    columns = replace(columns, labelled=False)
    if form not in ("text", "class"):
        return read_asked(source, form, columns, said)
    if _holds_pairs(source, said.about(columns), said):
        return read_pairs(read_grid(source), said.about(columns))
    return read_lines(document_of(source))


def _holds_pairs(source: Source, columns: Columns, said: Said) -> bool:
    """Return whether a text is no mere lines: it is Parquet or JSON, has a header, or a tab in each line."""
    if said.form is not None or said.input is not None:
        return said.form != "lines"
    if is_typed(source):
        return False
    if isinstance(source, Path) and read_bytes(source).startswith(PARQUET):
        return True
    document = document_of(source)
    if is_json(document) or all("\t" in line for line in document.lines if line.strip()):
        return True
    rows = even_rows(document)
    if rows:
        named = find_header(rows, columns, (*SOURCES, *TARGETS)) is not None
        return named or columns.are_numbered(len(rows[0]))
    lines = [(line,) for line in document.lines if line.strip()]
    return len(lines) > 1 and columns.header is not False and holds_names(lines, columns, SOURCES)


def _checked(pairs: Pairs) -> Pairs:
    """Return the same. Raises InputError unless every target is there, on one line: cells may hold
    several.
    """
    for row, target in zip(pairs.rows, pairs.targets, strict=True):
        if "\n" in target:
            raise InputError(row.place, "what is wanted is one line", repr(target[:60]))
    return pairs


def _with_lines(examples: Pairs, target: Source) -> Pairs:
    wanted = read_lines(document_of(target))
    if len(wanted) != len(examples):
        rule = f"must have a line for each of the {len(examples):,} examples of the source"
        raise InputError(wanted.rows[0].place, rule, f"{len(wanted):,}")
    pairs = zip(examples.rows, wanted.inputs, strict=True)
    return replace(examples, rows=tuple(replace(row, target=line.strip()) for row, line in pairs))
